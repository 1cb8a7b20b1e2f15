import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Histogram } from '../../src/measure/index.ts'

describe('Histogram', () => {
  it('is at most 4 % off at any percentile', () => {
    const value = fc.double({ min: 0.001, max: 1e7, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 200, size: 'max' }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, quantile) => {
          const histogram = new Histogram()
          for (const one of values) histogram.record(one)
          const sorted = values.toSorted((a, b) => a - b)
          const exact = sorted[Math.max(1, Math.ceil(quantile * sorted.length)) - 1]!
          const told = histogram.at(quantile)
          assert.ok(Math.abs(told - exact) <= 0.04 * exact, `${quantile}: ${told} for ${exact}`)
        },
      ),
      { seed: 1, numRuns: 300 },
    )
  })

  it('counts what lies outside its range in the first and the last bucket', () => {
    const histogram = new Histogram()
    histogram.record(0)
    histogram.record(1e300)
    assert.equal(histogram.total, 2)
    assert.ok(histogram.at(0.5) < 0.002)
    assert.ok(histogram.at(1) > 1e7)
  })

  it('is empty at first and after clearing', () => {
    const histogram = new Histogram()
    assert.equal(histogram.at(0.5), 0)
    histogram.record(5)
    histogram.clear()
    assert.equal(histogram.total, 0)
    assert.equal(histogram.at(0.99), 0)
    histogram.record(7)
    assert.ok(Math.abs(histogram.at(0.5) - 7) < 0.3)
  })
})
