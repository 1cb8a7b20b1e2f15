import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker, failureRate, type Breaker, type Clock, type Millis, type Timer } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const HOUR = 3_600_000

/** A clock that somebody sets. */
class SetClock implements Clock {
  ahead = 0
  readonly #clock = new VirtualClock(10 * HOUR)

  now(): number {
    return this.#clock.now() + this.ahead
  }

  after(delay: Millis, run: () => void): Timer {
    return this.#clock.after(delay, run)
  }

  advance(by: number): void {
    this.#clock.advance(by)
  }
}

function fail(gate: Breaker, times: number): void {
  for (let time = 0; time < times; time++) {
    const permit = gate.tryEnter()
    if (permit.admitted) permit.release('failure')
  }
}

describe('a breaker whose clock is set', () => {
  it('S1.8 back by an hour, it opens no longer than it would have', () => {
    const clock = new SetClock()
    const gate = breaker({ clock, openFor: 30_000 })
    fail(gate, 5)
    clock.ahead -= HOUR
    const refusal = gate.tryEnter()
    assert.ok(!refusal.admitted)
    assert.equal(refusal.retryAfter, 30_000)
    clock.advance(30_000)
    assert.ok(gate.tryEnter().admitted)
  })

  it('S1.8 back by an hour, a probe that never comes back is given up after the usual time', () => {
    const clock = new SetClock()
    const gate = breaker({ clock, openFor: 30_000 })
    fail(gate, 5)
    clock.advance(30_000)
    assert.ok(gate.tryEnter().admitted)
    clock.ahead -= HOUR
    assert.ok(!gate.tryEnter().admitted)
    clock.advance(30_000)
    assert.ok(gate.tryEnter().admitted)
  })

  it('S1.8 back by an hour, failures of the past still fade', () => {
    const clock = new SetClock()
    const gate = breaker({ clock, rule: failureRate({ threshold: 0.7, window: 10_000, minimum: 4 }) })
    fail(gate, 3)
    clock.ahead -= HOUR
    const permit = gate.tryEnter()
    assert.ok(permit.admitted)
    permit.release('success')
    clock.advance(20_000)
    fail(gate, 1)
    assert.equal(gate.state.value, 'closed')
    fail(gate, 3)
    assert.equal(gate.state.value, 'open')
  })

  it('S1.8 forward by an hour, it tries once, not with a herd', () => {
    const clock = new SetClock()
    const gate = breaker({ clock })
    fail(gate, 5)
    clock.ahead += HOUR
    assert.deepEqual([gate.tryEnter().admitted, gate.tryEnter().admitted], [true, false])
  })
})
