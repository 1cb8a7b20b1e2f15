import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Gateway } from '../../src/gateway.ts'
import { connect, Scene, until } from './proxy-rig.ts'

/** One message, what is answered, and what the upstream sees of it: a request line and a body, or nothing. */
type Row = readonly [
  what: string,
  send: string,
  status: number | readonly number[],
  reached?: readonly [line: string, body: string],
]

const H = 'host: a\r\n'
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n'
const post = (more: string): string => `POST /p HTTP/1.1\r\n${H}${more}`
const get = (more: string): string => `GET /g HTTP/1.1\r\n${H}${more}\r\n`

/** Beside those of proxy-refusals.test.ts; together they are the list of odd messages that some proxy lets through. */
const ROWS: readonly Row[] = [
  // Framing.
  ['no body in a chunked request', post(`${CHUNKED}0\r\n\r\n`), 200, ['POST /p', '']],
  ['a chunk with an extension', post(`${CHUNKED}3;a="b"\r\nabc\r\n0\r\n\r\n`), 200, ['POST /p', 'abc']],
  ['a chunk size with zeros before it', post(`${CHUNKED}0003\r\nabc\r\n0\r\n\r\n`), 200, ['POST /p', 'abc']],
  ['a chunk size in capitals', post(`${CHUNKED}A\r\n0123456789\r\n0\r\n\r\n`), 200, ['POST /p', '0123456789']],
  ['a chunk size with a sign', post(`${CHUNKED}+3\r\nabc\r\n0\r\n\r\n`), 400],
  ['a chunk size below nothing', post(`${CHUNKED}-3\r\nabc\r\n0\r\n\r\n`), 400],
  ['a chunk size beyond 64 bits', post(`${CHUNKED}fffffffffffffffff\r\nabc\r\n0\r\n\r\n`), 400],
  ['a chunk size with a space before it', post(`${CHUNKED} 3\r\nabc\r\n0\r\n\r\n`), 400],
  ['a chunk that is longer than it says', post(`${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`), 400],
  ['a chunk that ends with LF alone', post(`${CHUNKED}3\nabc\n0\n\n`), 400],
  ['CL, then TE', post(`content-length: 6\r\n${CHUNKED}0\r\n\r\nX`), 400],
  ['TE, then CL', post(`transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\nX`), 400],
  ['CL of nothing, and TE', post(`content-length: 0\r\n${CHUNKED}0\r\n\r\n`), 400],
  ['TE chunked, identity', post(`transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`), 400],
  ['TE chunked, chunked', post(`transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n`), [400, 501]],
  ['TE with a tab behind it', post(`transfer-encoding: chunked\t\r\n\r\n0\r\n\r\n`), [400, 501]],
  ['TE with a space before the colon', post(`transfer-encoding : chunked\r\n\r\n0\r\n\r\n`), 400],
  ['TE in two lines', post(`transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n`), 400],
  ['TE of nothing', post('transfer-encoding:\r\n\r\n'), [400, 501]],
  ['TE in quotes', post(`transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n`), [400, 501]],
  [
    'TE with an underscore is another header',
    post(`transfer_encoding: chunked\r\ncontent-length: 2\r\n\r\nok`),
    200,
    ['POST /p', 'ok'],
  ],
  ['CL with a comma', post('content-length: 3, 4\r\n\r\nabc'), 400],
  ['CL with a comma behind it', post('content-length: 3,\r\n\r\nabc'), 400],
  ['CL in another base', post('content-length: 0b11\r\n\r\nabc'), 400],
  ['CL with an exponent', post('content-length: 1e1\r\n\r\n0123456789'), 400],
  ['CL of 2^64', post('content-length: 18446744073709551616\r\n\r\nabc'), 400],
  ['CL in letters of elsewhere', post('content-length: \xb3\r\n\r\nabc'), 400],
  ['CL on a GET that has no body', get('content-length: 0\r\n'), 200, ['GET /g', '']],
  // The request line.
  ['HTTP/1.2', `GET /g HTTP/1.2\r\n${H}\r\n`, 400],
  ['HTTP/0.9 by name', `GET /g HTTP/0.9\r\n${H}\r\n`, 505],
  ['HTTP/3.0', `GET /g HTTP/3.0\r\n${H}\r\n`, 400],
  ['http in lower case', `GET /g http/1.1\r\n${H}\r\n`, 400],
  ['a tab in the request line', `GET\t/g\tHTTP/1.1\r\n${H}\r\n`, 400],
  ['a space behind the version', `GET /g HTTP/1.1 \r\n${H}\r\n`, 400],
  ['an empty line before it', `\r\nGET /g HTTP/1.1\r\n${H}\r\n`, 200, ['GET /g', '']],
  ['a space before it', ` GET /g HTTP/1.1\r\n${H}\r\n`, 400],
  ['absolute-form of our own', `GET http://a/g HTTP/1.1\r\n${H}\r\n`, 400],
  ['absolute-form in https', `GET https://a/g HTTP/1.1\r\n${H}\r\n`, 400],
  ['absolute-form in capitals', `GET HTTP://evil/g HTTP/1.1\r\n${H}\r\n`, 400],
  ['a file', `GET file:///etc/passwd HTTP/1.1\r\n${H}\r\n`, 400],
  ['an asterisk for a GET', `GET * HTTP/1.1\r\n${H}\r\n`, 400],
  ['two slashes are a path, and no host', `GET //evil/g HTTP/1.1\r\n${H}\r\n`, 200, ['GET //evil/g', '']],
  ['a user in the path is a path', `GET /@evil HTTP/1.1\r\n${H}\r\n`, 200, ['GET /@evil', '']],
  ['a URL for a query', `GET /g?http://evil/ HTTP/1.1\r\n${H}\r\n`, 200, ['GET /g?http://evil/', '']],
  ['PRI, with which h2 begins', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, 400],
  ['a method of WebDAV', `PROPFIND /g HTTP/1.1\r\n${H}\r\n`, 200, ['PROPFIND /g', '']],
  ['TRACE with a body', `TRACE /g HTTP/1.1\r\n${H}content-length: 1\r\n\r\nx`, 405],
  // Headers.
  ['CR alone ends a line', `GET /g HTTP/1.1\rhost: a\r\r`, 400],
  ['LF and CR', `GET /g HTTP/1.1\n\rhost: a\n\r\n\r`, 400],
  ['a form feed in a value', get('x-a: b\x0cc\r\n'), 400],
  ['DEL in a value', get('x-a: b\x7fc\r\n'), 400],
  ['bytes above ASCII in a value', get('x-a: \xe9\r\n'), 200, ['GET /g', '']],
  ['a name with a space', get('x a: b\r\n'), 400],
  ['a name in brackets', get('x[a]: b\r\n'), 400],
  ['a line without a colon', get('x-a\r\n'), 400],
  ['a fold before the first header', `GET /g HTTP/1.1\r\n ${H}\r\n`, 400],
  ['2,500 header lines', get('x-a: b\r\n'.repeat(2500)), 431],
  ['two hosts that are equal', get('host: a\r\n'), 400],
  ['two hosts, the second in capitals', get('HOST: b\r\n'), 400],
  ['a host with a space in it', `GET /g HTTP/1.1\r\nhost: a b\r\n\r\n`, 400],
  ['a host with a fragment', `GET /g HTTP/1.1\r\nhost: a#b\r\n\r\n`, 400],
  ['two authorizations that are equal', get('authorization: x\r\nauthorization: x\r\n'), 400],
  ['three cookies are three cookies', get('cookie: a\r\ncookie: b\r\ncookie: c\r\n'), 200, ['GET /g', '']],
  ['Expect of something else', post('expect: 200-ok\r\ncontent-length: 2\r\n\r\nok'), 417],
  ['Expect twice', post('expect: 100-continue, 100-continue\r\ncontent-length: 2\r\n\r\nok'), 100, ['POST /p', 'ok']],
  [
    'an upgrade to h2c',
    get('connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n'),
    200,
    ['GET /g', ''],
  ],
  [
    'Connection that names content-length',
    post('connection: content-length\r\ncontent-length: 2\r\n\r\nok'),
    200,
    ['POST /p', 'ok'],
  ],
  ['Connection that names host', get('connection: host\r\n'), 200, ['GET /g', '']],
  [
    'Connection that names authorization',
    get('connection: authorization\r\nauthorization: x\r\n'),
    200,
    ['GET /g', ''],
  ],
  ['a header called __proto__', get('__proto__: x\r\nconstructor: y\r\n'), 200, ['GET /g', '']],
  ['a trailer', post(`trailer: x-t\r\n${CHUNKED}1\r\na\r\n0\r\nx-t: 1\r\n\r\n`), 200, ['POST /p', 'a']],
  ['a trailer on a GET', get('trailer: x-t\r\n'), 200, ['GET /g', '']],
  ['HTTP/1.0 without a host', 'GET /g HTTP/1.0\r\n\r\n', 200, ['GET /g', '']],
  ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
]

describe('odd messages that some proxy lets through, each decided', () => {
  const stage = new Scene()
  let gateway: Gateway
  let reached: { line: string; body: string; headers: readonly string[] }[] = []

  before(async () => {
    const port = await stage.upstream((req, res) => {
      let body = ''
      req.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
      req.on('end', () => {
        reached.push({ line: `${req.method} ${req.url}`, body, headers: req.rawHeaders })
        res.end('ok')
      })
    })
    gateway = await stage.gateway(port)
  })
  after(() => stage.end())

  for (const [what, send, status, expected] of ROWS)
    it(`${what}: ${String(status)}${expected === undefined ? '' : `, and goes on as ${expected[0]}`}`, async () => {
      reached = []
      const client = await connect(gateway.port)
      try {
        client.send(Buffer.from(send, 'latin1'))
        await until('an answer', () => /\r\n\r\n/.test(client.received()) || client.closed)
        const [, told] = /^HTTP\/1\.1 (\d+) /.exec(client.received()) ?? []
        assert.ok([status].flat().includes(Number(told)), client.received())
        if (expected === undefined) assert.deepEqual(reached, [])
        else {
          await until('the upstream', () => reached.length > 0)
          assert.deepEqual(
            reached.map(({ line, body }) => [line, body]),
            [expected],
          )
          const names = reached[0]!.headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
          // Announced anew where a body can have any.
          assert.equal(names.includes('trailer'), send.includes('trailer: x-t') && send.includes(CHUNKED))
          for (const name of ['expect', 'upgrade', 'http2-settings', 'te', 'proxy-authorization'])
            assert.ok(!names.includes(name), name)
          assert.equal(names.filter((name) => name === 'host').length, 1)
          if (send.includes('connection: authorization')) assert.ok(!names.includes('authorization'))
        }
      } finally {
        client.leave()
      }
    })
})
