import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Millis, Outcome, Window } from '../../src/index.ts'
import { Bench, near } from './meter-bench.ts'

/** Of 20 at once that took 50 ms; from then on every so many ms one more, each of which ends as `outcome` says. */
function after(took: (index: number) => Millis, outcome: (took: Millis) => Outcome): readonly Window[] {
  const bench = new Bench([20])
  bench.fill(300, () => 50)
  const calm = bench.heard
  // Those in flight now end well, and the window they belong to.
  bench.pass(60)
  let index = 0
  for (let ms = 0; ms < 2500; ms++) {
    while (bench.inflight < 20) bench.enter(took(index++))
    bench.pass(1, outcome)
  }
  return bench.windows.slice(calm)
}

describe('meter: those who leave without an answer', () => {
  const leaves = (): Outcome => 'ignored'

  it('S1.3 whoever stayed for longer than work took is a witness that it takes so long at least', () => {
    for (const took of [51, 60, 90]) {
      // Every other one is answered: those alone would say the same, with half of the samples.
      let count = 0
      const windows = after(
        () => took,
        () => (count++ % 2 === 0 ? 'success' : 'ignored'),
      )
      const most = windows.reduce((a, b) => (b.rtt.count > a.rtt.count ? b : a))
      assert.ok(most.rtt.count >= 18, `${most.rtt.count} samples`)
      near(most.rtt.typical, took, 0.1)
      assert.equal(most.dropped, 0)
    }
  })

  it('control: a visit as short as work is, or shorter, says nothing', () => {
    for (const took of [50, 49, 10]) {
      const windows = after(() => took, leaves)
      assert.ok(windows.length > 0 && windows.every(({ rtt, dropped }) => rtt.count === 0 && dropped === 0))
    }
  })

  it('control: where nothing is known yet nobody has stayed for long', () => {
    const bench = new Bench([20])
    for (let ms = 0; ms < 2500; ms++) {
      while (bench.inflight < 20) bench.enter(500)
      bench.pass(1, 'ignored')
    }
    assert.ok(bench.heard > 0)
    assert.ok(bench.windows.every(({ rtt, dropped }) => rtt.count === 0 && dropped === 0))
  })

  it('S1.3 fault: all clients give up, and the limit hears of nothing: they are losses, window after window', () => {
    for (const took of [60, 90, 500]) {
      const windows = after(() => took, leaves)
      assert.ok(windows.length >= 3)
      for (const { dropped, completed } of windows) {
        assert.ok(dropped >= 9, `${dropped} of a cohort after ${took} ms`)
        assert.equal(completed, 0)
      }
    }
  })

  it('they are losses where more leave than are answered, and not where as many are', () => {
    // Of every five, so many are still there when they are answered.
    const lost = (answered: number): boolean => {
      let count = 0
      const windows = after(
        () => 90,
        () => (count++ % 4 < answered ? 'success' : 'ignored'),
      )
      return windows.slice(1).some(({ dropped }) => dropped > 0)
    }
    assert.deepEqual([0, 1, 3, 4].map(lost), [true, true, false, false])
  })

  it('what they waited is not taken for how long work takes: the next who wait as long are losses, too', () => {
    let calls = 0
    const windows = after(
      () => (calls++ < 200 ? 500 : 90),
      (took) => (took > 80 ? 'ignored' : 'success'),
    )
    // 90 ms are long beside the 50 of before, and would not be beside 500.
    assert.ok(windows.filter(({ rtt }) => rtt.p99 < 100).every(({ dropped }) => dropped > 0))
  })
})
