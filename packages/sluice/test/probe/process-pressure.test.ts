import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { processPressure } from '../../src/probe/index.ts'
import { StallingClock } from './stalling-clock.ts'

/** A process whose every figure can be set. */
function rig() {
  const clock = new StallingClock()
  const figures = { idle: 0, active: 0, cpu: 0, used: 10, rss: 20 }
  const probe = processPressure({
    clock,
    eventLoopUtilization: { read: () => ({ idle: figures.idle, active: figures.active }) },
    cpu: { read: () => figures.cpu, cores: 1 },
    heap: { read: () => ({ used: figures.used, limit: 100 }) },
    memory: { read: () => figures.rss, limit: 100 },
  })
  return { clock, figures, probe }
}

describe('processPressure', () => {
  it('S1.5 is the worst of its parts, by name', () => {
    const { clock, figures, probe } = rig()
    assert.deepEqual(probe.value, { level: 0.2, cause: 'memory' })
    figures.used = 95
    clock.advance(2500)
    assert.deepEqual(probe.value, { level: 0.95, cause: 'heap' })
    figures.used = 10
    clock.advance(2500)
    assert.deepEqual(probe.value, { level: 0.2, cause: 'memory' })
    clock.stall(480)
    clock.advance(20)
    assert.equal(probe.value.cause, 'event-loop-delay')
    clock.advance(2500)
    for (let step = 0; step < 10; step++) {
      figures.cpu += 98
      figures.active += 60
      figures.idle += 40
      clock.advance(100)
    }
    assert.equal(probe.value.cause, 'cpu')
    assert.ok(Math.abs(probe.value.level - 0.98) < 1e-6, String(probe.value.level))
    assert.ok(Math.abs((probe.parts.get('event-loop-utilization')?.value.level ?? 0) - 0.6) < 1e-6)
    probe[Symbol.dispose]()
  })

  it('keeps one timer for all', () => {
    const { clock, probe } = rig()
    const heard: string[] = []
    probe.subscribe(({ cause }) => heard.push(cause))
    for (const part of probe.parts.values()) assert.ok(part.value.level >= 0)
    assert.equal(clock.pending, 1)
    clock.advance(1000)
    assert.equal(clock.pending, 1)
    assert.equal(clock.timers, 51)
    assert.deepEqual(heard, [], 'nothing moved')
    probe[Symbol.dispose]()
    assert.equal(clock.pending, 0)
    assert.deepEqual(probe.value, { level: 0, cause: 'process' })
    assert.deepEqual(heard, ['process'])
  })

  it('begins with the first look at any part', () => {
    const { clock, probe } = rig()
    assert.equal(clock.timers, 0)
    assert.equal(probe.parts.get('heap')?.value.level, 0.1)
    assert.equal(clock.timers, 1)
    probe[Symbol.dispose]()
  })

  it('leaves out what it is told to, but not everything', () => {
    const clock = new StallingClock()
    const rest = { eventLoopUtilization: false, cpu: false, heap: false } as const
    using probe = processPressure({ clock, ...rest, memory: { read: () => 7, limit: 10 } })
    assert.deepEqual([...probe.parts.keys()], ['event-loop-delay', 'memory'])
    assert.deepEqual(probe.value, { level: 0.7, cause: 'memory' })
    assert.throws(
      () => processPressure({ ...rest, eventLoopDelay: false, memory: false }),
      /expected at least one probe, got none/,
    )
  })
})
