import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { vegas } from '../../src/index.ts'
import { limitLaws } from '../../src/testing/index.ts'
import { findsALimit, forgets, staysWhileIdle } from './before-a-service.ts'
import { fold, last } from './fold.ts'
import { windowOf, type WindowParts } from './window-of.ts'

const bounds = { min: 2, max: 500 }
limitLaws('vegas', { describe, it }, fc, () => vegas(), { runs: 300, min: 10, max: 1000 })
limitLaws('vegas within bounds', { describe, it }, fc, () => vegas({ ...bounds, initial: 9 }), { runs: 300, ...bounds })
limitLaws('vegas that cannot move', { describe, it }, fc, () => vegas({ min: 7, max: 7 }), { runs: 50, min: 7, max: 7 })
limitLaws('vegas that looks often', { describe, it }, fc, () => vegas({ probeEvery: 1 }), {
  runs: 300,
  min: 10,
  max: 1000,
})

/** Its limits, from the first one on. */
const limits = (initial: number, ...parts: readonly WindowParts[]): readonly number[] =>
  fold(
    vegas({ initial, min: 1 }),
    parts.map((part) => windowOf({ completed: 1, ...part })),
  ).map(({ limit }) => limit)

describe('vegas', () => {
  it('S1.3 starts at 100, from 10 to 1000', () => {
    assert.equal(vegas().init().limit, 100)
    assert.equal(last(vegas(), Array(500).fill(windowOf({ completed: 1 }))).limit, 1000)
    assert.equal(last(vegas(), Array(500).fill(windowOf({ dropped: 1 }))).limit, 10)
  })

  it('the table of Netflix: from 10, by six without a queue, by one down when it is long, not at all in between', () => {
    assert.deepEqual(limits(10, { took: 10 }, { took: 10 }), [10, 10, 16])
    assert.deepEqual(limits(10, { took: 10 }, { took: 10 }, { took: 50 }), [10, 10, 16, 15])
    assert.deepEqual(limits(10, { took: 10 }, { took: 10 }, { took: 14 }), [10, 10, 16, 16])
  })

  it('steps by the whole logarithm of the limit', () => {
    // Queue of 100 × (1 - base / typical): 2, 3, 5, 6, 12, 13.
    const step = (queue: number): number => limits(100, { took: 100 - queue }, { took: 100 })[2]! - 100
    assert.deepEqual([2, 3, 5, 6, 12, 13].map(step), [12, 2, 2, 0, 0, -2])
    assert.deepEqual(limits(1000, { took: 10 }, { took: 100 }), [1000, 1000, 997])
    assert.deepEqual(limits(9, { took: 10 }, { took: 100 }), [9, 9, 8])
  })

  it('narrows by a step after a loss, whatever the latency, and holds where nothing ended or the limit did not bind', () => {
    assert.deepEqual(limits(100, { took: 10 }, { took: 10, dropped: 3 }), [100, 100, 98])
    assert.deepEqual(limits(100, { took: 10 }, { count: 0, completed: 0, dropped: 3 }), [100, 100, 98])
    assert.deepEqual(limits(100, { took: 10 }, { count: 0, completed: 0 }), [100, 100, 100])
    assert.deepEqual(limits(100, { took: 10 }, { took: 10, bound: 0 }), [100, 100, 100])
  })

  it('takes a lower base only where it is no luck', () => {
    const base = (error: number): number | null =>
      last(vegas(), [windowOf({ took: 100 }), windowOf({ took: 90, error })]).state.base
    assert.equal(base(0.04), 90)
    assert.equal(base(0.06), 100)
  })

  it('looks again from half the limit after 15 to 30 successes for each unit of it, and goes back', () => {
    const waits: number[] = []
    let step = vegas({ initial: 20, min: 1 }).init()
    let waited = 0
    for (let window = 0; window < 20_000 && waits.length < 20; window++) {
      waited++
      // Always in between, so that nothing but a look moves the limit.
      const took = step.state.base === null ? 10 : 12.5
      const next = vegas({ initial: 20, min: 1 }).step(step.state, windowOf({ took, count: 1 }))
      if (next.reason === 'probe') {
        assert.equal(next.limit, 10)
        waits.push(waited)
        const after = vegas({ initial: 20, min: 1 }).step(next.state, windowOf({ took: 10, count: 1 }))
        assert.equal(`${after.limit} ${after.reason} ${after.state.base}`, '20 probed 10')
        step = after
        waited = 0
      } else step = next
    }
    assert.equal(waits.length, 20)
    assert.ok(waits.every((wait) => wait >= 0.5 * 30 * 20 && wait <= 30 * 20 + 1))
    // Spread over the range, as chance would have it: instances that started together do not dip together for ever.
    assert.ok(Math.max(...waits) - Math.min(...waits) > 200)
    assert.ok(Math.abs(waits.reduce((sum, wait) => sum + wait, 0) / 20 - 450) < 30)
  })

  it('does not dip to look where the limit holds nobody back, or cannot be lower', () => {
    const idle = fold(vegas(), Array(100).fill(windowOf({ completed: 100, bound: 0 })))
    assert.ok(idle.every(({ limit }) => limit === 100))
    assert.ok(idle.some(({ reason }) => reason === 'probed'))
    const narrow = fold(vegas({ min: 7, max: 7 }), Array(100).fill(windowOf({ completed: 100 })))
    assert.ok(narrow.some(({ reason }) => reason === 'probed'))
  })

  it('ends a look that nothing came back from, or losses', () => {
    const looking = last(vegas(), [windowOf({ took: 10 }), windowOf({ completed: 3000 })])
    assert.equal(`${looking.limit} ${looking.reason}`, '50 probe')
    const empty = vegas().step(looking.state, windowOf({ completed: 0 }))
    assert.equal(`${empty.limit} ${empty.state.base}`, '100 10')
    const lost = vegas().step(looking.state, windowOf({ dropped: 2 }))
    assert.equal(`${lost.limit} ${lost.state.resume}`, '99 null')
  })

  it('names the option that makes no sense', () => {
    const wrong = { min: 0, max: 0, initial: 1e9, probeEvery: 0 }
    for (const [option, value] of Object.entries(wrong))
      assert.throws(() => vegas({ [option]: value }), {
        name: 'RangeError',
        message: new RegExp(`^vegas\\.${option}:`),
      })
  })

  findsALimit(vegas)
  staysWhileIdle(vegas)
  forgets(vegas, 60)
})
