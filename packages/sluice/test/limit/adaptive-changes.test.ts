import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptive } from '../../src/index.ts'
import { dipped, FLAT, Play, settled, within, workers } from './play.ts'
import { windowOf } from './window-of.ts'

describe('adaptive: the world has changed', () => {
  it('S1.3 worse than the curve allows: the limit is cut at once, and settles at the new knee', () => {
    const play = settled(workers(40))
    const { limit } = play
    const from = play.steps.length
    play.see(workers(10), 1)
    assert.equal(play.step.reason, 'queueing')
    within(play.limit, 0.39 * limit, 0.7 * limit)
    assert.equal(play.step.state.fallen, limit)
    play.see(workers(10), 25)
    within(play.limit, 8, 16)
    assert.ok(!play.since(from).includes('dependency slower'), play.since(from).join())
    assert.equal(play.step.state.fallen, null)
  })

  it('what only the spread of times explains is no change', () => {
    const play = settled(workers(40))
    const { limit } = play
    const next = play.tell({ meanInflight: limit, took: 1.4 * workers(40)(limit), error: 0.2 })
    assert.equal(next.state.fallen, null)
    const sure = settled(workers(40))
    assert.notEqual(sure.tell({ meanInflight: limit, took: 1.4 * workers(40)(limit) }).state.fallen, null)
  })

  it('S1.3 after an alarm it waits for the next window to say how much slower', () => {
    const play = settled(workers(40))
    const { limit } = play
    // Caught in the middle of the change: hardly slower yet.
    const alarm = play.tell({ meanInflight: limit, took: 1.1 * workers(40)(limit), cut: true })
    assert.equal(`${alarm.limit} ${alarm.reason}`, `${limit} slower`)
    assert.ok(alarm.until.samples < play.steps[0]!.until.samples && alarm.until.atLeast <= 10)
    const cut = play.see(workers(10), 1).step
    assert.equal(cut.reason, 'queueing')
    assert.equal(cut.state.curve.length, 1, 'this one saw nothing but the new world')
    const other = settled(workers(40)).see(workers(10), 1).step
    assert.equal(other.state.curve.length, 0, 'control: without an alarm it saw both')
  })

  for (const times of [2, 4, 10])
    it(`S1.3 a dependency that became ${times}× slower: latency does not follow, and the limit is given back and more`, () => {
      const play = settled(workers(40))
      const { limit } = play
      const from = play.steps.length
      play.see(workers(400, 50 * times), 30)
      const said = play.since(from)
      assert.equal(said[0], 'queueing')
      const at = said.indexOf('dependency slower')
      assert.ok(at > 0 && at <= 6, said.join())
      assert.ok(play.steps[from + at]!.limit >= 2 * limit, `${play.steps[from + at]!.limit} after ${limit}`)
      assert.ok(play.steps.slice(from + at).every((step) => step.limit >= 0.6 * limit))
    })

  it('an old belief about the base that contradicts what is seen is given up', () => {
    const play = settled(workers(40)).see(workers(400, 200), 1)
    assert.ok(play.step.state.prior !== null)
    play.see(workers(400, 200), 10)
    assert.equal(play.step.state.prior, null)
  })

  it('better than the curve allows: what was known is forgotten', () => {
    const play = settled(workers(40, 200))
    play.see(workers(40, 50), 1)
    assert.ok(play.step.state.curve.length <= 1)
    play.see(workers(40, 50), 60)
    within(play.limit, 36, 60)
  })

  it('S1.3 several losses, at least one in ten, narrow it, and a stray one does not', () => {
    const play = settled(workers(40))
    const { limit } = play
    assert.deepEqual(
      [
        { dropped: 2, completed: 18 },
        { dropped: 1, completed: 3 },
        { dropped: 2, completed: 19 },
        { dropped: 2, completed: 30 },
      ].map((parts) => {
        const algorithm = adaptive()
        const step = algorithm.step(play.step.state, windowOf({ ...parts, meanInflight: limit, took: 50, bound: 0 }))
        return step.reason
      }),
      ['drops', 'idle', 'idle', 'idle'],
    )
    const looking = dipped().step.state
    assert.notEqual(looking.trip, null)
    assert.equal(adaptive().step(looking, windowOf({ dropped: 20, completed: 0 })).state.trip, null)
  })

  it('S1.3 after losses it keeps as much of the limit as was answered: nine tenths at most, four at least', () => {
    const { step, limit } = settled(workers(100))
    const kept = [
      [2, 18],
      [2, 8],
      [10, 10],
      [11, 9],
      [70, 30],
      [20, 0],
    ].map(([dropped, completed]) => adaptive().step(step.state, windowOf({ dropped: dropped!, completed: completed! })))
    assert.deepEqual(
      kept.map((next) => next.limit),
      [0.9, 0.8, 0.5, 0.45, 0.4, 0.4].map((share) => Math.round(share * limit)),
    )
    assert.ok(kept.every(({ reason }) => reason === 'drops'))
  })

  it('without a sample it stays', () => {
    const play = settled(workers(40))
    const { limit } = play
    const step = play.tell({ count: 0, completed: 0 })
    assert.equal(`${step.limit} ${step.reason}`, `${limit} no samples`)
  })
})

describe('adaptive: the limit holds nobody back', () => {
  it('fault: an adaptive limit that only grows while the app is idle', () => {
    const play = new Play().see(FLAT, 200, { bound: 0, meanInflight: 2 })
    assert.ok(play.steps.every(({ limit }) => limit === 20))
    const busy = new Play().see(FLAT, 200, { bound: 0.74 })
    assert.ok(busy.steps.every(({ limit }) => limit === 20))
    assert.ok(new Play().see(FLAT, 20, { bound: 0.76 }).limit > 100, 'control: it binds most of the time')
  })

  it('nor does it shrink: not for any latency', () => {
    const play = settled(workers(40))
    const { limit } = play
    play.see(() => 5000, 50, { bound: 0.2, meanInflight: limit / 3 })
    assert.equal(play.limit, limit)
  })

  it('learns what it takes without queueing, where less than half of it is in flight', () => {
    const learned = new Play().see(FLAT, 5, { bound: 0, meanInflight: 4 }).step.state
    assert.equal(learned.curve.length, 1)
    const play = settled(workers(40))
    const known = play.step.state.curve.length
    const half = play.tell({ bound: 0.1, meanInflight: 0.6 * play.limit, took: 50 })
    assert.equal(half.state.curve.length, known, 'more than half: the few moments at the limit would pass for all')
    play.tell({ bound: 0.1, meanInflight: 2, took: 50 })
    assert.equal(play.step.state.curve.length, known + 1)
    assert.equal(play.tell({ bound: 0.1, meanInflight: 4, took: 50, cut: true }).state.curve.length, known + 1)
  })

  it('forgets a base that is no longer so, before the load comes', () => {
    const play = settled(workers(40))
    play.see(() => 200, 3, { bound: 0, meanInflight: 4 })
    const from = play.steps.length
    play.see(workers(40, 200), 20)
    assert.ok(!play.since(from).includes('dependency slower'), play.since(from).join())
    within(play.limit, 36, 60)
  })

  it('ends a fall: what comes next is no answer to it', () => {
    const play = settled(workers(40)).see(workers(10), 1)
    assert.notEqual(play.step.state.fallen, null)
    assert.equal(play.tell({ bound: 0, meanInflight: 2, took: 200 }).state.fallen, null)
  })

  it('ends a look that is under way, and returns', () => {
    const play = dipped()
    const { limit } = play.steps.at(-2)!
    const step = play.tell({ bound: 0, meanInflight: 2, took: 50 })
    assert.equal(`${step.limit} ${step.reason}`, `${limit} idle`)
    assert.equal(step.state.trip, null)
  })
})
