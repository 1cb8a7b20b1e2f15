import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fleetSlots,
  memorySlots,
  type FleetSlots,
  type FleetSlotsOptions,
  type SlotCoordinator,
  type SlotNews,
  type SlotReport,
} from '../../src/coordinate/index.ts'
import { seeded, type Arrival, type Permit, type Rejection } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settled } from './slots-coordinator.ts'

/** Hears everything that is said between instances and the coordinator. */
class Overheard implements SlotCoordinator {
  readonly lease: number
  readonly reports: SlotReport[] = []
  readonly news: SlotNews[] = []
  readonly #inner: SlotCoordinator

  constructor(clock: VirtualClock, lease: number = Infinity) {
    this.lease = lease
    this.#inner = memorySlots({ clock })
  }

  sync(...[report, answer]: Parameters<SlotCoordinator['sync']>): void {
    // As it would be on its way.
    this.reports.push(JSON.parse(JSON.stringify(report)) as SlotReport)
    this.#inner.sync(report, answer)
  }

  listen(session: string, listener: (news: SlotNews) => void): () => void {
    return this.#inner.listen(session, (news) => {
      this.news.push(news)
      listener(news)
    })
  }
}

class Crowd {
  readonly clock = new VirtualClock(5000)
  readonly overheard: Overheard
  readonly gates: readonly FleetSlots[]
  readonly said: string[] = []
  readonly permits = new Map<string, Permit>()

  constructor(count: number, options: Partial<FleetSlotsOptions> = {}, lease?: number) {
    const { clock } = this
    this.overheard = new Overheard(clock, lease)
    const random = seeded(3)
    this.gates = Array.from({ length: count }, () =>
      fleetSlots({ coordinator: this.overheard, limit: 4, onDown: 'closed', clock, random, ...options }),
    )
  }

  ask(gate: number, name: string, arrival: Arrival = {}): void {
    // Nobody comes at quite the same time as another.
    this.clock.advance(0.001)
    this.gates[gate]!.enter(arrival, (verdict: Permit | Rejection) => {
      this.said.push(verdict.admitted ? name : `${name}: ${verdict.code}`)
      if (verdict.admitted) this.permits.set(name, verdict)
    })
  }

  end(name: string): void {
    this.permits.get(name)!.release('success')
  }
}

describe('arrivals that need several slots', () => {
  it('S3.5 get all of them or none, and give all back', () => {
    const crowd = new Crowd(2)
    crowd.ask(0, 'three', { cost: 3 })
    crowd.ask(1, 'two', { cost: 2 })
    assert.deepEqual(crowd.said, ['three'])
    assert.deepEqual([crowd.gates[0]!.stats.inflight, crowd.gates[1]!.stats.inflight], [3, 0])
    crowd.end('three')
    assert.deepEqual(crowd.said, ['three', 'two'])
    crowd.ask(0, 'another two', { cost: 2 })
    assert.deepEqual(crowd.said, ['three', 'two', 'another two'])
    assert.equal(crowd.gates[0]!.state.fleet.used, 4)
  })

  it('S3.5 do not starve behind those that need one, in either order', () => {
    for (const order of ['share', 'strict'] as const) {
      const crowd = new Crowd(3, { order })
      for (let at = 0; at < 4; at++) crowd.ask(at % 2, `small ${at}`)
      crowd.ask(2, 'all', { cost: 4 })
      for (let at = 4; at < 10; at++) crowd.ask(at % 2, `small ${at}`)
      crowd.clock.advance(10)
      for (let at = 0; at < 4; at++) crowd.end(`small ${at}`)
      // What falls free is not given to the next small one: it is kept until there is enough.
      assert.deepEqual(crowd.said.slice(4), ['all'], order)
      crowd.end('all')
      assert.equal(crowd.said.length, 9)
    }
  })

  it('S3.5 two that each need more than half do not block one another', () => {
    const crowd = new Crowd(2)
    crowd.ask(0, 'a', { cost: 3 })
    crowd.ask(1, 'b', { cost: 3 })
    crowd.ask(0, 'c', { cost: 3 })
    for (const name of ['a', 'b', 'c']) crowd.end(name)
    assert.deepEqual(crowd.said, ['a', 'b', 'c'])
  })

  it('S3.5 that need more than there are fail at once, and are told', () => {
    const crowd = new Crowd(1)
    crowd.ask(0, 'five', { cost: 5 })
    assert.deepEqual(crowd.said, ['five: limit_exceeded'])
    const verdict = crowd.gates[0]!.tryEnter({ cost: 5 })
    assert.ok(!verdict.admitted)
    assert.match(String(verdict.limit), /4/)
  })

  it('S3.5 that waited for more than a new limit allows are told as well', () => {
    const crowd = new Crowd(1)
    crowd.ask(0, 'one')
    crowd.ask(0, 'four', { cost: 4 })
    const smaller = fleetSlots({ coordinator: crowd.overheard, limit: 3, onDown: 'closed', clock: crowd.clock })
    smaller.tryEnter()
    crowd.end('one')
    crowd.ask(0, 'later')
    assert.ok(crowd.said.includes('four: limit_exceeded'), crowd.said.join())
  })
})

describe('tenants', () => {
  it('S1.13 one with a thousand waiting does not keep out one with a few, wherever it waits', () => {
    for (const gate of [0, 1]) {
      const crowd = new Crowd(2, { limit: 1 })
      crowd.ask(0, 'first')
      for (let at = 0; at < 1000; at++) crowd.ask(0, `noisy ${at}`, { flow: 'noisy', maxWait: 1e6 })
      for (let at = 0; at < 3; at++) crowd.ask(gate, `quiet ${at}`, { flow: 'quiet' })
      crowd.end('first')
      for (let served = 0; served < 6; served++) crowd.end(crowd.said.at(-1)!)
      assert.ok(crowd.said.filter((name) => name.startsWith('quiet')).length >= 3, crowd.said.join())
    }
  })

  it('S1.13 what is told of them is bounded, whatever tenants arrive, and each gets its turn', () => {
    const crowd = new Crowd(2, { limit: 1, capacity: 5000 })
    crowd.ask(0, 'first')
    for (let at = 0; at < 600; at++) crowd.ask(at % 2, `${at}`, { flow: `tenant ${at}`, maxWait: 1e6 })
    crowd.end('first')
    while (crowd.said.length < 601) crowd.end(crowd.said.at(-1)!)
    assert.equal(new Set(crowd.said).size, 601)
    const longest = Math.max(...crowd.overheard.reports.map(({ demand }) => demand.length))
    assert.ok(longest <= 24, `${longest}`)
    const turns = Math.max(...crowd.overheard.news.map(({ turns: list }) => list.length))
    assert.ok(turns <= 4 * 4, `${turns}`)
    // Names stay at home.
    assert.ok(!JSON.stringify(crowd.overheard.reports).includes('tenant'))
  })
})

describe('pressure of the whole fleet', () => {
  const full = (crowd: Crowd, count: number): void => {
    for (let at = 0; at < count; at++) crowd.ask(0, `w${at}`, { maxWait: 1e6 })
  }

  it('S3.5 is told to those who are not asked, rises by class, and falls only some way below', () => {
    const crowd = new Crowd(2, { queue: 100, limit: 1 })
    crowd.ask(1, 'busy')
    full(crowd, 49)
    assert.equal(crowd.gates[1]!.state.fleet.level, 0)
    full(crowd, 1)
    assert.equal(crowd.gates[1]!.state.fleet.level, 1)
    crowd.clock.advance(200)
    full(crowd, 40)
    crowd.clock.advance(200)
    full(crowd, 1)
    assert.equal(crowd.gates[1]!.state.fleet.level, 3)
    const { level } = crowd.gates[1]!.pressure.value
    assert.ok(level >= 90, `${level}`)
    const impatient = new Crowd(2, { queue: 100, limit: 1 })
    impatient.ask(1, 'busy')
    for (let at = 0; at < 50; at++) impatient.ask(0, `w${at}`, { maxWait: 200 + at })
    impatient.clock.advance(205)
    // Forty-five wait: above three quarters of the mark.
    assert.equal(impatient.gates[1]!.state.fleet.level, 1)
    impatient.clock.advance(20)
    assert.equal(impatient.gates[1]!.state.fleet.level, 0)
  })

  it('S3.5 changes ten times a second at most, however it swings', () => {
    const crowd = new Crowd(2, { queue: 10, limit: 1 })
    crowd.ask(1, 'busy')
    for (let at = 0; at < 500; at++) {
      full(crowd, 9)
      crowd.clock.advance(2)
      for (const gate of crowd.gates) gate.tryEnter()
      const waiting = fleetSlots({ coordinator: crowd.overheard, limit: 1, onDown: 'closed', clock: crowd.clock })
      waiting.close()
    }
    const levels = crowd.overheard.news.map(({ level }) => level)
    const changes = levels.filter((level, at) => at > 0 && level !== levels[at - 1]).length
    assert.ok(changes <= 11, `${changes}`)
  })

  it('S3.5 lets an edge refuse a class before it waits, and no longer than it is sure', () => {
    const crowd = new Crowd(2, { queue: 100, limit: 1, early: true })
    crowd.ask(1, 'busy')
    full(crowd, 55)
    crowd.ask(1, 'sheddable', { priority: 0 })
    crowd.ask(1, 'ordinary')
    assert.deepEqual(crowd.said, ['busy', 'sheddable: shed'])
    crowd.clock.advance(1100)
    crowd.ask(1, 'sheddable later', { priority: 0, maxWait: 1 })
    crowd.clock.advance(2)
    assert.deepEqual(crowd.said.at(-1), 'sheddable later: queue_timeout')
  })
})

describe('an idle fleet', () => {
  it('S3.5 forty instances and ten thousand tenants: fewer than five calls a second each', async () => {
    const lease = 2000
    const crowd = new Crowd(40, { limit: 400 }, lease)
    const { clock, gates, overheard } = crowd
    const pass = async (duration: number): Promise<void> => {
      for (let at = 0; at < duration; at += 10) {
        clock.advance(10)
        await settled()
      }
    }
    for (let tenant = 0; tenant < 10_000; tenant++) {
      crowd.ask(tenant % 40, `${tenant}`, { flow: `${tenant}` })
      if (tenant % 100 !== 99) continue
      await pass(10)
      for (const [name] of crowd.permits) {
        crowd.end(name)
        crowd.permits.delete(name)
      }
    }
    // Each goes on with one slot, and lets it be known.
    for (let gate = 0; gate < 40; gate++) crowd.ask(gate, `last ${gate}`)
    await pass(6000)
    assert.equal(gates[0]!.state.fleet.used, 40)
    let before = overheard.reports.length
    await pass(10_000)
    const busy = (overheard.reports.length - before) / 10 / 40
    assert.ok(busy > 0 && busy < 5, `${busy} calls a second`)
    for (let gate = 0; gate < 40; gate++) crowd.end(`last ${gate}`)
    await pass(6000)
    before = overheard.reports.length
    await pass(5000)
    assert.equal(overheard.reports.length, before)
  })
})
