import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureOf } from '../../src/proxy/upstream-failure.ts'

describe('failureOf', () => {
  for (const [code, expected] of [
    ['ECONNREFUSED', 'UPSTREAM_UNREACHABLE'],
    ['ENOTFOUND', 'UPSTREAM_UNREACHABLE'],
    ['UND_ERR_CONNECT_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['UND_ERR_HEADERS_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['UND_ERR_BODY_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['UND_ERR_SOCKET', 'UPSTREAM_FAILED'],
    ['ECONNRESET', 'UPSTREAM_FAILED'],
    ['HPE_INVALID_CONSTANT', 'UPSTREAM_FAILED'],
    ['ERR_HTTP2_ERROR', 'UPSTREAM_FAILED'],
    ['ERR_HTTP2_SESSION_ERROR', 'UPSTREAM_FAILED'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UPSTREAM_FAILED'],
    ['UND_ERR_INVALID_ARG', 'BAD_REQUEST'],
  ] as const)
    it(`${code} is ${expected}`, () => {
      assert.equal(failureOf(Object.assign(new Error('x'), { code })).code, expected)
    })

  it('names what it does not know', () => {
    assert.deepEqual(failureOf(new TypeError('x')), {
      code: 'UPSTREAM_FAILED',
      message: 'the upstream failed (TypeError)',
    })
  })
})
