import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Histogram } from '../../src/live/index.ts'

describe('Histogram', () => {
  it('is at most 4.5 % above the true percentile, and never below', () => {
    const values = fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
        const histogram = new Histogram()
        for (const value of all) histogram.add(value)
        const truth = all.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(all.length * share)) - 1]!
        const read = histogram.percentile(share)
        assert.ok(read >= truth - 0.01 && read <= truth * 1.045 + 0.01, `${read} for ${truth}`)
      }),
    )
  })

  it('is the same in another process', () => {
    const own = new Histogram()
    for (const value of [1, 2, 3, 400, Infinity]) own.add(value)
    const there = Histogram.of(structuredClone(own.data))
    assert.equal(there.count, 5)
    for (const share of [0.1, 0.5, 0.8, 1]) assert.equal(there.percentile(share), own.percentile(share))
    there.add(1)
    assert.equal(own.count, 5)
  })

  it('bears what is no duration, and adds up', () => {
    const [a, b] = [new Histogram(), new Histogram()]
    assert.equal(a.percentile(0.5), 0)
    for (const value of [0, -1, NaN, 1e-9]) a.add(value)
    assert.equal(a.percentile(0.99), 0)
    b.add(Infinity)
    a.addAll(b)
    assert.equal(a.count, 5)
    assert.ok(a.percentile(1) > 8_000_000)
  })
})
