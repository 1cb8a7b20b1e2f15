import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { seeded, tokenBucket, type Clock, type TokenBucket } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { ExactBucket, TICKS, tieOf } from './exact-bucket.ts'

/** Takes from both and compares; true when they took. */
function compare(bucket: TokenBucket, model: ExactBucket, count: number, tie: number): boolean {
  const spare = model.spare(count)
  const took = bucket.tryTake(count)
  if (took) assert.ok(spare >= -tie, `let in with ${spare} tokens too few`)
  else assert.ok(spare < tie, `refused with ${spare} tokens more than it needed`)
  if (took) model.take(count)
  return took
}

const rates = fc.record({
  tokens: fc.constantFrom(1, 3, 7, 10, 1000),
  per: fc.constantFrom(1000, 7, 60_000),
  capacity: fc.constantFrom(1, 2, 5, 64),
  start: fc.constantFrom(0, 1_000_000_000, -5000),
})

const steps = fc.array(
  fc.record({
    wait: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 80_000 })),
    count: fc.integer({ min: 1, max: 64 }),
  }),
  { minLength: 1, maxLength: 80, size: 'max' },
)

describe('S0.8 a token bucket beside exact arithmetic', () => {
  it('S0.8 never admits more than capacity + rate × elapsed, never less when the tokens are there', () => {
    fc.assert(
      fc.property(rates, steps, ({ tokens, per, capacity, start }, script) => {
        const clock = new VirtualClock(start)
        const bucket = tokenBucket({ tokens, per, capacity, clock })
        const model = new ExactBucket(tokens, per, capacity)
        const tie = tieOf(start, per / tokens, script.length)
        for (const { wait, count } of script) {
          clock.advance(wait / TICKS)
          model.pass(wait)
          compare(bucket, model, Math.min(count, capacity), tie)
          assert.ok(Math.abs(bucket.available - model.spare(0)) < tie, 'available')
        }
        assert.equal(clock.pending, 0)
      }),
      { numRuns: 400, seed: 8 },
    )
  })

  it('S0.8 no drift: after a million takes it still agrees with exact arithmetic', () => {
    // A third of a token a ms, and so many asking that the bucket is never full: every error would be kept.
    const clock = new VirtualClock(123_456_789)
    const bucket = tokenBucket({ tokens: 333, per: 1000, capacity: 10, clock })
    const model = new ExactBucket(333, 1000, 10)
    const random = seeded(5)
    const tie = tieOf(123_456_789, 1000 / 333, 1_000_000)
    assert.ok(tie < 0.01, 'a hundredth of a token in an hour, at most')
    let taken = 0
    for (let operation = 0; operation < 1_000_000; operation++) {
      const wait = Math.floor(random() * 40)
      clock.advance(wait / TICKS)
      model.pass(wait)
      if (compare(bucket, model, 1, tie)) taken++
    }
    assert.ok(taken > 500_000, `${taken} taken`)
    assert.ok(Math.abs(bucket.available - model.spare(0)) < tie, `${bucket.available} of ${model.spare(0)}`)
  })

  it('control: a bucket that counts up its tokens on every call, rounded, drifts', () => {
    const clock = new VirtualClock()
    const model = new ExactBucket(333, 1000, 10)
    let level = 10
    let last = clock.now()
    let wrong = 0
    const random = seeded(5)
    for (let operation = 0; operation < 10_000; operation++) {
      const wait = Math.floor(random() * 40)
      clock.advance(wait / TICKS)
      model.pass(wait)
      level = Math.min(10, level + Math.floor((clock.now() - last) * 333) / 1000)
      last = clock.now()
      const took = level >= 1
      if (took !== model.spare(1) >= 0) wrong++
      if (took) level--
      if (took) model.take(1)
    }
    assert.ok(wrong > 0, 'the model finds no fault with it')
  })
})

/** A clock that can be set. */
class SetClock implements Clock {
  time = 1e9
  now(): number {
    return this.time
  }
  after(): never {
    throw new Error('nobody waits here')
  }
}

describe('S0.8 a token bucket on a clock that jumps', () => {
  const drain = (bucket: TokenBucket): number => {
    let taken = 0
    while (bucket.tryTake()) taken++
    return taken
  }

  it('S0.8 a jump forward is worth one full bucket at most', () => {
    const clock = new SetClock()
    const bucket = tokenBucket({ tokens: 10, capacity: 5, clock })
    assert.equal(drain(bucket), 5)
    clock.time += 1e12
    assert.equal(bucket.available, 5)
    assert.equal(drain(bucket), 5)
  })

  it('S0.8 a jump back gives nothing away and locks nobody out: it goes on from there at its rate', () => {
    const clock = new SetClock()
    const bucket = tokenBucket({ tokens: 10, capacity: 5, clock })
    assert.equal(drain(bucket), 5)
    clock.time -= 1e6
    assert.equal(drain(bucket), 0)
    clock.time += 100
    assert.equal(drain(bucket), 1)
    clock.time += 10_000
    assert.equal(drain(bucket), 5)
  })

  it('S0.8 what it says is at hand after a jump back is what can be taken', () => {
    const clock = new SetClock()
    const bucket = tokenBucket({ tokens: 10, capacity: 5, clock })
    drain(bucket)
    clock.time -= 1e6
    assert.ok(bucket.available >= 0, `it says ${bucket.available}`)
    assert.ok(bucket.timeUntil(1) <= 100, `it says ${bucket.timeUntil(1)} ms`)
  })

  it('S0.8 a debt is not taken for a jump back: it is paid in full, however deep', () => {
    const clock = new SetClock()
    const bucket = tokenBucket({ tokens: 10, capacity: 5, clock })
    const verdict = bucket.tryEnter({ cost: 1 })
    assert.ok(verdict.admitted)
    verdict.release('success', 101)
    assert.equal(bucket.available, -96)
    assert.equal(drain(bucket), 0)
    assert.equal(bucket.available, -96)
    clock.time += 9600
    assert.equal(drain(bucket), 0)
    clock.time += 100
    assert.equal(drain(bucket), 1)
  })
})
