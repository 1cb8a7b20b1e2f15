import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  explain,
  isRejection,
  REFUSALS,
  RejectedError,
  Rejection,
  retryAfterOf,
  type RejectionCode,
} from '../../src/ground/index.ts'

const CODES: readonly RejectionCode[] = [
  'overload',
  'limit_exceeded',
  'queue_full',
  'queue_timeout',
  'evicted',
  'shed',
  'breaker_open',
  'rate_limited',
  'deadline',
  'cancelled',
  'closed',
]

describe('the table of refusals', () => {
  it('has a row for every code and no other', () => {
    assert.deepEqual(Object.keys(REFUSALS).toSorted(), [...CODES].toSorted())
  })

  it('has every column in every row', () => {
    for (const [code, row] of Object.entries(REFUSALS)) {
      assert.deepEqual(Object.keys(row).toSorted(), ['grpc', 'means', 'retryAfter', 'status', 'wire'], code)
      assert.ok([429, 499, 503, 504].includes(row.status), `${code}: status ${row.status}`)
      assert.match(row.wire, /^[A-Z][A-Z_]+$/, code)
      assert.match(row.grpc, /^[A-Z][A-Z_]+$/, code)
      assert.ok(row.retryAfter === undefined || row.retryAfter > 0, code)
      assert.ok(row.means.length > 10, code)
    }
  })

  it('gives no two refusals the same name on the wire', () => {
    assert.equal(new Set(Object.values(REFUSALS).map((row) => row.wire)).size, CODES.length)
  })

  it('S3.3 has the agreed statuses, codes and times', () => {
    for (const [code, wire, retryAfter] of [
      ['overload', 'SYSTEM_OVERLOAD', 5000],
      ['queue_full', 'QUEUE_FULL', 1000],
      ['queue_timeout', 'QUEUE_TIMEOUT', 2000],
    ] as const) {
      const row = REFUSALS[code]
      assert.deepEqual([row.status, row.wire, row.retryAfter], [503, wire, retryAfter])
    }
  })
})

describe('Rejection', () => {
  it('carries who, why and what would have been needed, and no stack', () => {
    const rejection = new Rejection('queue_full', 'api', 11, 10)
    assert.equal(rejection.admitted, false)
    assert.deepEqual(JSON.parse(JSON.stringify(rejection)), { code: 'queue_full', gate: 'api', load: 11, limit: 10 })
    assert.equal('stack' in rejection, false)
  })

  it('is recognised across two copies of the package', async () => {
    // The query makes it another module: what a second installed copy is.
    const address: string = new URL('../../src/ground/rejection.js?second', import.meta.url).href
    const other = (await import(address)) as { Rejection: typeof Rejection; isRejection: typeof isRejection }
    assert.notEqual(other.Rejection, Rejection)
    assert.ok(isRejection(new other.Rejection('closed', 'theirs', 1, 0)))
    assert.ok(other.isRejection(new Rejection('closed', 'ours', 1, 0)))
    assert.equal(new other.Rejection('closed', 'theirs', 1, 0) instanceof Rejection, false)
  })

  it('is nothing else', () => {
    for (const value of [undefined, null, 'closed', 1, {}, { code: 'closed' }, new Error('closed'), () => {}])
      assert.equal(isRejection(value), false)
  })

  it('says when to come back: what the gate knows, else the table', () => {
    assert.equal(retryAfterOf(new Rejection('overload', 'a', 1, 1)), 5000)
    assert.equal(retryAfterOf(new Rejection('overload', 'a', 1, 1, 70)), 70)
    assert.equal(retryAfterOf(new Rejection('cancelled', 'a', 1, 1)), undefined)
  })

  it('is explained in one sentence, with round figures', () => {
    const sentence = explain(new Rejection('limit_exceeded', 'api', 10.000_04, 10))
    assert.equal(sentence, `api refused: ${REFUSALS.limit_exceeded.means}; load 10, limit 10`)
    for (const code of CODES)
      assert.match(explain(new Rejection(code, 'api', 2, 1)), /^api refused: .+; load 2, limit 1$/)
  })

  it('is an error for those who like exceptions', () => {
    const cause = new Error('why')
    const rejection = new Rejection('closed', 'api', 1, 0)
    const error = new RejectedError(rejection, { cause })
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'RejectedError')
    assert.equal(error.code, 'closed')
    assert.equal(error.rejection, rejection)
    assert.equal(error.message, explain(rejection))
    assert.equal(error.cause, cause)
  })
})
