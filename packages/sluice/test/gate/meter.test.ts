import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Millis } from '../../src/index.ts'
import { Bench, near, UNTIL } from './meter-bench.ts'

describe('meter: after the limit was raised', () => {
  it('S1.3 nobody belongs to a cohort until what is in flight has reached it', () => {
    const bench = new Bench([10, 40])
    while (bench.heard === 0)
      bench.fill(
        1,
        () => 50,
        () => 10,
      )
    assert.equal(bench.meter.limit, 40)
    const cohorts: number[] = []
    while (bench.inflight < 39) cohorts.push(bench.enter(50))
    const at = cohorts.findIndex((cohort) => cohort !== 0)
    // The one that makes it 39 is the first.
    assert.deepEqual([at, cohorts.length], [cohorts.length - 1, cohorts.length])
    assert.notEqual(bench.enter(50), 0)
  })

  it('… or as long has passed as work takes: where too few come, those who come count', () => {
    const bench = new Bench([10, 40])
    bench.fill(
      400,
      () => 50,
      () => 10,
    )
    assert.equal(bench.meter.limit, 40)
    assert.ok(bench.heard >= 2, 'it goes on measuring')
    const late = new Bench([10, 40])
    while (late.heard === 0)
      late.fill(
        1,
        () => 50,
        () => 10,
      )
    // What took 50 ms typically is not over after 49.
    late.pass(49)
    assert.equal(late.enter(50), 0)
    late.pass(2)
    assert.notEqual(late.enter(50), 0)
  })

  it('control: after a limit that stayed or fell everybody counts', () => {
    for (const next of [10, 5]) {
      const bench = new Bench([10, next])
      while (bench.heard === 0)
        bench.fill(
          1,
          () => 50,
          () => 10,
        )
      bench.pass(5)
      assert.notEqual(bench.enter(50), 0)
    }
  })
})

describe('meter: a window that began with room to spare', () => {
  /** Three come, long before the limit of 20 is reached. */
  function idleAtFirst(limit: number): Bench {
    const bench = new Bench([limit])
    for (let count = 0; count < 3; count++) {
      bench.enter(200)
      bench.pass(10)
    }
    return bench
  }

  it('S1.3 begins anew when the limit is first reached: what came before says nothing of how it is at the limit', () => {
    const bench = idleAtFirst(20)
    const before = bench.enter(50)
    while (bench.inflight < 18) assert.equal(bench.enter(50), before)
    const from = bench.now
    assert.equal(bench.enter(50), before + 1)
    bench.fill(200, () => 50)
    assert.equal(bench.windows[0]!.start, from)
    near(bench.windows[0]!.rtt.typical, 50, 0.01)
  })

  it('does so once for each window', () => {
    const bench = idleAtFirst(20)
    while (bench.inflight < 20) bench.enter(100)
    const cohort = bench.enter(100)
    // It runs empty in the middle of the window and fills up again.
    bench.pass(1)
    const again = new Bench([20], { ...UNTIL, atLeast: 10_000, atMost: 20_000 })
    again.pass(100)
    const first = again.enter(5)
    while (again.inflight < 19) again.enter(5)
    const renewed = again.enter(5)
    assert.equal(renewed, first + 1)
    again.pass(1000)
    again.enter(5)
    while (again.inflight < 20) assert.equal(again.enter(5), renewed)
    assert.equal(cohort, bench.enter(100))
  })

  it('and again in the next one', () => {
    const bench = idleAtFirst(20)
    bench.fill(150, () => 50)
    assert.ok(bench.heard > 0)
    bench.pass(100)
    const first = bench.enter(50)
    bench.pass(20)
    while (bench.inflight < 18) assert.equal(bench.enter(50), first)
    assert.equal(bench.enter(50), first + 1)
  })

  it('control: one in which the limit has bound all along goes on', () => {
    const bench = new Bench([20], { ...UNTIL, samples: 60 })
    bench.fill(30, () => 50)
    bench.pass(1)
    const cohort = bench.enter(50)
    bench.fill(30, () => 50)
    assert.equal(bench.enter(50), cohort)
  })
})

describe('meter: how certain a window is', () => {
  const UNEVEN = [10, 250] as const

  it('S1.3 a lucky one, all of whom took the same, is no more certain than how much they vary allows', () => {
    const bench = new Bench([20])
    bench.fill(3000, (index) => UNEVEN[(index * 7) % 2]!)
    const spread = bench.windows.at(-1)!.rtt
    const variation = spread.error * Math.sqrt(spread.count)
    assert.ok(variation > 1, `${variation}`)
    const known = bench.heard
    bench.fill(600, () => 50)
    const lucky = bench.windows.slice(known).find(({ rtt }) => rtt.p50 === rtt.p99 && rtt.count >= 20)!
    assert.ok(lucky !== undefined)
    assert.ok(lucky.rtt.error > (0.4 * variation) / Math.sqrt(lucky.rtt.count), `${lucky.rtt.error}`)
  })

  it('a tenth of what is known of their variance is from the last window', () => {
    const bench = new Bench([20])
    bench.fill(3000, (index) => UNEVEN[(index * 7) % 2]!)
    const known = bench.heard
    bench.fill(3000, () => 50)
    const lucky = bench.windows.slice(known).filter(({ rtt }) => rtt.p50 === rtt.p99 && rtt.min > 49)
    const [one, next] = lucky.slice(1).map(({ rtt }) => rtt.error * Math.sqrt(rtt.count))
    near(next! / one!, Math.sqrt(0.9), 0.001)
  })

  it('what varies has more samples, up to eight times as many', () => {
    const samples = (took: (index: number) => Millis): number => {
      const bench = new Bench([20], { ...UNTIL, atMost: 5000 })
      bench.fill(8000, took)
      return bench.windows.at(-1)!.rtt.count
    }
    assert.ok(samples(() => 50) <= 40)
    const many = samples((index) => UNEVEN[(index * 7) % 2]!)
    assert.ok(many >= 0.9 * 160 && many <= 160, `${many}`)
  })

  it('forgets how much they vary as they vary less: nine tenths of the variance stay at each window', () => {
    const bench = new Bench([20])
    bench.fill(3000, (index) => UNEVEN[(index * 7) % 2]!)
    bench.fill(8000, () => 50)
    assert.ok(bench.windows.at(-1)!.rtt.error < 0.01)
  })

  it('one sample is none', () => {
    const bench = new Bench([1], { ...UNTIL, samples: 1, error: 1, atLeast: 1 })
    bench.enter(50)
    bench.pass(60)
    assert.equal(bench.windows[0]!.rtt.error, 1)
  })
})
