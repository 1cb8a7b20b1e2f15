import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toldByNode, toldByRaw } from './raw-told.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const HELLO = 'content-length: 5\r\n\r\nhello'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`

function raw(text: string, head = false): ReturnType<typeof toldByRaw> {
  return toldByRaw(Buffer.from(text, 'latin1'), head)
}

const REFUSED: Readonly<Record<string, string>> = {
  'both framings': `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  'both framings, turned': `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  'two equal lengths': `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`,
  'two lengths': `${OK}content-length: 5\r\ncontent-length: 4\r\n\r\nhello`,
  'a list of lengths': `${OK}content-length: 5, 5\r\n\r\nhello`,
  'a length with a sign': `${OK}content-length: +5\r\n\r\nhello`,
  'a negative length': `${OK}content-length: -5\r\n\r\nhello`,
  'a length in hexadecimal': `${OK}content-length: 0x5\r\n\r\nhello`,
  'a length with an exponent': `${OK}content-length: 5e0\r\n\r\nhello`,
  'an empty length': `${OK}content-length:\r\n\r\nhello`,
  'a length beyond all numbers': `${OK}content-length: 99999999999999999999\r\n\r\nhello`,
  'a length with a tab after it': `${OK}content-length: 5\t\r\n\r\nhello`,
  'a space before the colon': `${OK}content-length : 5\r\n\r\nhello`,
  'a folded header': `${OK}x-a: b\r\n c\r\n${HELLO}`,
  'a folded length': `${OK}content-length:\r\n 5\r\n\r\nhello`,
  'a header without a name': `${OK}: b\r\n${HELLO}`,
  'a header without a colon': `${OK}x-a\r\n${HELLO}`,
  'bare LF': 'HTTP/1.1 200 OK\ncontent-length: 5\n\nhello',
  'one bare LF': `${OK}x-a: b\n${HELLO}`,
  'bare CR': `${OK}x-a: b\rc\r\n${HELLO}`,
  'bare CR after the status line': `HTTP/1.1 200 OK\r${HELLO}`,
  'NUL in a value': `${OK}x-a: b\0c\r\n${HELLO}`,
  'NUL in a name': `${OK}x\0a: b\r\n${HELLO}`,
  'DEL in a value': `${OK}x-a: \x7f\r\n${HELLO}`,
  'NUL in the reason': `HTTP/1.1 200 O\0K\r\n${HELLO}`,
  'another protocol': `ICY 200 OK\r\n${HELLO}`,
  'HTTP/2.0': `HTTP/2.0 200 OK\r\n${HELLO}`,
  'HTTP/1.2': `HTTP/1.2 200 OK\r\n${HELLO}`,
  'HTTP/0.9': `HTTP/0.9 200 OK\r\n${HELLO}`,
  'two spaces before the status': `HTTP/1.1  200 OK\r\n${HELLO}`,
  'a status of two digits': `HTTP/1.1 20 OK\r\n${HELLO}`,
  'a status of four digits': `HTTP/1.1 2000 OK\r\n${HELLO}`,
  'a status below 100': `HTTP/1.1 099 OK\r\n${HELLO}`,
  'an empty line before': `\r\n${OK}${HELLO}`,
  'a space before': ` ${OK}${HELLO}`,
  'identity, chunked': `${OK}transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n`,
  'gzip, chunked': `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'chunked, chunked': `${OK}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked with a vertical tab': `${OK}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'a chunk size with a prefix': `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`,
  'a chunk size with a sign': `${CHUNKED}+5\r\nhello\r\n0\r\n\r\n`,
  'a chunk size with a space': `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n`,
  'an empty chunk size': `${CHUNKED}\r\nhello\r\n0\r\n\r\n`,
  'a chunk size that wraps around': `${CHUNKED}10000000000000005\r\nhello\r\n0\r\n\r\n`,
  'a chunk shorter than its size': `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`,
  'a chunk longer than its size': `${CHUNKED}4\r\nhello\r\n0\r\n\r\n`,
  'bare LF after a chunk size': `${CHUNKED}5\nhello\r\n0\r\n\r\n`,
  'bare LF after a chunk': `${CHUNKED}5\r\nhello\n0\r\n\r\n`,
  'a bare CR in a chunk extension': `${CHUNKED}5;a\rb\r\nhello\r\n0\r\n\r\n`,
  'a NUL in a chunk extension': `${CHUNKED}5;a\0\r\nhello\r\n0\r\n\r\n`,
  '5 KB of chunk extension': `${CHUNKED}5;${'a'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`,
  '5 KB of chunk extensions, spread': `${CHUNKED}${`1;${'a'.repeat(99)}\r\nx\r\n`.repeat(50)}0\r\n\r\n`,
  'a length in a trailer': `${CHUNKED}5\r\nhello\r\n0\r\ncontent-length: 3\r\n\r\n`,
  'a folded trailer': `${CHUNKED}5\r\nhello\r\n0\r\nx: a\r\n b\r\n\r\n`,
  '17 KB of trailers': `${CHUNKED}0\r\nx: ${'a'.repeat(17_000)}\r\n\r\n`,
  '201 headers': `${OK}${'x-a: b\r\n'.repeat(200)}${HELLO}`,
  '17 KB of headers': `${OK}x-a: ${'b'.repeat(17_000)}\r\n${HELLO}`,
  'an upgrade nobody asked for': 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  '100 with a length': `HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\nhello${OK}${HELLO}`,
  '103 that closes': `HTTP/1.1 103 Early Hints\r\nconnection: close\r\n\r\n${OK}${HELLO}`,
  '33 informational responses': `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(33)}${OK}${HELLO}`,
  'half a head': 'HTTP/1.1 200 OK\r\ncontent-le',
  'half a body': `${OK}content-length: 6\r\n\r\nhello`,
  'chunks without an end': `${CHUNKED}5\r\nhello\r\n`,
  nothing: '',
}

const ACCEPTED: Readonly<Record<string, readonly [text: string, status: number, body: string]>> = {
  'a length': [`${OK}${HELLO}`, 200, 'hello'],
  'a length with zeroes and spaces': [`${OK}content-length: \t 005  \r\n\r\nhello`, 200, 'hello'],
  chunks: [`${CHUNKED}5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n`, 200, 'hello0123456789'],
  'chunks with extensions and trailers': [`${CHUNKED}5;a;b=c;d="e f"\r\nhello\r\n0\r\nx: y\r\n\r\n`, 200, 'hello'],
  'until it closes': [`${OK}\r\nhello`, 200, 'hello'],
  'HTTP/1.0': ['HTTP/1.0 200 OK\r\n\r\nhello', 200, 'hello'],
  '204': ['HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  '304 with a length': ['HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', 304, ''],
  'no reason': [`HTTP/1.1 200\r\n${HELLO}`, 200, 'hello'],
  '100 and 103 before it': [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}${HELLO}`,
    200,
    'hello',
  ],
}

describe('a response from upstream', () => {
  for (const [what, text] of Object.entries(REFUSED))
    it(`S3 with ${what} is refused`, () => {
      assert.equal(raw(text).whole, false)
      // Byte by byte, too.
      const bytes = Buffer.from(text, 'latin1')
      const everywhere = Array.from(bytes.keys()).slice(1)
      assert.equal(toldByRaw(bytes, false, everywhere).whole, false)
    })

  for (const [what, [text, status, body]] of Object.entries(ACCEPTED))
    it(`with ${what} is read as node reads it`, () => {
      const told = raw(text)
      assert.deepEqual([told.whole, told.status, told.body], [true, status, body])
      const node = toldByNode(Buffer.from(text, 'latin1'), false)
      assert.deepEqual([node.whole, node.status, node.body, node.headers], [true, status, body, told.headers])
    })

  it('to HEAD has no body, whatever it says', () => {
    const told = raw(`${OK}${HELLO}`, true)
    assert.deepEqual([told.whole, told.body, told.end], [true, '', OK.length + 'content-length: 5\r\n\r\n'.length])
  })

  it('ends where it ends: what follows is left', () => {
    const text = `${OK}${HELLO}`
    assert.equal(raw(`${text}${OK}`).end, text.length)
  })
})
