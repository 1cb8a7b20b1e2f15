import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { heap } from '../../src/probe/index.ts'
import { StallingClock } from './stalling-clock.ts'

/** A heap whose readings are counted. */
function counted(clock: StallingClock) {
  const readings = { taken: 0, used: 50 }
  const probe = heap({
    clock,
    read: () => {
      readings.taken++
      return { used: readings.used, limit: 100 }
    },
  })
  return { probe, readings }
}

describe('a probe', () => {
  it('costs nothing until somebody looks', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    clock.advance(10_000)
    assert.equal(readings.taken, 0)
    assert.equal(clock.timers, 0)
    assert.equal(probe.value.level, 0.5)
    assert.equal(clock.pending, 1)
    probe[Symbol.dispose]()
  })

  it('is sampled on a timer in the background, not when it is read', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    for (let read = 0; read < 1000; read++) assert.equal(probe.value.level, 0.5)
    assert.equal(readings.taken, 1)
    clock.advance(5000)
    assert.equal(readings.taken, 11)
    assert.equal(clock.background, clock.timers)
    probe[Symbol.dispose]()
  })

  it('reads out the same object until the level moves', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    const { value } = probe
    clock.advance(500)
    assert.equal(probe.value, value)
    readings.used = 60
    clock.advance(500)
    assert.notEqual(probe.value, value)
    probe[Symbol.dispose]()
  })

  it('tells its listeners when the level moves, and only then', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    const heard: number[] = []
    const subscription = probe.subscribe(({ level }) => heard.push(level))
    clock.advance(2000)
    assert.deepEqual(heard, [])
    readings.used = 90
    clock.advance(500)
    assert.deepEqual(heard, [0.6])
    subscription[Symbol.dispose]()
    clock.advance(500)
    assert.deepEqual(heard, [0.6])
    probe[Symbol.dispose]()
  })

  it('refuses nobody once disposed, says so, and leaves no timer', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    const heard: number[] = []
    probe.subscribe(({ level }) => heard.push(level))
    probe[Symbol.dispose]()
    probe[Symbol.dispose]()
    assert.deepEqual(heard, [0])
    assert.equal(clock.pending, 0)
    assert.equal(probe.value.level, 0)
    clock.advance(10_000)
    assert.equal(readings.taken, 1)
  })

  it('may be disposed before anybody looked, or by its own listener', () => {
    const clock = new StallingClock()
    const never = counted(clock)
    never.probe[Symbol.dispose]()
    assert.equal(never.probe.value.level, 0)
    assert.equal(never.readings.taken, 0)
    const { probe, readings } = counted(clock)
    probe.subscribe(() => probe[Symbol.dispose]())
    readings.used = 70
    clock.advance(500)
    assert.equal(clock.pending, 0)
  })

  it('survives a reading that is no number', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    assert.equal(probe.value.level, 0.5)
    readings.used = Number.NaN
    clock.advance(500)
    assert.equal(probe.value.level, 0)
    readings.used = 50
    clock.advance(500)
    assert.equal(probe.value.level, 0.25)
    probe[Symbol.dispose]()
  })

  it('goes on after a stall', () => {
    const clock = new StallingClock()
    const { probe, readings } = counted(clock)
    assert.equal(probe.value.level, 0.5)
    clock.stall(60_000)
    readings.used = 90
    clock.advance(500)
    assert.equal(probe.value.level, 0.9)
    probe[Symbol.dispose]()
  })
})
