import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { adaptive, type AdaptiveOptions } from '../../src/index.ts'
import { limitLaws } from '../../src/testing/index.ts'
import { dipped, FLAT, Play, settled, VARIED, within, workers } from './play.ts'

const bounds = { min: 3, max: 60 }
limitLaws('adaptive within bounds', { describe, it }, fc, () => adaptive(bounds), { runs: 300, ...bounds })
limitLaws('adaptive that cannot move', { describe, it }, fc, () => adaptive({ min: 7, max: 7 }), {
  runs: 100,
  min: 7,
  max: 7,
})

describe('adaptive: where it goes', () => {
  it('starts at 20, or as near to it as the bounds are', () => {
    const first = (options: AdaptiveOptions): number => adaptive(options).init().limit
    assert.deepEqual([{}, { min: 40 }, { max: 3 }, { initial: 77 }].map(first), [20, 40, 3, 77])
  })

  it('S1.3 doubles while no queueing is seen, up to its maximum', () => {
    const play = new Play().see(FLAT, 12)
    assert.deepEqual(
      play.steps.slice(0, 6).map(({ limit }) => limit),
      [20, 40, 80, 160, 320, 640],
    )
    assert.equal(play.reasons[1], 'first look')
    assert.ok(play.steps.some(({ limit }) => limit === 1000))
    assert.equal(new Play({ max: 50 }).see(FLAT, 12).step.limit, 50)
  })

  it('S1.3 looks down while nothing but queueing is seen, and stays just above the knee it finds', () => {
    const play = new Play({ initial: 400 }).see(workers(12), 9)
    assert.ok(play.reasons.includes('probe deeper'), play.reasons.join())
    assert.ok(play.steps.some(({ limit }) => limit <= 12))
    within(settled(workers(12), { initial: 400 }).limit, 12, 18)
  })

  it('looks no deeper once the bend is in sight: that would only cost', () => {
    const lowest = (slots: number): number =>
      Math.min(...new Play({ initial: 400 }).see(workers(slots), 12).steps.map(({ limit }) => limit))
    // 400, 800, 200, 100, 51, 26, 14: it turns where the lowest is below the knee for sure.
    assert.deepEqual([77, 37].map(lowest), [51, 26])
  })

  it('S1.3 finds the knee from whatever start, whatever the time in service', () => {
    for (const slots of [1, 2, 4, 16, 60, 200, 700])
      for (const base of [20, 50, 1000])
        for (const initial of slots < 4 ? [1, 10] : [1, 10, 100, 1000]) {
          const play = settled(workers(slots, base), { initial })
          // A few ms more are no queue (`NEGLIGIBLE`), which shows where all it takes is 20 ms.
          const most = Math.max(2, (base > 20 ? 1.5 : 2) * slots + 1)
          assert.ok(play.limit >= slots && play.limit <= most, `${initial}: ${play.limit} for ${slots} × ${base} ms`)
        }
  })

  it('what takes less than 5 ms is hardly congested by taking twice as long', () => {
    // 0.3 ms that become 1 ms: the noise of an event loop.
    assert.ok(settled((inflight) => Math.min(1, workers(12, 0.3)(inflight))).limit >= 400)
    assert.ok(settled((inflight) => Math.min(167, workers(12, 50)(inflight))).limit < 60, 'control')
  })

  it('stays within its bounds where the knee does not', () => {
    assert.equal(settled(workers(100), { max: 40 }).limit, 40)
    const floor = new Play({ min: 30, initial: 30 }).see(workers(4), 300)
    assert.ok(floor.steps.every(({ limit }) => limit >= 30))
    within(floor.limit, 30, 40)
  })
})

describe('adaptive: looking around', () => {
  it('S1.3 dips below the knee now and then for a window, and is back where it was', () => {
    const play = dipped()
    const { limit } = play.steps.at(-2)!
    within(play.limit, 0.5 * 40, 0.8 * 40)
    play.see(workers(40), 1)
    assert.equal(play.step.reason, 'probed')
    within(play.limit, 40, 1.05 * limit)
  })

  it('looks above the limit, and is back where nothing is to be had', () => {
    const play = settled(workers(40))
    play.see(workers(40), 200)
    const at = play.reasons.lastIndexOf('lift')
    assert.ok(at > 0)
    assert.ok(play.steps[at]!.limit >= 1.2 * play.steps[at - 1]!.limit)
    within(play.steps[at + 1]!.limit, 40, 56)
    assert.equal(play.reasons[at + 1], 'lifted')
  })

  it('S1.3 spends at most a twentieth of its time below the knee', () => {
    const play = dipped()
    const from = play.steps.length
    play.see(workers(40), 3000, VARIED)
    const below = play.steps.slice(from).filter(({ limit }) => limit < 38).length
    assert.ok(below >= 2 && below <= 150, `${below} of 3000`)
  })

  it('a long look is repeated less often: it costs a hundredth at most', () => {
    const pause = (windows: number): number => {
      const play = dipped()
      // Nothing to be learned from: the look goes on.
      const { since } = play.step.state.trip!
      for (let count = 1; count < windows; count++) play.tell({ count: 0, completed: 0 })
      play.see(workers(40), 1)
      assert.equal(play.now - since, 100 * windows)
      return play.step.state.nextDip - play.now
    }
    assert.deepEqual([1, 5].map(pause), [5000, 25_000])
  })

  it('looks above that found nothing become rarer, twice by half', () => {
    const play = settled(workers(40))
    const from = play.steps.length
    play.see(workers(40), 2000)
    const lifts = play.reasons.flatMap((reason, at) => (at >= from && reason === 'lift' ? [play.ends[at]!] : []))
    const gaps = lifts.slice(1).map((at, index) => at - lifts[index]!)
    within(lifts.length, 4, 20)
    within(gaps.at(-1)!, 20_000, 26_000)
  })

  it('S1.3 finds the room that has appeared: within seconds', () => {
    const play = settled(workers(10))
    const from = play.steps.length
    play.see(workers(40), 60)
    within(play.limit, 40, 60)
    assert.ok(
      play.since(from).some((reason) => reason === 'lift' || reason === 'headroom'),
      play.since(from).join(),
    )
  })

  it('S1.3 ten minutes at the limit: it does not drift', () => {
    const play = settled(workers(40))
    const { limit } = play
    play.see(workers(40), 6000)
    while (play.step.state.trip !== null) play.see(workers(40), 1)
    within(play.limit, 0.95 * limit, 1.05 * limit)
  })
})

describe('adaptive: what it remembers', () => {
  it('is bounded, plain data, whatever it was told', () => {
    const told = fc.array(
      fc.record({
        took: fc.double({ min: 0, max: 1e6, noNaN: true }),
        meanInflight: fc.double({ min: 0, max: 2000, noNaN: true }),
        bound: fc.double({ min: 0, max: 1, noNaN: true }),
        error: fc.double({ min: 0, max: 1, noNaN: true }),
        dropped: fc.integer({ min: 0, max: 4 }),
        cut: fc.boolean(),
      }),
      { minLength: 100, maxLength: 300 },
    )
    fc.assert(
      fc.property(told, (windows) => {
        const play = new Play()
        for (const parts of windows) play.tell(parts)
        const { state } = play.step
        assert.ok(state.curve.length <= 16)
        const text = JSON.stringify(state)
        assert.deepEqual(JSON.parse(text), state)
        assert.ok(text.length < 3000, `${text.length} characters`)
      }),
      { seed: 5, numRuns: 30 },
    )
  })

  it('options that make no sense are named', () => {
    for (const options of [{ min: 0 }, { min: 5, max: 4 }, { max: NaN }, { initial: 2000 }, { min: 5, initial: 4 }])
      assert.throws(() => adaptive(options), { name: 'RangeError', message: /^adaptive\.(min|max|initial):/ })
  })
})
