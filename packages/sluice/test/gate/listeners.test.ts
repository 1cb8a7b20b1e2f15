import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, limiter, semaphore, type Gate, type LimitAlgorithm, type Observer } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const fails = (): never => {
  throw new Error('a listener throws')
}

/** The errors of listeners surface one by one, on timers of their own. */
function surface(clock: VirtualClock): number {
  let surfaced = 0
  while (clock.pending > 0)
    try {
      clock.advance(0)
      break
    } catch (error) {
      assert.match(String(error), /a listener throws/)
      surfaced++
    }
  return surfaced
}

function pass(gate: Gate): void {
  const verdict = gate.tryEnter()
  assert.ok(verdict.admitted)
  verdict.release('success')
}

describe('a listener that throws', () => {
  it('to the pressure takes no permit away', () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, clock })
    using _subscription = gate.pressure.subscribe(fails)
    pass(gate)
    assert.equal(gate.stats.inflight, 0)
    assert.equal(surface(clock), 2)
  })

  it('to the pressure stops nobody from being served', () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, queue: fifo(), clock })
    const first = gate.tryEnter()
    let served = 0
    for (let count = 0; count < 2; count++)
      gate.enter({}, (verdict) => {
        served++
        if (verdict.admitted) verdict.release('success')
      })
    using _subscription = gate.pressure.subscribe(fails)
    assert.ok(first.admitted)
    first.release('success')
    assert.equal(served, 2)
    pass(gate)
    assert.ok(surface(clock) > 0)
  })

  for (const method of ['admitted', 'released', 'rejected', 'waiting'] as const)
    it(`as an observer of ${method} takes no permit away`, () => {
      const clock = new VirtualClock()
      const observer: Observer = { [method]: fails }
      const gate = semaphore({ permits: 1, queue: fifo({ capacity: 1 }), observer, clock })
      const first = gate.tryEnter()
      gate.enter({}, (verdict) => verdict.admitted && verdict.release('success'))
      assert.equal(gate.tryEnter().admitted, false)
      assert.ok(first.admitted)
      first.release('success')
      assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 0 })
      assert.ok(surface(clock) > 0)
    })

  it('as an observer of the limit leaves nobody waiting', () => {
    const clock = new VirtualClock()
    const until = { samples: 1, error: 1, atLeast: 0, atMost: 0 }
    const growing: LimitAlgorithm<number> = {
      name: 'growing',
      init: () => ({ state: 1, limit: 1, reason: 'start', until }),
      step: (state) => ({ state: state + 1, limit: state + 1, reason: 'more', until }),
    }
    const gate = limiter({ limit: growing, queue: fifo(), clock, observer: { limitChanged: fails } })
    const first = gate.tryEnter()
    let served = 0
    gate.enter({}, () => served++)
    gate.enter({}, () => served++)
    assert.ok(first.admitted)
    first.release('success')
    assert.equal(served, 2)
    assert.equal(surface(clock), 1)
  })
})
