import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { writeRequest } from '../../src/proxy/raw-request.ts'
import type { UpstreamRequest } from '../../src/proxy/upstream.ts'

function written(request: Partial<UpstreamRequest>): string {
  const raw = writeRequest({ method: 'GET', target: '/', headers: ['host', 'a'], body: undefined, ...request }, 'inner')
  return typeof raw === 'string' ? raw : raw.head
}

const BODY = Readable.from([])
const REFUSED: Readonly<Record<string, Partial<UpstreamRequest>>> = {
  'a line break in the method': { method: 'GET / HTTP/1.1\r\nx: y\r\n\r\nGET' },
  'an empty method': { method: '' },
  'a line break in the target': { target: '/ HTTP/1.1\r\nx: y' },
  'a space in the target': { target: '/a b' },
  'a tab in the target': { target: '/a\tb' },
  'another host as the target': { target: 'http://elsewhere/' },
  'an empty target': { target: '' },
  'a target beyond latin1': { target: '/\u0100' },
  'a letter that becomes a line break': { target: '/\u010d\u010a' },
  'CR in a value': { headers: ['x', 'a\rb'] },
  'LF in a value': { headers: ['x', 'a\nb'] },
  'NUL in a value': { headers: ['x', 'a\0b'] },
  'a value that becomes a line break': { headers: ['x', 'a\u010d\u010ab'] },
  'LF in a name': { headers: ['x\ny', 'a'] },
  'a colon in a name': { headers: ['x:', 'a'] },
  'an empty name': { headers: ['', 'a'] },
  'two lengths': { headers: ['content-length', '3', 'Content-Length', '3'], body: BODY },
  'a length with a sign': { headers: ['content-length', '+3'], body: BODY },
  'a list of lengths': { headers: ['content-length', '3, 3'], body: BODY },
  'a length and no body': { headers: ['content-length', '3'] },
}

describe('a request to the upstream', () => {
  for (const [what, request] of Object.entries(REFUSED))
    it(`S3 with ${what} is not sent`, () => assert.doesNotMatch(written(request), /HTTP\/1\.1\r\n/))

  it('its framing is made here, whatever its headers say', () => {
    const headers = ['host', 'a', 'Transfer-Encoding', 'gzip', 'connection', 'close', 'Keep-Alive', '5', 'x', 'y']
    assert.equal(written({ headers }), 'GET / HTTP/1.1\r\nhost: a\r\nx: y\r\nconnection: keep-alive\r\n\r\n')
    assert.match(written({ headers, body: BODY }), /\r\nx: y\r\ntransfer-encoding: chunked\r\n/)
    assert.match(written({ headers: ['content-length', '003'], body: BODY }), /\r\ncontent-length: 3\r\n/)
  })

  it('says that it has no body where one is expected', () => {
    assert.match(written({ method: 'POST' }), /\r\ncontent-length: 0\r\n/)
    assert.doesNotMatch(written({ method: 'DELETE' }), /content-length/)
  })

  it('has a host', () => assert.match(written({ headers: [] }), /\r\nhost: inner\r\n/))
})
