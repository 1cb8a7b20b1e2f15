import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fifo,
  limiter,
  semaphore,
  type Arrival,
  type Gate,
  type LimitAlgorithm,
  type Permit,
  type Verdict,
  type Window,
  type WindowEnd,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** Limits one after another, the last one for ever. */
function told(
  until: Partial<WindowEnd>,
  ...limits: readonly number[]
): { readonly algorithm: LimitAlgorithm<number>; readonly windows: Window[] } {
  const windows: Window[] = []
  const step = (state: number): ReturnType<LimitAlgorithm<number>['init']> => ({
    state,
    limit: limits[Math.min(state, limits.length - 1)]!,
    reason: 'told',
    until: { samples: 1, error: 1, atLeast: 0, atMost: 1000, ...until },
  })
  return {
    windows,
    algorithm: {
      name: 'told',
      init: () => step(0),
      step: (state, window) => {
        windows.push(window)
        return step(state + 1)
      },
    },
  }
}

/** One who comes, and is let in at once or later; `leave` gives back what it got. */
class Comer {
  #permit: Permit | undefined

  constructor(gate: Gate, arrival: Arrival) {
    gate.enter(arrival, (verdict: Verdict) => {
      if (verdict.admitted) this.#permit = verdict
    })
  }

  leave(): void {
    assert.ok(this.#permit !== undefined, 'it was let in')
    this.#permit.release('success')
  }
}

/** A clock that counts how often it is read. */
class CountingClock extends VirtualClock {
  readings = 0

  override now(): number {
    this.readings++
    return super.now()
  }
}

describe('slots: what the meter is told', () => {
  it('S1.3 the limit binds while somebody waits, whoever comes and goes meanwhile, and no longer', () => {
    const clock = new VirtualClock(1000)
    const { algorithm, windows } = told({ samples: 5, atLeast: 80 }, 10)
    const gate = limiter({ limit: algorithm, queue: fifo(), clock })
    const comes = (cost: number): Comer => new Comer(gate, { cost })
    const first = comes(4)
    const brief = comes(1)
    clock.advance(5)
    brief.leave()
    clock.advance(5)
    const second = comes(3)
    clock.advance(10)
    // At 1020: 7 of 10 are taken, and it is too wide for the rest.
    const wide = comes(8)
    clock.advance(5)
    const behind = comes(5)
    clock.advance(5)
    second.leave()
    clock.advance(10)
    // At 1040: it is let in, and the one behind it waits on.
    first.leave()
    clock.advance(20)
    // At 1060: the last who waited is let in.
    wide.leave()
    clock.advance(20)
    behind.leave()
    assert.equal(windows.length, 1)
    const { end, bound, meanInflight, peakInflight } = windows[0]!
    assert.equal(end, 1080)
    assert.equal(bound, 40 / 80)
    assert.equal(meanInflight, (5 * 5 + 5 * 4 + 10 * 7 + 10 * 7 + 10 * 4 + 20 * 8 + 20 * 5) / 80)
    assert.equal(peakInflight, 8)
  })

  it('when a wide one began, and one with a deadline', () => {
    for (const arrival of [{ cost: 2 }, { deadline: 5000 }, { maxWait: 5 }, {}]) {
      const clock = new VirtualClock(1000)
      const { algorithm, windows } = told({}, 10)
      const gate = limiter({ limit: algorithm, clock })
      const one = new Comer(gate, arrival)
      clock.advance(20)
      one.leave()
      assert.equal(windows[0]!.rtt.mean, 20, JSON.stringify(arrival))
    }
  })

  it('control: a semaphore measures nothing, and reads no clock where nobody waits or has a deadline', () => {
    const clock = new CountingClock(1000)
    const gate = semaphore({ permits: 5, queue: fifo(), clock })
    for (const arrival of [{}, { cost: 2 }, { maxWait: 5 }, { priority: 1 as const, flow: 'a' }])
      new Comer(gate, arrival).leave()
    assert.equal(clock.readings, 0)
    new Comer(gate, { deadline: 5000 }).leave()
    assert.equal(clock.readings, 1, 'control')
  })

  it('a limit may move with an observer who does not listen for that', () => {
    const clock = new VirtualClock(1000)
    const { algorithm } = told({}, 3, 5)
    const gate = limiter({ limit: algorithm, clock, observer: {} })
    const one = new Comer(gate, {})
    clock.advance(10)
    one.leave()
    assert.equal(gate.stats.limit, 5)
    assert.doesNotThrow(() => clock.advance(100))
  })
})

describe('slots: what is counted', () => {
  it('fractions of slots leave nothing behind', () => {
    const gate = semaphore({ permits: 1, clock: new VirtualClock(1000) })
    const comers = [0.1, 0.7, 0.2].map((cost) => new Comer(gate, { cost }))
    for (const comer of comers) comer.leave()
    assert.equal(gate.stats.inflight, 0)
    assert.equal(gate.pressure.value.level, 0)
  })

  it('a refusal says what would be in progress and waiting with it: at once, and after waiting', () => {
    const clock = new VirtualClock(1000)
    const gate = semaphore({ permits: 4, queue: fifo({ maxWait: 50 }), clock })
    for (let count = 0; count < 4; count++) gate.enter({}, () => {})
    const said: (readonly [string, number, number])[] = []
    const note = (verdict: Verdict): void => {
      if (!verdict.admitted) said.push([verdict.code, verdict.load, verdict.limit])
    }
    gate.enter({ cost: 2 }, note)
    gate.enter({ maxWait: 40 }, () => {})
    clock.advance(1)
    gate.enter({ cost: 3 }, note)
    note(gate.tryEnter({ cost: 2 }))
    clock.advance(100)
    // In progress 4; at 1040 the second one leaves, at 1050 the first, beside whom one more waits, and at 1051 that one.
    assert.deepEqual(said, [
      ['limit_exceeded', 4 + 3 + 2, 4],
      ['queue_timeout', 4 + 1 + 2, 4],
      ['queue_timeout', 4 + 0 + 3, 4],
    ])
  })

  it('whoever gives back at once what it waited for lets in the next without ever deeper calls', () => {
    for (const gate of [
      semaphore({ permits: 1, queue: fifo({ capacity: 50_000 }), clock: new VirtualClock(1000) }),
      limiter({ limit: told({}, 1).algorithm, queue: fifo({ capacity: 50_000 }), clock: new VirtualClock(1000) }),
    ]) {
      const first = new Comer(gate, {})
      let served = 0
      for (let count = 0; count < 50_000; count++)
        gate.enter({}, (verdict) => {
          served++
          if (verdict.admitted) verdict.release('success')
        })
      first.leave()
      assert.equal(served, 50_000)
      assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 0 })
    }
  })
})

describe('slots: work that takes hardly longer than reading the clock', () => {
  /** So many one after another, each of which takes so long, and how many times the clock was read for them. */
  function readingsFor(gate: Gate, clock: CountingClock, count: number, takes: number, arrival: Arrival = {}): number {
    const { readings } = clock
    for (let each = 0; each < count; each++) {
      const one = new Comer(gate, arrival)
      clock.advance(takes)
      one.leave()
    }
    return clock.readings - readings
  }

  it('is timed one in three, twice each, once that is known; a deadline is read all the same', () => {
    const clock = new CountingClock(1000)
    const { algorithm } = told({ samples: 10 }, 10)
    const gate = limiter({ limit: algorithm, clock })
    assert.equal(readingsFor(gate, clock, 9, 0.01), 18, 'each, while nothing is known')
    readingsFor(gate, clock, 10, 0.01)
    assert.equal(readingsFor(gate, clock, 300, 0.01), 200)
    assert.equal(readingsFor(gate, clock, 30, 0.01, { deadline: 1e6 }), 60)
    assert.equal(readingsFor(gate, clock, 30, 0.01, { cost: 2 }), 60)
  })

  it('… which is work of up to 0.1 ms', () => {
    for (const [takes, readings] of [
      [0.08, 200],
      [0.12, 600],
    ] as const) {
      const clock = new CountingClock(1000)
      const { algorithm } = told({ samples: 10 }, 10)
      const gate = limiter({ limit: algorithm, clock })
      readingsFor(gate, clock, 19, takes)
      assert.equal(readingsFor(gate, clock, 300, takes), readings)
    }
  })

  it('… and every time again as soon as one of those who are timed shows that it takes longer', () => {
    const clock = new CountingClock(1000)
    const { algorithm, windows } = told({ samples: 10 }, 10)
    const gate = limiter({ limit: algorithm, clock })
    readingsFor(gate, clock, 300, 0.01)
    const known = windows.length
    readingsFor(gate, clock, 60, 50)
    assert.ok(windows.length > known, 'control: it goes on deciding')
    assert.equal(readingsFor(gate, clock, 30, 50), 60)
  })

  it('counts for what came of it, timed or not', () => {
    const clock = new CountingClock(1000)
    const { algorithm, windows } = told({ samples: 10 }, 10)
    const gate = limiter({ limit: algorithm, clock })
    readingsFor(gate, clock, 100, 0.01)
    const done = windows.reduce((sum, { completed }) => sum + completed, 0)
    windows.length = 0
    for (let each = 0; each < 300; each++) {
      const verdict = gate.tryEnter()
      clock.advance(0.01)
      if (verdict.admitted) verdict.release(each % 3 === 0 ? 'dropped' : 'success')
    }
    readingsFor(gate, clock, 100, 0.01)
    const completed = done + windows.reduce((sum, each) => sum + each.completed, 0)
    const dropped = windows.reduce((sum, each) => sum + each.dropped, 0)
    assert.equal(dropped, 100)
    // The last window is open still.
    assert.ok(completed > 370 && completed <= 400, `${completed} of 400`)
    assert.equal(gate.stats.inflight, 0)
  })

  it('control: work of a millisecond is timed every time', () => {
    const clock = new CountingClock(1000)
    const gate = limiter({ limit: told({ samples: 10 }, 10).algorithm, clock })
    assert.equal(readingsFor(gate, clock, 300, 1), 600)
  })
})
