import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { gradient2 } from '../../src/index.ts'
import { limitLaws } from '../../src/testing/index.ts'
import { findsALimit, forgets, staysWhileIdle } from './before-a-service.ts'
import { fold, last } from './fold.ts'
import { windowOf } from './window-of.ts'

const bounds = { min: 2, max: 500 }
limitLaws('gradient2', { describe, it }, fc, () => gradient2(), { runs: 300, min: 10, max: 1000 })
limitLaws('gradient2 within bounds', { describe, it }, fc, () => gradient2({ ...bounds, initial: 9 }), {
  runs: 300,
  ...bounds,
})
limitLaws('gradient2 that cannot move', { describe, it }, fc, () => gradient2({ min: 7, max: 7 }), {
  runs: 50,
  min: 7,
  max: 7,
})

const calm = (windows: number): readonly ReturnType<typeof windowOf>[] => Array(windows).fill(windowOf({ took: 10 }))

describe('gradient2', () => {
  it('S1.3 starts at 100, from 10 to 1000', () => {
    assert.equal(gradient2().init().limit, 100)
    assert.equal(last(gradient2(), calm(2000)).limit, 1000)
    assert.equal(last(gradient2(), Array(500).fill(windowOf({ count: 0, dropped: 2 }))).limit, 10)
  })

  it('goes a fifth of the way to gradient × limit + 4', () => {
    const after = (took: number): number =>
      last(gradient2({ longWindow: 1e9 }), [...calm(10), windowOf({ took })]).limit
    const before = last(gradient2(), calm(10)).limit
    const towards = (gradient: number): number => 0.8 * before + 0.2 * (gradient * before + 4)
    const near = (one: number, other: number): void => assert.ok(Math.abs(one - other) < 1e-6, `${one}, ${other}`)
    near(before, 100 + 10 * 0.8)
    near(after(10), towards(1))
    near(after(15), towards(1))
    near(after(20), towards(0.75))
    near(after(1000), towards(0.5))
  })

  it('takes the options: tolerance, smoothing, queueSize', () => {
    const after = (options: object): number =>
      last(gradient2({ longWindow: 1e9, ...options }), [
        windowOf({ bound: 0 }),
        ...Array(9).fill(windowOf({ bound: 0 })),
        windowOf({ took: 20 }),
      ]).limit
    assert.equal(Math.round(after({}) * 10), 958)
    assert.equal(Math.round(after({ tolerance: 2 }) * 10), 1008)
    assert.equal(Math.round(after({ smoothing: 1 }) * 10), 790)
    assert.equal(Math.round(after({ queueSize: 0 }) * 10), 950)
  })

  it('the table of Netflix for an average that warms up: a plain mean of ten, an exponential one from then on', () => {
    const windows = Array.from({ length: 10 }, (_, at) => windowOf({ took: 10 + at }))
    const long = fold(gradient2({ longWindow: 100 }), [...windows, windowOf({ took: 100 })]).map(
      ({ state }) => state.long,
    )
    const expected = [0, 10, 10.5, 11, 11.5, 12, 12.5, 13, 13.5, 14, 14.5, 16.19]
    assert.deepEqual(
      long.map((value) => Math.round(value * 100) / 100),
      expected,
    )
  })

  it('leads the long run back by 5 % a window once it is more than twice as slow as now', () => {
    const slow = Array<ReturnType<typeof windowOf>>(10).fill(windowOf({ took: 100 }))
    const long = (took: number): number =>
      last(gradient2({ longWindow: 1e9 }), [...slow, windowOf({ took })]).state.long
    assert.equal(Math.round(long(51)), 100)
    assert.equal(Math.round(long(49)), 95)
  })

  it('holds where the limit does not bind, or less than half of it is in use; and learns all the same', () => {
    for (const idle of [{ bound: 0 }, { peakInflight: 49 }]) {
      const step = last(gradient2(), [windowOf({ took: 10, ...idle })])
      assert.equal(`${step.limit} ${step.reason} ${step.state.long}`, '100 idle 10')
    }
    assert.equal(last(gradient2(), [windowOf({ count: 0 })]).reason, 'no samples')
  })

  it('takes losses for the steepest gradient: two at least, and one in ten', () => {
    const after = (completed: number, dropped: number): string =>
      last(gradient2(), [windowOf({ completed, dropped })]).reason
    assert.deepEqual([after(18, 2), after(19, 2), after(0, 1)], ['drops', 'headroom', 'no samples'])
    assert.equal(last(gradient2(), [windowOf({ completed: 0, dropped: 20 })]).limit, 0.8 * 100 + 0.2 * 54)
  })

  it('does not widen for losses where half of the limit and four are more than the limit', () => {
    const lost = windowOf({ completed: 0, dropped: 20 })
    assert.equal(last(gradient2({ min: 1, initial: 2 }), [lost, lost, lost]).limit, 2)
  })

  it('names the option that makes no sense', () => {
    const wrong = { min: 0.5, max: '9', initial: 9, tolerance: 0.9, smoothing: 0, longWindow: 0, queueSize: -1 }
    for (const [option, value] of Object.entries(wrong))
      assert.throws(() => gradient2({ [option]: value }), {
        name: 'RangeError',
        message: new RegExp(`^gradient2\\.${option}:`),
      })
  })

  findsALimit(gradient2)
  staysWhileIdle(gradient2)
  forgets(gradient2, 900, ', given the quarter of an hour that its long run takes')
})
