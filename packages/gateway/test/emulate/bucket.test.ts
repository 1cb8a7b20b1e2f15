import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bucket } from '../../src/emulate/bucket.ts'
import { near } from './model-world.ts'

const MINUTE = 60_000

describe('Bucket', () => {
  it('refills continuously, and holds its limit', () => {
    const bucket = new Bucket({ limit: 600, window: MINUTE, now: 1000 })
    bucket.take(600)
    bucket.advance(1000 + 100)
    near(bucket.level, 1)
    bucket.advance(1000 + 10 * MINUTE)
    assert.equal(bucket.level, 600)
    bucket.advance(0)
    assert.equal(bucket.level, 600, 'time ran backwards')
  })

  it('waiting exactly as long as told is enough, and 1 ms less is not', () => {
    for (const amount of [1, 7, 333, 599.5, 600]) {
      const bucket = new Bucket({ limit: 600, window: MINUTE, now: 0 })
      bucket.take(600)
      const wait = bucket.wait(amount)
      near(wait, amount * 100)
      bucket.advance(wait - 1)
      assert.equal(bucket.fits(amount), false)
      bucket.advance(wait)
      assert.equal(bucket.fits(amount), true)
    }
  })

  it('with a capacity of a second, 60 a minute are one a second', () => {
    const bucket = new Bucket({ limit: 60, window: MINUTE, capacity: 1000, now: 0 })
    assert.equal(bucket.most, 1)
    bucket.take(1)
    near(bucket.wait(1), 1000)
    assert.equal(bucket.wait(2), Infinity)
    bucket.advance(MINUTE)
    assert.equal(bucket.level, 1)
  })

  it('with ten seconds, a sixth of the limit is there at once', () => {
    const bucket = new Bucket({ limit: 60_000, window: MINUTE, capacity: 10_000, now: 0 })
    assert.equal(bucket.level, 10_000)
    bucket.take(10_000)
    bucket.advance(5000)
    near(bucket.level, 5000)
  })

  it('never holds less than one, or nobody could come', () => {
    assert.equal(new Bucket({ limit: 30, window: MINUTE, capacity: 1000, now: 0 }).most, 1)
  })

  it('in fixed windows nothing comes back before the next window of the wall clock', () => {
    const epoch = 1_700_000_030_000
    const bucket = new Bucket({ limit: 10, window: MINUTE, capacity: 'fixed', now: 0, epoch })
    const next = MINUTE - (epoch % MINUTE)
    bucket.take(10)
    assert.equal(bucket.wait(1), next)
    assert.equal(bucket.untilFull, next)
    bucket.advance(next - 1)
    assert.equal(bucket.level, 0)
    bucket.advance(next)
    assert.equal(bucket.level, 10)
  })

  it('carries a debt, drains without one, and takes refunds up to what it holds', () => {
    const bucket = new Bucket({ limit: 600, window: MINUTE, now: 0 })
    bucket.take(700)
    assert.equal(bucket.level, -100)
    near(bucket.wait(1), 10_100)
    assert.equal(bucket.drain(5), 0)
    bucket.give(150)
    assert.equal(bucket.drain(80), 50)
    bucket.give(10_000)
    assert.equal(bucket.level, 600)
  })

  it('cut in half, it holds half and refills half as fast', () => {
    const bucket = new Bucket({ limit: 600, window: MINUTE, now: 0 })
    bucket.resize(300)
    assert.equal(bucket.level, 300)
    bucket.take(300)
    bucket.advance(1000)
    near(bucket.level, 5)
  })

  it('refuses what is no limit, window or capacity', () => {
    for (const limit of [0, -1, NaN, Infinity])
      assert.throws(() => new Bucket({ limit, window: MINUTE, now: 0 }), /limit must be above 0/)
    assert.throws(() => new Bucket({ limit: 1, window: 0, now: 0 }), /window must be above 0/)
    assert.throws(() => new Bucket({ limit: 1, window: MINUTE, capacity: MINUTE + 1, now: 0 }), /capacity/)
  })
})
