import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, fixed, limiter, type LimitAlgorithm, type Observer, type Window } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** Says what it is told to, at every window. */
function scripted(...limits: readonly number[]): { algorithm: LimitAlgorithm; windows: Window[] } {
  const windows: Window[] = []
  const until = { samples: 1, error: 1, atLeast: 0, atMost: 1 }
  return {
    windows,
    algorithm: {
      name: 'scripted',
      init: () => ({ state: 0, limit: limits[0]!, reason: 'initial', until }),
      step(state, window) {
        windows.push(window)
        const at = Math.min((state as number) + 1, limits.length - 1)
        return { state: at, limit: limits[at]!, reason: `step ${at}`, until }
      },
    },
  }
}

describe('limiter', () => {
  it('serves those who wait as soon as the limit rises', () => {
    const clock = new VirtualClock(1000)
    const gate = limiter({ limit: scripted(1, 4).algorithm, queue: fifo(), clock })
    const first = gate.tryEnter()
    let served = 0
    for (let count = 0; count < 5; count++) gate.enter({}, () => served++)
    clock.advance(10)
    if (first.admitted) first.release('success')
    assert.deepEqual(gate.stats, { limit: 4, inflight: 4, queued: 1 })
    assert.equal(served, 4)
  })

  it('lets nobody in while more is in flight than a limit that has fallen', () => {
    const clock = new VirtualClock(1000)
    const gate = limiter({ limit: scripted(3, 1).algorithm, queue: fifo(), clock })
    const permits = [gate.tryEnter(), gate.tryEnter(), gate.tryEnter()]
    let served = 0
    gate.enter({}, () => served++)
    clock.advance(10)
    for (const [index, permit] of permits.entries()) {
      if (permit.admitted) permit.release('success')
      assert.equal(served, index < 2 ? 0 : 1)
    }
    assert.equal(gate.stats.limit, 1)
  })

  it('tells its observer why the limit moved', () => {
    const clock = new VirtualClock(1000)
    const moves: unknown[] = []
    const observer: Observer = { limitChanged: (...move) => moves.push(move) }
    const gate = limiter({ limit: scripted(2, 2, 2.5).algorithm, clock, observer })
    for (let count = 0; count < 3; count++) {
      const verdict = gate.tryEnter()
      clock.advance(10)
      if (verdict.admitted) verdict.release('success')
    }
    assert.deepEqual(moves, [[2, 2.5, 'step 2']])
    assert.equal(gate.stats.limit, 2)
  })

  it('measures the time in service without the waiting', () => {
    const clock = new VirtualClock(1000)
    const { algorithm, windows } = scripted(1)
    const gate = limiter({ limit: algorithm, queue: fifo(), clock })
    const work = (): void =>
      void gate.enter({}, (verdict) => {
        if (verdict.admitted) clock.after(20, () => verdict.release('success'))
      })
    for (let count = 0; count < 5; count++) work()
    clock.advance(1000)
    assert.equal(windows.length, 5)
    for (const window of windows) assert.equal(window.rtt.mean, 20)
  })

  it('counts losses, and takes failures and the ignored for no samples', () => {
    const clock = new VirtualClock(1000)
    const { algorithm, windows } = scripted(10)
    const gate = limiter({ limit: algorithm, clock })
    for (const outcome of ['failure', 'ignored', 'dropped', 'success'] as const) {
      const verdict = gate.tryEnter()
      clock.advance(10)
      if (verdict.admitted) verdict.release(outcome)
    }
    assert.deepEqual(
      windows.map(({ completed, dropped, rtt }) => [completed, dropped, rtt.count]),
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 1, 0],
        [1, 0, 1],
      ],
    )
  })

  it('needs no tuning, but takes some', () => {
    assert.equal(limiter().stats.limit, 20)
    assert.equal(limiter({ limit: fixed(7) }).stats.limit, 7)
    assert.equal(limiter({ name: 'api' }).name, 'api')
    assert.throws(() => limiter({ threshold: -1 }), { name: 'RangeError', message: /^limiter\.threshold/ })
  })
})
