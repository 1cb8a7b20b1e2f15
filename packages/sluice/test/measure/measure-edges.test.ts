import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Histogram, Moments } from '../../src/measure/index.ts'

describe('Histogram, at its edges', () => {
  // From below the first bucket to above the last.
  const values = fc.array(fc.constantFrom(0, 2 ** -10, 0.002, 1, 5, 7, 1000, 2 ** 24, 1e300), { maxLength: 20 })

  it('what was recorded before it was cleared is nowhere seen again', () => {
    fc.assert(
      fc.property(values, values, fc.double({ min: 0, max: 1, noNaN: true }), (before, after, quantile) => {
        const used = new Histogram()
        const fresh = new Histogram()
        for (const value of before) used.record(value)
        used.clear()
        for (const value of after) {
          used.record(value)
          fresh.record(value)
        }
        assert.equal(used.total, fresh.total)
        assert.equal(used.at(quantile), fresh.at(quantile))
      }),
      { numRuns: 500 },
    )
  })

  it('nor what was in the first bucket alone', () => {
    const histogram = new Histogram()
    histogram.record(0)
    histogram.clear()
    histogram.record(0)
    histogram.record(5)
    assert.ok(Math.abs(histogram.at(1) / 5 - 1) < 0.03)
  })

  it('the last value of its range is not beyond the last bucket', () => {
    const histogram = new Histogram()
    histogram.record(2 ** 24)
    assert.ok(Math.abs(histogram.at(1) / 2 ** 24 - 1) < 0.03)
  })
})

describe('Moments, at their edges', () => {
  it('the error is the standard error of the mean, as a share of the mean', () => {
    const moments = new Moments()
    for (const value of [8, 12, 10, 10]) moments.add(value)
    const deviation = Math.sqrt(8 / 3)
    assert.ok(Math.abs(moments.error - deviation / Math.sqrt(4) / 10) < 1e-12, `${moments.error}`)
  })

  it('of a mean of nothing no share can be told', () => {
    const moments = new Moments()
    for (const value of [0, 0, 0]) moments.add(value)
    assert.equal(moments.error, Infinity)
  })
})
