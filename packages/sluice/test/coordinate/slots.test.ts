import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, memorySlots, type FleetSlots, type FleetSlotsOptions } from '../../src/coordinate/index.ts'
import { seeded, type Permit, type Priority, type Rejection } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

interface Fleet {
  readonly clock: VirtualClock
  readonly gates: readonly FleetSlots[]
}

/** Several gates that share one limit, as instances of a fleet do. */
function fleetOf(count: number, options: Partial<FleetSlotsOptions> = {}): Fleet {
  const clock = new VirtualClock(5000)
  const coordinator = memorySlots({ clock })
  const random = seeded(3)
  const gates = Array.from({ length: count }, () =>
    fleetSlots({ coordinator, limit: 4, onDown: 'closed', clock, random, ...options }),
  )
  return { clock, gates }
}

/** Takes slots until there are none. */
function fill(gate: FleetSlots): Permit[] {
  const permits: Permit[] = []
  for (;;) {
    const verdict = gate.tryEnter()
    if (!verdict.admitted) return permits
    permits.push(verdict)
  }
}

/** One who waits, and notes when it is let in or refused. */
function wait(gate: FleetSlots, said: string[], name: string, priority: Priority = 2, maxWait?: number): void {
  gate.enter({ priority, ...(maxWait === undefined ? {} : { maxWait }) }, (verdict: Permit | Rejection) => {
    said.push(verdict.admitted ? name : `${name}: ${verdict.code}`)
  })
}

describe('slots of several gates', () => {
  it('S3.5 together never more than the limit', () => {
    const { gates } = fleetOf(3)
    assert.deepEqual(
      gates.map((gate) => fill(gate).length),
      [4, 0, 0],
    )
  })

  it('S3.5 what one gives back, another gets, at once', () => {
    const { gates } = fleetOf(2)
    const permits = fill(gates[0]!)
    const said: string[] = []
    wait(gates[1]!, said, 'waiting')
    assert.deepEqual(said, [])
    permits[0]!.release('success')
    assert.deepEqual(said, ['waiting'])
    assert.deepEqual([gates[0]!.stats.limit, gates[1]!.stats.limit], [3, 1])
  })

  it('S3.5 slots that lie idle come when somebody waits elsewhere', () => {
    const { gates } = fleetOf(2)
    for (const permit of fill(gates[0]!)) permit.release('success')
    assert.equal(gates[0]!.stats.limit, 4)
    assert.equal(fill(gates[1]!).length, 0)
    const said: string[] = []
    wait(gates[1]!, said, 'waiting')
    assert.deepEqual(said, ['waiting'])
  })

  it('S3.5 the most important next, wherever it waits', () => {
    const { clock, gates } = fleetOf(3, { limit: 1 })
    const [held] = fill(gates[0]!)
    const said: string[] = []
    wait(gates[0]!, said, 'sheddable here', 0)
    wait(gates[1]!, said, 'ordinary there', 2)
    wait(gates[2]!, said, 'critical there', 3)
    clock.advance(10)
    held!.release('success')
    assert.deepEqual(said, ['critical there'])
  })

  it('S3.5 shares: a gate with many waiting gets no more than one with few', () => {
    const { clock, gates } = fleetOf(2)
    const permits = fill(gates[0]!)
    const said: string[] = []
    for (let count = 0; count < 10; count++) wait(gates[0]!, said, 'many')
    for (let count = 0; count < 4; count++) wait(gates[1]!, said, 'few')
    clock.advance(10)
    for (const permit of permits) permit.release('success')
    assert.deepEqual(said.toSorted(), ['few', 'few', 'many', 'many'])
  })

  it('S3.5 strict: whoever has waited longest anywhere is next', () => {
    const { clock, gates } = fleetOf(2, { limit: 1, order: 'strict' })
    const said: string[] = []
    const waits = (gate: number, name: string): void => {
      clock.advance(1)
      gates[gate]!.enter({}, (verdict) => {
        said.push(name)
        if (verdict.admitted) clock.after(5, () => verdict.release('success'))
      })
    }
    for (const [name, gate] of Object.entries({ a: 0, b: 1, c: 1, d: 0, e: 1, f: 0, g: 0, h: 1 })) waits(gate, name)
    clock.advance(1000)
    assert.equal(said.join(''), 'abcdefgh')
  })

  it('S3.5 too many everywhere: the newest of the least important go, wherever they wait', () => {
    const { gates } = fleetOf(2, { limit: 1, queue: 3 })
    fill(gates[0]!)
    const said: string[] = []
    wait(gates[0]!, said, 'low here', 0)
    wait(gates[0]!, said, 'lower here', 0)
    wait(gates[1]!, said, 'ordinary there')
    assert.deepEqual(said, [])
    wait(gates[1]!, said, 'critical there', 3)
    assert.deepEqual(said, ['lower here: queue_full'])
    wait(gates[1]!, said, 'low there', 0)
    assert.deepEqual(said, ['lower here: queue_full', 'low there: queue_full'])
    assert.deepEqual([gates[0]!.stats.queued, gates[1]!.stats.queued], [1, 2])
  })

  it('S3.5 a queue here is bounded too: the important push out others, who are told', () => {
    const { gates } = fleetOf(1, { limit: 1, capacity: 2 })
    fill(gates[0]!)
    const said: string[] = []
    wait(gates[0]!, said, 'first', 1)
    wait(gates[0]!, said, 'second', 1)
    wait(gates[0]!, said, 'third', 1)
    wait(gates[0]!, said, 'critical', 3)
    assert.deepEqual(said, ['third: queue_full', 'second: evicted'])
  })

  it('S3.5 a gate that closes gives its slots to the others', () => {
    const { gates } = fleetOf(2)
    const permits = fill(gates[0]!)
    const said: string[] = []
    for (let count = 0; count < 4; count++) wait(gates[1]!, said, 'waiting')
    gates[0]!.close()
    assert.equal(said.length, 0)
    for (const permit of permits) permit.release('success')
    assert.equal(said.length, 4)
  })

  it('S3.5 waits as long as it is willing to, and says how the fleet is doing', () => {
    const { clock, gates } = fleetOf(2)
    fill(gates[0]!)
    const said: string[] = []
    wait(gates[1]!, said, 'impatient', 2, 50)
    clock.advance(20)
    wait(gates[0]!, said, 'later')
    const { fleet, policy } = gates[0]!.state
    const waiters = [0, 0, 2, 0]
    assert.deepEqual(
      [fleet, policy],
      [{ sessions: 2, used: 4, queued: 2, waiters, level: 0, limit: 4, oldest: 20 }, 'closed'],
    )
    assert.equal(gates[0]!.pressure.value.level, 1.5)
    clock.advance(40)
    assert.deepEqual(said, ['impatient: queue_timeout'])
  })

  it('S3.5 the limit of whoever came last holds for all', () => {
    const clock = new VirtualClock(1)
    const coordinator = memorySlots({ clock })
    const [old, young] = [3, 5].map((limit) => fleetSlots({ coordinator, limit, onDown: 'open', clock }))
    assert.equal(fill(old!).length, 3)
    assert.equal(fill(young!).length, 2)
  })
})
