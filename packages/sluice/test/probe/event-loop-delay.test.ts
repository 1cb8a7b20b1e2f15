import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventLoopDelay } from '../../src/probe/index.ts'
import { StallingClock } from './stalling-clock.ts'

describe('eventLoopDelay', () => {
  it('S1.5 rises with a blocked loop, above 1 past the threshold, and is forgotten after the window', () => {
    const clock = new StallingClock()
    using probe = eventLoopDelay({ clock, window: 500 })
    assert.deepEqual(probe.value, { level: 0, cause: 'event-loop-delay' })
    clock.advance(500)
    // The control: a loop in time has no delay.
    assert.equal(probe.value.level, 0)
    clock.stall(200)
    clock.advance(20)
    // 200 ms late, for 220 of the last 500 ms, of a threshold of 50.
    assert.ok(Math.abs(probe.value.level - (4 * 220) / 500) < 1e-9, String(probe.value.level))
    clock.advance(480)
    assert.ok(probe.value.level > 0)
    clock.advance(20)
    assert.equal(probe.value.level, 0)
  })

  it('makes more of one long turn than of many short ones of the same sum', () => {
    const long = new StallingClock()
    using one = eventLoopDelay({ clock: long, window: 500 })
    assert.equal(one.value.level, 0)
    long.stall(200)
    long.advance(20)
    const short = new StallingClock()
    using many = eventLoopDelay({ clock: short, window: 500 })
    assert.equal(many.value.level, 0)
    for (let turn = 0; turn < 10; turn++) {
      short.stall(20)
      short.advance(20)
    }
    assert.ok(one.value.level > 5 * many.value.level, `${one.value.level} and ${many.value.level}`)
  })

  it('is measured in thresholds', () => {
    const levels = [50, 100].map((threshold) => {
      const clock = new StallingClock()
      using probe = eventLoopDelay({ clock, threshold, window: 500 })
      assert.equal(probe.value.level, 0)
      clock.stall(480)
      clock.advance(20)
      return probe.value.level
    })
    assert.deepEqual(levels, [9.6, 4.8])
  })

  it('is forgotten after 60 ms unless told otherwise', () => {
    const clock = new StallingClock()
    using probe = eventLoopDelay({ clock })
    assert.equal(probe.value.level, 0)
    clock.stall(100)
    clock.advance(20)
    assert.equal(probe.value.level, 2)
    clock.advance(40)
    assert.ok(Math.abs(probe.value.level - 2 / 3) < 1e-9, String(probe.value.level))
    clock.advance(20)
    assert.equal(probe.value.level, 0)
  })

  it('is steady under a steady delay', () => {
    const clock = new StallingClock()
    using probe = eventLoopDelay({ clock, window: 500 })
    assert.equal(probe.value.level, 0)
    for (let turn = 0; turn < 50; turn++) {
      clock.stall(30)
      clock.advance(20)
    }
    assert.ok(Math.abs(probe.value.level - 30 / 50) < 1e-9, String(probe.value.level))
  })

  it('refuses options out of range', () => {
    assert.throws(() => eventLoopDelay({ threshold: 0 }), /event-loop-delay\.threshold: expected/)
    assert.throws(() => eventLoopDelay({ every: 0 }), /event-loop-delay\.every: expected/)
    assert.throws(() => eventLoopDelay({ every: 20, window: 10 }), /event-loop-delay\.window: expected/)
  })
})
