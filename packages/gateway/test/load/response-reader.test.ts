import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ResponseReader } from '../../src/load/response-reader.ts'

/** Reads a text in pieces of `size` bytes; after how many bytes it was complete, or -1. */
function read(reader: ResponseReader, text: string, size: number): number {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size)
    if (reader.push(bytes.subarray(at, at + size))) return Math.min(bytes.length, at + size)
  return -1
}

const SIZED = 'HTTP/1.1 503 Busy\r\nRetry-After:  5 \r\nContent-Length: 4\r\n\r\nbusy'
const CHUNKED =
  'HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nbus\r\n1\r\ny\r\n0\r\nX-Trailer: 1\r\n\r\n'

describe('ResponseReader', () => {
  for (const size of [1, 2, 7, 1000]) {
    it(`reads sized and chunked answers one after the other, ${size} bytes at a time`, () => {
      const reader = new ResponseReader('GET')
      for (const text of [SIZED, CHUNKED, SIZED]) {
        reader.reset()
        assert.equal(read(reader, text, size), text.length)
        assert.equal(reader.status, 503)
        assert.equal(reader.body, 'busy')
        assert.equal(reader.reusable, true)
      }
      assert.equal(reader.header('retry-after'), '5')
      assert.equal(reader.header('after'), undefined)
    })
  }

  it('takes an answer without a body for complete at its head', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    assert.equal(read(new ResponseReader('HEAD'), head, 100), head.length)
    const none = 'HTTP/1.1 204 No Content\r\n\r\n'
    assert.equal(read(new ResponseReader('GET'), none, 100), none.length)
    const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
    assert.equal(read(new ResponseReader('GET'), empty, 100), empty.length)
  })

  it('skips what comes before the answer', () => {
    const reader = new ResponseReader('GET')
    assert.ok(read(reader, `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${SIZED}`, 1000) > 0)
    assert.equal(reader.status, 503)
  })

  it('keeps no body of a success', () => {
    const reader = new ResponseReader('GET')
    assert.ok(read(reader, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood', 1000) > 0)
    assert.equal(reader.body, '')
  })

  it('reads until the connection ends where nothing says how long the body is', () => {
    const reader = new ResponseReader('GET')
    assert.equal(read(reader, 'HTTP/1.1 500 Oops\r\n\r\nsome', 1000), -1)
    assert.equal(reader.end(), true)
    assert.equal(reader.reusable, false)
    assert.equal(reader.body, 'some')
  })

  it('does not take a broken off answer for a complete one', () => {
    const reader = new ResponseReader('GET')
    assert.equal(read(reader, SIZED.slice(0, -1), 1000), -1)
    assert.equal(reader.end(), false)
  })

  it('does not reuse a connection that is to be closed, or that says more than was asked', () => {
    const closing = new ResponseReader('GET')
    assert.ok(read(closing, 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', 1000) > 0)
    assert.equal(closing.reusable, false)
    const talking = new ResponseReader('GET')
    assert.ok(read(talking, `${SIZED}HTTP/1.1`, 1000) > 0)
    assert.equal(talking.reusable, false)
  })

  it('refuses what is not HTTP', () => {
    for (const text of [
      'SSH-2.0-OpenSSH\r\n\r\n',
      'HTTP/1.1 abc\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'x'.repeat(70_000),
    ])
      assert.throws(() => read(new ResponseReader('GET'), text, 100_000), /^Error: response/, text.slice(0, 40))
  })
})
