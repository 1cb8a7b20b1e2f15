import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fleetSlots,
  memorySlots,
  type Classes,
  type FleetSlots,
  type FleetSlotsOptions,
} from '../../src/coordinate/index.ts'
import { SlotShares, widestClass } from '../../src/coordinate/slots-shares.ts'
import type { Priority } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const SHARES: Classes = [0.1, 0, 0.4, 0.4]

/** So many turns of classes of which so many wait, always. */
function turns(count: number, waiting: Classes, shares: Classes = SHARES): number[] {
  const owed = new SlotShares()
  const had = [0, 0, 0, 0]
  for (let at = 0; at < count; at++) {
    const { priority } = owed.due(waiting)
    owed.took(priority, 1, 1, waiting, shares)
    had[priority]!++
  }
  return had
}

/** Of several gates that share one limit; notes who is let in or refused. */
class Fleet {
  readonly clock = new VirtualClock(5000)
  readonly said: string[] = []
  readonly gates: readonly FleetSlots[]
  readonly #running: (() => void)[] = []

  constructor(count: number, options: Partial<FleetSlotsOptions>) {
    const { clock } = this
    const shared = { coordinator: memorySlots({ clock }), limit: 1, onDown: 'closed', shares: SHARES, clock } as const
    this.gates = Array.from({ length: count }, () => fleetSlots({ ...shared, ...options }))
  }

  ask(gate: number, name: string, priority: Priority = 2): void {
    this.gates[gate]!.enter({ priority, maxWait: 1e6 }, (verdict) => {
      this.said.push(verdict.admitted ? name : `${name}: ${verdict.code}`)
      if (verdict.admitted) this.#running.push(() => verdict.release('success'))
    })
  }

  end(): void {
    this.#running.shift()?.()
  }

  /** Lets so many more in, one after the other, and counts of whom they are. */
  serve(count: number): Record<string, number> {
    const had: Record<string, number> = {}
    for (let at = 0; at < count; at++) {
      this.end()
      const name = this.said.at(-1)!.split(' ')[0]!
      had[name] = (had[name] ?? 0) + 1
    }
    return had
  }
}

describe('shares of classes', () => {
  it('S3.6 each has its share, and the best what is over', () => {
    for (const [waiting, due] of [
      [
        [9, 0, 9, 9],
        [100, 0, 400, 500],
      ],
      [
        [9, 0, 0, 9],
        [100, 0, 0, 900],
      ],
      [
        [9, 0, 9, 0],
        [100, 0, 900, 0],
      ],
      [
        [9, 0, 0, 0],
        [1000, 0, 0, 0],
      ],
    ] as const)
      for (const [priority, had] of turns(1000, waiting).entries())
        assert.ok(Math.abs(had - due[priority]!) <= 2, `${waiting.join()}: ${had} of ${priority}`)
  })

  it('S3.6 one that is sure of nothing waits until nobody else does, and is served then', () => {
    assert.deepEqual(turns(100, [0, 9, 9, 0]), [0, 0, 100, 0])
    assert.deepEqual(turns(100, [0, 9, 0, 0]), [0, 100, 0, 0])
  })

  it('S3.6 nothing is saved up while nobody waits', () => {
    const owed = new SlotShares()
    for (let at = 0; at < 50; at++) owed.took(owed.due([1, 0, 0, 1]).priority, 1, 1, [1, 0, 0, 1], SHARES)
    for (let at = 0; at < 50; at++) owed.took(owed.due([0, 0, 0, 1]).priority, 1, 1, [0, 0, 0, 1], SHARES)
    let before = 0
    for (; owed.due([1, 0, 0, 1]).priority === 3; before++) owed.took(3, 1, 1, [1, 0, 0, 1], SHARES)
    assert.equal(before, 10)
  })

  it('S3.6 a wide one costs its class as much as it is wide', () => {
    const owed = new SlotShares()
    const had = [0, 0, 0, 0]
    for (let at = 0; at < 4000; at++) {
      const { priority } = owed.due([9, 0, 0, 9])
      const cost = priority === 0 ? 4 : 1
      owed.took(priority, cost, cost, [9, 0, 0, 9], SHARES)
      had[priority]! += cost
    }
    assert.ok(Math.abs(had[0]! / (had[0]! + had[3]!) - 0.1) < 0.005, had.join())
  })

  it('of a full queue the class goes that is furthest beyond its share, of two the less important', () => {
    assert.equal(widestClass([2, 0, 4, 4], SHARES, 10), 0)
    assert.equal(widestClass([1, 0, 4, 5], SHARES, 10), 3)
    assert.equal(widestClass([0, 0, 5, 5], SHARES, 10), 2)
    assert.equal(widestClass([0, 0, 0, 0], SHARES, 10), -1)
  })
})

describe('slots of a fleet by shares', () => {
  it('S3.6 are given by them, wherever somebody waits, also where all wait at one', () => {
    for (const places of [
      [0, 1, 2],
      [1, 1, 1],
    ] as const) {
      const fleet = new Fleet(3, {})
      fleet.ask(0, 'first')
      for (let at = 0; at < 200; at++) {
        fleet.ask(places[0], 'high', 3)
        fleet.ask(places[1], 'normal')
        fleet.ask(places[2], 'low', 0)
      }
      const { high = 0, normal = 0, low = 0 } = fleet.serve(200)
      assert.ok(
        Math.abs(high - 100) <= 3 && Math.abs(normal - 80) <= 2 && Math.abs(low - 20) <= 1,
        `${high}, ${normal}, ${low}`,
      )
    }
  })

  it('S3.6 a flood of the better class does not push the others out of a queue, here and everywhere', () => {
    for (const options of [{ capacity: 10 }, { queue: 10 }]) {
      const fleet = new Fleet(2, options)
      fleet.ask(0, 'first')
      for (let at = 0; at < 4; at++) fleet.ask(0, `low ${at}`, 0)
      for (let at = 0; at < 60; at++) fleet.ask(0, `high ${at}`, 3)
      // Seven of the better class are as far beyond their four places as three of the other beyond its one.
      assert.equal(fleet.gates[0]!.stats.queued, 10)
      assert.deepEqual(
        fleet.said.filter((said) => said.startsWith('low')).map((said) => said.slice(0, 5)),
        ['low 3'],
      )
      fleet.ask(0, 'low again', 0)
      assert.match(fleet.said.at(-1)!, /^low again: queue_full$/)
      assert.equal(fleet.serve(10)['low'], 3)
    }
  })

  it('S3.6 control: without shares the best class is next as long as it waits, and the lowest starves', () => {
    const clock = new VirtualClock(1)
    const gate = fleetSlots({ coordinator: memorySlots({ clock }), limit: 1, onDown: 'closed', clock })
    const said: number[] = []
    let again = 50
    const ask = (priority: Priority): void => {
      gate.enter({ priority }, (verdict) => {
        said.push(priority)
        if (priority === 3 && again-- > 0) ask(3)
        if (verdict.admitted) clock.after(1, () => verdict.release('success'))
      })
    }
    ask(3)
    ask(0)
    ask(3)
    clock.advance(40)
    assert.ok(said.length > 30 && !said.includes(0), said.join())
  })

  it('refuses shares that make no sense', () => {
    const make = (options: object): FleetSlots =>
      fleetSlots({ coordinator: memorySlots(), limit: 1, onDown: 'closed', ...options })
    for (const shares of [[0.1, 0.2], [0.5, 0.5, 0.5, 0], [-1, 0, 0, 1], [Number.NaN, 0, 0, 1], 'high', { 3: 1 }])
      assert.throws(() => make({ shares }), /RangeError: fleetSlots\.shares/)
    assert.throws(() => make({ shares: SHARES, order: 'strict' }), /left out with order 'strict'/)
    assert.throws(() => make({ shares: SHARES, early: true }), /left out with early/)
    make({ shares: SHARES }).close()
  })
})
