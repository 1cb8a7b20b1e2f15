import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Moments } from '../../src/measure/index.ts'

const near = (one: number, other: number): boolean => Math.abs(one - other) <= 1e-6 * Math.max(1, Math.abs(other))

describe('Moments', () => {
  it('are those of the textbook', () => {
    const value = fc.double({ min: 0, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 100 }), (values) => {
        const moments = new Moments()
        for (const one of values) moments.add(one)
        const mean = values.reduce((sum, one) => sum + one, 0) / values.length
        const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1)
        assert.equal(moments.count, values.length)
        assert.ok(near(moments.mean, mean))
        assert.ok(near(moments.deviation, Math.sqrt(variance)))
        assert.equal(moments.min, Math.min(...values))
        assert.equal(moments.max, Math.max(...values))
      }),
      { seed: 1 },
    )
  })

  it('keep their precision far from zero', () => {
    const moments = new Moments()
    for (const value of [1e9, 1e9 + 1, 1e9 + 2]) moments.add(value)
    assert.equal(moments.deviation, 1)
  })

  it('know how little they know', () => {
    const moments = new Moments()
    assert.equal(moments.error, Infinity)
    moments.add(10)
    assert.equal(moments.error, Infinity)
    assert.equal(moments.deviation, 0)
    moments.add(10)
    assert.equal(moments.error, 0)
    moments.clear()
    assert.deepEqual([moments.count, moments.mean, moments.max, moments.min], [0, 0, 0, Infinity])
  })
})
