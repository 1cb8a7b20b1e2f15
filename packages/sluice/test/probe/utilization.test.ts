import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Probe } from '../../src/probe/index.ts'
import { cpu, eventLoopUtilization, memory } from '../../src/probe/index.ts'
import { StallingClock } from './stalling-clock.ts'

/** A process that is busy for a share of the time. */
class Busy {
  share = 0
  active = 0
  idle = 0
  readonly #clock: StallingClock

  constructor(clock: StallingClock, share: number, uptime: number) {
    this.#clock = clock
    this.idle = uptime * (1 - share)
    this.active = uptime * share
  }

  pass(duration: number): void {
    for (let done = 0; done < duration; done += 100) {
      this.active += 100 * this.share
      this.idle += 100 * (1 - this.share)
      this.#clock.advance(100)
    }
  }
}

const DAY = 24 * 3600 * 1000

function near(probe: Probe, level: number): void {
  assert.ok(Math.abs(probe.value.level - level) < 1e-6, `${probe.name}: ${probe.value.level}, expected ${level}`)
}

describe('eventLoopUtilization', () => {
  it('S1.5 sees a spike after a calm day, and its end: the window, not the life of the process', () => {
    const clock = new StallingClock()
    const process = new Busy(clock, 0.01, DAY)
    using probe = eventLoopUtilization({ clock, read: () => ({ idle: process.idle, active: process.active }) })
    near(probe, 0)
    process.share = 0.95
    process.pass(1000)
    near(probe, 0.95)
    // The control: since the start it would be invisible.
    assert.ok(process.active / (process.active + process.idle) < 0.02)
    process.share = 0.1
    process.pass(500)
    near(probe, (0.95 + 0.1) / 2)
    process.pass(500)
    near(probe, 0.1)
  })

  it('says 0 where the loop has not moved', () => {
    const clock = new StallingClock()
    using probe = eventLoopUtilization({ clock, read: () => ({ idle: 0, active: 0 }) })
    near(probe, 0)
    clock.advance(1000)
    near(probe, 0)
  })
})

describe('cpu', () => {
  it('S1.5 is a share of the processors there are, over the window', () => {
    const clock = new StallingClock()
    const process = new Busy(clock, 0.5, DAY)
    const read = (): number => process.active
    using two = cpu({ clock, read, cores: 2 })
    using half = cpu({ clock, read, cores: 0.5 })
    near(two, 0)
    near(half, 0)
    process.share = 0.9
    process.pass(1000)
    near(two, 0.45)
    near(half, 1.8)
    process.share = 0
    process.pass(1000)
    near(two, 0)
    near(half, 0)
  })

  it('refuses to share time among no processors', () => {
    assert.throws(() => cpu({ cores: 0 }), /cpu\.cores: expected a number of at least 0\.001, got 0/)
  })
})

describe('memory', () => {
  it('S1.5 is a share of the limit at once, then the mean of two seconds', () => {
    const clock = new StallingClock()
    let used = 600
    using probe = memory({ clock, read: () => used, limit: 1000 })
    near(probe, 0.6)
    used = 1000
    clock.advance(1000)
    near(probe, 1)
    clock.advance(1000)
    used = 600
    clock.advance(500)
    near(probe, 0.9)
    clock.advance(1500)
    near(probe, 0.6)
  })

  it('is no pressure where it is steady and far from the limit, whatever it was before', () => {
    const clock = new StallingClock()
    let used = 900
    using probe = memory({ clock, read: () => used, limit: 1000 })
    near(probe, 0.9)
    used = 300
    clock.advance(10_000)
    near(probe, 0.3)
  })
})
