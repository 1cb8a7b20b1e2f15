import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptive, aimd, fixed, gradient2, vegas, type LimitAlgorithm } from '../../src/index.ts'
import { fold, last } from './fold.ts'
import { windowOf } from './window-of.ts'

const empty = windowOf({ count: 0 })

describe('limit algorithms, at their edges', () => {
  it('each goes by the name it is exported under', () => {
    const algorithms: Readonly<Record<string, LimitAlgorithm>> = {
      adaptive: adaptive(),
      aimd: aimd(),
      fixed: fixed(1),
      gradient2: gradient2(),
      vegas: vegas(),
    }
    for (const [name, algorithm] of Object.entries(algorithms)) assert.equal(algorithm.name, name)
  })

  it('a window in which nobody ended teaches gradient2 nothing', () => {
    const [, known, after] = fold(gradient2(), [windowOf({ took: 10 }), empty])
    assert.equal(known!.state.long, 10)
    assert.equal(after!.state.long, 10)
    assert.equal(after!.state.windows, known!.state.windows)
  })

  it('gradient2 says headroom up to the tolerance, and queueing beyond', () => {
    const reason = (took: number): string =>
      last(gradient2({ longWindow: 1e9 }), [...Array(10).fill(windowOf({ took: 10 })), windowOf({ took })]).reason
    assert.deepEqual([reason(14), reason(16)], ['headroom', 'queueing'])
  })

  it('a window in which nobody ended teaches vegas nothing', () => {
    const [, known, after] = fold(vegas(), [windowOf({ took: 10 }), empty])
    assert.equal(known!.state.base, 10)
    assert.deepEqual([after!.reason, after!.state.base], ['no samples', 10])
    assert.equal(after!.state.since, known!.state.since)
  })

  it('vegas that cannot go lower looks where it is', () => {
    const steps = fold(vegas({ min: 10, max: 10, probeEvery: 1 }), [
      windowOf({ took: 10 }),
      ...Array(10).fill(windowOf({ took: 30 })),
    ])
    const reasons = new Set(steps.map(({ reason }) => reason))
    assert.ok(reasons.has('probed'))
    assert.ok(!reasons.has('probe'))
    assert.equal(steps.at(-1)!.state.base, 30)
  })

  it('vegas looks again after thirty successes for each unit of the limit at most, and half as many at least', () => {
    const windows = Array(2000).fill(windowOf({ completed: 100, took: 10 }))
    const due: number[] = []
    let successes = 0
    for (const { reason } of fold(vegas({ min: 50, max: 100, initial: 100 }), windows).slice(1)) {
      successes += 100
      if (reason === 'probe') due.push(successes)
      if (reason === 'probed') successes = 0
    }
    assert.ok(due.length > 30)
    assert.ok(Math.min(...due) >= 1500 && Math.max(...due) <= 3100, `${Math.min(...due)} to ${Math.max(...due)}`)
    const early = due.filter((at) => at < 2250).length / due.length
    assert.ok(early > 0.4 && early < 0.6, `${early} of them in the first half`)
    assert.ok(new Set(due).size > 10, 'not in step with anything')
  })
})
