import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { outcomeOfFailure } from '../../src/clients/failure.ts'
import { RejectedError, Rejection } from '../../src/index.ts'

const withCode = (code: string): Error => Object.assign(new Error(code), { code })

describe('what an error says about how a request ended', () => {
  it('S3.6 dropped: refused further in, or timed out', () => {
    const refused = new RejectedError(new Rejection('queue_full', 'inner', 2, 1))
    for (const error of [
      refused,
      new TypeError('fetch failed', { cause: refused }),
      withCode('UND_ERR_HEADERS_TIMEOUT'),
      withCode('UND_ERR_BODY_TIMEOUT'),
      new TypeError('fetch failed', { cause: withCode('UND_ERR_CONNECT_TIMEOUT') }),
      withCode('ETIMEDOUT'),
      new DOMException('late', 'TimeoutError'),
    ])
      assert.equal(outcomeOfFailure(error), 'dropped', String(error))
  })

  it('ignored: called off, or never sent', () => {
    for (const error of [
      new DOMException('left', 'AbortError'),
      withCode('UND_ERR_ABORTED'),
      withCode('UND_ERR_DESTROYED'),
      new TypeError('nonsense', { cause: withCode('ERR_INVALID_URL') }),
    ])
      assert.equal(outcomeOfFailure(error), 'ignored', String(error))
  })

  it('failure: everything else, whatever it is', () => {
    const endless: { cause?: unknown } = {}
    endless.cause = endless
    for (const error of [
      withCode('ECONNREFUSED'),
      withCode('ECONNRESET'),
      new Error('x'),
      undefined,
      null,
      'x',
      endless,
    ])
      assert.equal(outcomeOfFailure(error), 'failure')
  })
})
