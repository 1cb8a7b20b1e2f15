import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeLeft, urgency } from '../../src/http/index.ts'

const told = (headers: Readonly<Record<string, string>>): number | undefined => timeLeft((name) => headers[name])

describe('timeLeft', () => {
  it('reads each header in its own unit', () => {
    for (const [name, text, left] of [
      ['grpc-timeout', '5S', 5000],
      ['grpc-timeout', '250m', 250],
      ['grpc-timeout', '1M', 60_000],
      ['grpc-timeout', '2H', 7_200_000],
      ['grpc-timeout', '1500u', 1.5],
      ['grpc-timeout', '0S', 0],
      ['x-envoy-expected-rq-timeout-ms', '800', 800],
      ['x-request-timeout', '2', 2000],
      ['x-request-timeout', '2.5s', 2500],
      ['x-request-timeout', '800ms', 800],
    ] as const)
      assert.equal(told({ [name]: text }), left, `${name}: ${text}`)
  })

  it('takes the shortest of several', () => {
    assert.equal(
      told({ 'grpc-timeout': '5S', 'x-request-timeout': '1', 'x-envoy-expected-rq-timeout-ms': '4000' }),
      1000,
    )
    assert.equal(told({ 'grpc-timeout': 'soon', 'x-request-timeout': '3' }), 3000)
  })

  it('does not see what it cannot read', () => {
    assert.equal(told({}), undefined)
    for (const text of ['', ' 5S', '5 S', '-5S', '5', 'S', '123456789S', '5s', '1e3S', '٥S'])
      assert.equal(told({ 'grpc-timeout': text }), undefined, `grpc-timeout: ${text}`)
    for (const text of ['', '-1', '1.5', '1e3', '0x10', '9'.repeat(30), 'Infinity', 'NaN'])
      assert.equal(told({ 'x-envoy-expected-rq-timeout-ms': text }), undefined, text)
    for (const text of ['', '-1', '1e3', '.5', '1m', '1 s', 'Infinity', '1,2'])
      assert.equal(told({ 'x-request-timeout': text }), undefined, text)
  })
})

describe('urgency', () => {
  it('maps RFC 9218 on four priorities', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((u) => urgency(`u=${u}`)),
      [3, 3, 2, 2, 1, 1, 0, 0],
    )
    assert.equal(urgency('i, u=1'), 3)
    assert.equal(urgency('u=5;x=1, i'), 1)
  })

  it('does not see what it cannot read', () => {
    for (const text of [undefined, '', 'i', 'u=8', 'u=-1', 'u=12', 'xu=1', 'u= 1', 'U=1', 'u="1"'])
      assert.equal(urgency(text), undefined, String(text))
  })
})
