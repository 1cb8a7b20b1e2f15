import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { h2Answer, h2Request } from '../../src/proxy/h2-head.ts'
import { isText, isToken } from '../../src/proxy/raw-head.ts'
import { writeRequest } from '../../src/proxy/raw-request.ts'
import type { UpstreamRequest } from '../../src/proxy/upstream.ts'

const GET: UpstreamRequest = { method: 'GET', target: '/', headers: [], body: undefined }
const read = (headers: readonly string[], more: Partial<UpstreamRequest> = {}) =>
  h2Request({ ...GET, ...more, headers }, 'https', 'up.example:1')

/** What is in names, targets and values, and what is never. */
const PIECES = [
  'a',
  'B',
  'x-y',
  ' ',
  '\t',
  '\r\n',
  '\0',
  ':',
  ',',
  '/',
  'é',
  '€',
  '"',
  '',
  'host',
  'content-length',
  '5',
]
const NAMES = [
  'host',
  'Host',
  'cookie',
  'te',
  'Connection',
  'upgrade',
  'content-length',
  'x',
  'X',
  '__proto__',
  'set-cookie',
]
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((parts) => parts.join(''))
const field = fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), fc.oneof(fc.constantFrom('1', 'a', '5'), text))

describe('the head of a request over HTTP/2', () => {
  it('has the host as its authority, the length where there is a body, and no header of a connection', () => {
    assert.deepEqual(
      { ...(read([]) as { headers: object }).headers },
      {
        ':method': 'GET',
        ':scheme': 'https',
        ':authority': 'up.example:1',
        ':path': '/',
      },
    )
    const told = read(['Host', 'a', 'TE', 'gzip', 'Content-Length', '3', 'X', 'y'], { body: Readable.from([]) })
    assert.ok(typeof told === 'object')
    assert.equal(told.length, 3)
    const { headers } = told
    assert.deepEqual(
      [headers[':authority'], headers['content-length'], headers['x'], headers['te']],
      ['a', '3', 'y', undefined],
    )
    const trailing = read(['TE', 'trailers'])
    assert.ok(typeof trailing === 'object' && trailing.headers['te'] === 'trailers')
    assert.equal(read(['host', 'a', 'HOST', 'a']), 'two hosts')
  })

  it('whatever it is made of is one that HTTP/1.1 could carry, or none: the same as there, but for a second host', () => {
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 6 }),
        text,
        fc.constantFrom('GET', 'POST', 'A B', ''),
        (fields, target, method) => {
          const request = { method, target: `/${target}`, headers: fields.flat(), body: undefined }
          const told = h2Request(request, 'http', 'h')
          const raw = writeRequest(request, 'h')
          if (told !== 'two hosts')
            assert.equal(typeof told === 'string', typeof raw === 'string', JSON.stringify(told))
          if (typeof told === 'string') return
          for (const [name, value] of Object.entries(told.headers)) {
            assert.ok(isToken(name.replace(/^:/, '')) && isText(String(value)))
            assert.equal(name, name.toLowerCase())
            assert.equal(name.startsWith(':'), [':method', ':scheme', ':authority', ':path'].includes(name))
            assert.ok(!['host', 'te', 'connection', 'upgrade'].includes(name))
          }
        },
      ),
      { numRuns: 5000 },
    )
  })
})

describe('the head of an answer over HTTP/2', () => {
  it('has a status, and headers as they came', () => {
    assert.deepEqual(h2Answer([':status', '200', 'a', '1', 'set-cookie', 'b', 'set-cookie', 'c']), {
      status: 200,
      headers: ['a', '1', 'set-cookie', 'b', 'set-cookie', 'c'],
    })
    for (const status of ['', '20', '2000', '099', '+20', '2e2', '0x2', ' 200'])
      assert.equal(h2Answer([':status', status]), 'bad status', status)
    assert.equal(h2Answer(['a', '1']), 'bad status')
  })

  it('is as large as one of HTTP/1.1 may be, and has no more lines', () => {
    const lines = (count: number): string[] => [
      ':status',
      '200',
      ...Array.from({ length: count }, () => ['a', 'b']).flat(),
    ]
    assert.equal(typeof h2Answer(lines(200)), 'object')
    assert.equal(h2Answer(lines(201)), 'too many headers')
    assert.equal(typeof h2Answer([':status', '200', 'a', 'b'.repeat(16_373)]), 'object')
    assert.equal(h2Answer([':status', '200', 'a', 'b'.repeat(16_374)]), 'too long a head')
  })

  it('whatever it is made of, nothing comes out that HTTP/1.1 could not carry', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        const told = h2Answer([':status', '200', ...fields.flat()])
        if (typeof told === 'string') return assert.ok(fields.some(([name, value]) => !isToken(name) || !isText(value)))
        for (const [i, part] of told.headers.entries()) assert.ok(i % 2 === 0 ? isToken(part) : isText(part))
      }),
      { numRuns: 5000 },
    )
  })
})
