// Responses as nobody should send them: right ones, and what becomes of them.

const STATUSES = [
  '200 OK',
  '200 ',
  '200',
  '204 No Content',
  '304 Not Modified',
  '404 Not Found',
  '999 X',
  '500 \xe9\xff',
]
const FIELDS = [
  'server: nginx',
  'Set-Cookie: a=1; Path=/',
  'x-empty:',
  'x-tab:\t a\tb ',
  'Connection: close',
  'connection: keep-alive, x',
  'Keep-Alive: timeout=5, max=100',
  'x-text: \xe9\xff',
  'connection: upgrade',
  'upgrade: websocket',
  'Trailer: x-sum',
]
const BODIES = [
  'content-length: 5\r\n\r\nhello',
  'Content-Length: 0\r\n\r\n',
  'content-length: 5 \r\n\r\nhello',
  'content-length: 00005\r\n\r\nhello',
  'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'Transfer-Encoding: Chunked\r\n\r\n5;a=b;c="d e"\r\nhello\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n',
  'transfer-encoding: chunked\r\n\r\n005\r\nhello\r\n000;x\r\n\r\n',
  '\r\nuntil the end',
  'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'content-length: 5\r\ncontent-length: 5\r\n\r\nhello',
]
const EARLY = ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n']
/** What parsers have fallen over. */
const SPICE = (
  '\r|\n|\r\n|\0| |\t|:|;|,|"|=|\x0b|\x7f|\x80|\xff|\r\n |\r\n\r\n|+|-|0x|0|3|f|fffffffffffffffff|99999999999999999999|/' +
  '|1.0|2.0|HTTP/1.1 200 OK|chunked|gzip, |content-length: 3\r\n|transfer-encoding: chunked\r\n|content-length : 3\r\n' +
  '|Transfer-Encoding: identity\r\n|connection: close\r\n|upgrade: x\r\nconnection: upgrade\r\n|HTTP/1.1 100 X\r\n\r\n'
).split('|')

/** One response, changed in up to four places. */
export function mutant(random: () => number): string {
  const below = (n: number): number => Math.floor(random() * n)
  const one = (from: readonly string[]): string => from[below(from.length)]!
  let text = random() < 0.1 ? one(EARLY) : ''
  text += `HTTP/1.${random() < 0.1 ? 0 : 1} ${one(STATUSES)}\r\n`
  for (let left = below(3); left > 0; left--) text += `${one(FIELDS)}\r\n`
  text += one(BODIES)
  for (let left = below(5); left > 0; left--) {
    const at = below(text.length + 1)
    const to = Math.min(text.length, at + 1 + below(8))
    const kind = below(6)
    if (kind <= 1) text = text.slice(0, at) + one(SPICE) + text.slice(at)
    else if (kind === 2) text = text.slice(0, at) + text.slice(to)
    else if (kind === 3) text = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1)
    else if (kind === 4) text = text.slice(0, to) + text.slice(at)
    else text = text.slice(0, at) + flipped(text.slice(at, to)) + text.slice(to)
  }
  return text
}

function flipped(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
}
