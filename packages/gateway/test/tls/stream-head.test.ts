import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { LARGEST_HEAD, streamHead } from '../../src/tls/stream-head.ts'

/** As node:http2 hands it over. */
function read(fields: readonly (readonly [string, string])[], hasBody = false) {
  return streamHead(Object.fromEntries(fields), fields.flat(), hasBody)
}

const PSEUDO = [
  [':method', 'GET'],
  [':path', '/a?b'],
  [':scheme', 'https'],
] as const
const HOST = [':authority', 'a.example'] as const

describe('the head of a stream', () => {
  it('is one of HTTP/1.1: a host, no pseudo headers, the rest in its order', () => {
    const { method, target, raw, headers, flaw } = read([...PSEUDO, HOST, ['x-b', '1'], ['x-a', '2'], ['x-b', '3']])
    assert.deepEqual([method, target, flaw], ['GET', '/a?b', undefined])
    assert.deepEqual(raw, ['x-b', '1', 'x-a', '2', 'x-b', '3', 'host', 'a.example'])
    assert.equal(headers.host, 'a.example')
  })

  it('has one cookie, however many crumbs it came in', () => {
    const { raw } = read([...PSEUDO, HOST, ['cookie', 'a=1'], ['x', ''], ['cookie', 'b=2; c=3']])
    assert.deepEqual(raw, ['x', '', 'cookie', 'a=1; b=2; c=3', 'host', 'a.example'])
  })

  it('has exactly one host, wherever it stands', () => {
    assert.deepEqual(read([...PSEUDO, ['host', 'a.example']]).raw, ['host', 'a.example'])
    assert.deepEqual(read([...PSEUDO, HOST, ['host', 'a.example']]).raw, ['host', 'a.example'])
    assert.equal(read([...PSEUDO, HOST, ['host', 'b.example']]).flaw, 'two hosts')
    assert.equal(read([...PSEUDO, ['host', 'a.example'], ['host', 'b.example']]).flaw, 'two hosts')
    assert.equal(read(PSEUDO).flaw, 'no host')
    assert.equal(read([...PSEUDO, [':authority', '']]).flaw, 'no host')
  })

  it('says that a body of unknown length is chunked, to whoever asks, and to nobody else', () => {
    const unknown = read([...PSEUDO, HOST], true)
    assert.equal(unknown.headers['transfer-encoding'], 'chunked')
    assert.ok(!unknown.raw.includes('transfer-encoding'))
    assert.equal(read([...PSEUDO, HOST, ['content-length', '3']], true).headers['transfer-encoding'], undefined)
    assert.equal(read([...PSEUDO, HOST]).headers['transfer-encoding'], undefined)
  })

  it('whatever it is made of, has one host or a flaw, one cookie at most, and nothing that begins with a colon', () => {
    const name = fc.constantFrom(':method', ':path', ':authority', 'host', 'cookie', 'x', '__proto__', 'content-length')
    const field = fc.tuple(name, fc.constantFrom('', 'a', 'b', 'a.example', '1'))
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), fc.boolean(), (fields, hasBody) => {
        const { raw, flaw, headers } = read(fields, hasBody)
        const names = raw.filter((_, i) => i % 2 === 0)
        assert.equal(raw.length % 2, 0)
        assert.ok(!names.some((each) => each.startsWith(':')))
        assert.ok(names.filter((each) => each === 'cookie').length <= 1)
        const hosts = fields.filter(([each]) => each === 'host' || each === ':authority').map(([, value]) => value)
        if (new Set(hosts).size !== 1 || hosts[0] === '') assert.notEqual(flaw, undefined)
        else
          assert.deepEqual(
            [flaw, headers.host, names.filter((each) => each === 'host').length],
            [undefined, hosts[0], 1],
          )
      }),
      { numRuns: 3000 },
    )
  })

  it('is as large as one of HTTP/1.1 may be, and no larger', () => {
    const rest = [...PSEUDO, HOST].flat().join('').length + 1
    assert.equal(read([...PSEUDO, HOST, ['x', 'y'.repeat(LARGEST_HEAD - rest)]]).flaw, undefined)
    assert.equal(read([...PSEUDO, HOST, ['x', 'y'.repeat(LARGEST_HEAD - rest + 1)]]).flaw, 'too large')
  })
})
