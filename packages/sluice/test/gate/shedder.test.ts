import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  BY_CPU,
  BY_UTILIZATION,
  fifo,
  semaphore,
  shedder,
  worst,
  type Pressure,
  type Priority,
  type ShedThresholds,
  type Signal,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { gateLaws } from '../../src/testing/index.ts'

/** A pressure that is as high as one says. */
function pressed(level: number): Signal<Pressure> & { level: number } {
  const dial = {
    level,
    get value(): Pressure {
      return { level: dial.level, cause: 'dial' }
    },
    subscribe: (): Disposable => ({ [Symbol.dispose]() {} }),
  }
  return dial
}

const PRIORITIES: readonly Priority[] = [0, 1, 2, 3]
/** The last number below, and the first above. */
const below = (level: number): number => level - 2 ** -53
const above = (level: number): number => level + 2 ** -53

function served(level: number, thresholds: ShedThresholds): readonly Priority[] {
  const gate = shedder({ pressure: pressed(level), thresholds })
  return PRIORITIES.filter((priority) => gate.tryEnter({ priority }).admitted)
}

describe('S1.5 a shedder', () => {
  const tables: readonly (readonly [string, ShedThresholds, readonly (readonly [number, readonly Priority[]])[]])[] = [
    [
      'utilisation',
      BY_UTILIZATION,
      [
        [0, [0, 1, 2, 3]],
        [below(0.9), [0, 1, 2, 3]],
        [0.9, [2, 3]],
        [below(0.95), [2, 3]],
        [0.95, [3]],
        [below(0.98), [3]],
        [0.98, []],
        [5, []],
      ],
    ],
    [
      'processor time',
      BY_CPU,
      [
        [0.85, [0, 1, 2, 3]],
        [above(0.85), [2, 3]],
        [0.95, [2, 3]],
        [above(0.95), [3]],
        [1, [3]],
        [100, [3]],
      ],
    ],
  ]
  for (const [name, thresholds, rows] of tables)
    it(`S1.5 by ${name}, exactly at the borders`, () => {
      for (const [level, priorities] of rows) assert.deepEqual(served(level, thresholds), priorities, `at ${level}`)
    })

  it('S1.5 an arrival that does not say is ordinary, and a refusal says what would have been needed', () => {
    const gate = shedder({ pressure: pressed(0.96) })
    const refusal = gate.tryEnter()
    assert.ok(!refusal.admitted)
    assert.deepEqual([refusal.code, refusal.load, refusal.limit, refusal.gate], ['shed', 0.96, 0.95, 'shedder'])
  })

  it('S1.5 follows the pressure as it rises and falls, and waits for nothing', () => {
    const pressure = pressed(0)
    const gate = shedder({ pressure })
    const clock = new VirtualClock()
    const seen = [0.5, 0.91, 0.99, 0.91, 0.5].map((level) => {
      pressure.level = level
      return PRIORITIES.filter((priority) => gate.tryEnter({ priority, maxWait: 1000 }).admitted).length
    })
    assert.deepEqual(seen, [4, 2, 0, 2, 4])
    assert.equal(clock.pending, 0)
  })

  it('S1.5 the worst of several signals decides, and is named', () => {
    const [cpu, heap] = [pressed(0.2), pressed(0.97)]
    const gate = shedder({ pressure: worst(cpu, heap) })
    assert.ok(!gate.tryEnter().admitted)
    heap.level = 0.1
    assert.ok(gate.tryEnter().admitted)
  })

  it('S1.5 before a gate: its utilisation sheds low before the gate itself refuses anybody', () => {
    const clock = new VirtualClock()
    const inner = semaphore({ permits: 100, queue: fifo(), clock })
    const gate = shedder({ pressure: inner.pressure })
    const refusedAt = new Map<Priority, number>()
    for (let inflight = 0; inflight < 100; inflight++) {
      for (const priority of PRIORITIES)
        if (!gate.tryEnter({ priority }).admitted && !refusedAt.has(priority)) refusedAt.set(priority, inflight)
      inner.tryEnter()
    }
    assert.deepEqual(
      [...refusedAt.entries()].sort(([a], [b]) => a - b),
      [
        [0, 90],
        [1, 90],
        [2, 95],
        [3, 98],
      ],
    )
  })

  it('S1.5 thresholds that are not four numbers that never fall are named', () => {
    const pressure = pressed(0)
    const make = (thresholds: readonly number[]) => () =>
      shedder({ pressure, thresholds: thresholds as unknown as ShedThresholds })
    assert.throws(make([0.9, 0.8, 0.95, 0.98]), { name: 'RangeError', message: /shedder\.thresholds\[1\]/ })
    assert.throws(make([0.9, 0.9]), { name: 'RangeError', message: /shedder\.thresholds/ })
    assert.throws(make([Number.NaN, 1, 1, 1]), { name: 'RangeError', message: /shedder\.thresholds\[0\]/ })
  })

  it('S1.5 a priority that is none is named; closed, it refuses with closed', () => {
    const gate = shedder({ pressure: pressed(0) })
    assert.throws(() => gate.tryEnter({ priority: 7 as Priority }), {
      name: 'RangeError',
      message: /arrival\.priority/,
    })
    gate.close()
    const verdict = gate.tryEnter({ priority: 3 })
    assert.ok(!verdict.admitted && verdict.code === 'closed')
  })
})

gateLaws(
  'S1.5 shedder',
  { describe, it },
  fc,
  ({ clock, random }) => {
    const pressure = pressed(0)
    let at = -1
    // Swings from arrival to arrival, by the dice of the law's world; not at the same instant, as nobody would tell.
    const swinging: Signal<Pressure> = {
      get value() {
        if (clock.now() !== at) pressure.level = random() * 1.1
        at = clock.now()
        return pressure.value
      },
      subscribe: (listener) => pressure.subscribe(listener),
    }
    return shedder({ pressure: swinging })
  },
  { context: new AsyncLocalStorage() },
)
