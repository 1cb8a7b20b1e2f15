import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plan } from '../../src/demo/plan.ts'

describe('plan', () => {
  it('fills the time exactly: 0.8x, 3x, 0.8x of capacity', () => {
    for (const duration of [10_000, 12_000, 20_000, 60_000]) {
      const { phases, capacity } = plan(duration)
      assert.equal(capacity, 400)
      assert.deepEqual(
        phases.map(({ name, rate }) => `${name} ${rate / capacity}`),
        ['warm-up 0.8', 'before 0.8', 'onset 3', 'spike 3', 'after 0.8'],
      )
      assert.ok(Math.abs(phases.reduce((sum, phase) => sum + phase.duration, 0) - duration) < 1e-6)
      assert.ok(phases.every((phase) => phase.duration >= 1000))
    }
  })

  it('refuses to be shorter than ten seconds', () => {
    assert.throws(() => plan(9999), /^RangeError: the demo needs at least 10s, not 9.999s$/)
    assert.throws(() => plan(Number.NaN), RangeError)
  })
})
