import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, type FleetSlots, type SlotPermit } from '../../src/arbiter/index.ts'
import { isRejection, seeded, type Permit } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUDGET } from '../coordinate/buckets-laws.ts'
import { settled } from '../coordinate/slots-coordinator.ts'
import { hostOf, WireGuest } from './wire.ts'

const LIMIT = 4

describe('the arbiter of several processes', () => {
  const clock = new VirtualClock(1000)
  const gateOf = (guest: WireGuest, seed: number): FleetSlots =>
    fleetSlots({
      coordinator: guest.slots(Infinity),
      limit: LIMIT,
      onDown: 'closed',
      maxWait: 60_000,
      clock,
      random: seeded(seed),
    })

  it('S3.5 gives to the others at once what a process had that has gone, and nothing to those who wait in it', async () => {
    const host = hostOf(clock, 0, 100)
    const [one, two] = [new WireGuest(clock, host), new WireGuest(clock, host)]
    const [gone, stays] = [gateOf(one, 1), gateOf(two, 2)]
    const taken = await Promise.all(Array.from({ length: LIMIT }, () => gone.acquire()))
    void gone.acquire().catch(() => {})
    const got: Permit[] = []
    for (let at = 0; at < LIMIT; at++) void stays.acquire().then((permit) => got.push(permit))
    await settled()
    assert.equal(got.length, 0)
    host.gone(one)
    host.gone(one)
    await settled()
    assert.equal(got.length, LIMIT)
    assert.ok(Math.min(...got.map((permit) => (permit as SlotPermit).fence)) > 100)
    assert.equal(stays.state.fleet.sessions <= 2, true)
    assert.equal(taken.length, LIMIT)
  })

  it('S3.5 hears claims and grants nothing while it learns, then grants what is left', async () => {
    const host = hostOf(clock, 300)
    assert.equal(host.learning, true)
    const guest = new WireGuest(clock, host)
    const slots = guest.slots(Infinity)
    let learning: boolean | undefined
    const quiet = { limit: LIMIT, lease: 1000, queue: 0, strict: false, leaves: false, spare: 0 }
    const claim = { session: 'a', life: 0, seq: 1, granted: 3, returned: 0, ...quiet }
    slots.sync({ ...claim, waiting: [0, 0, 0, 0], demand: [] }, (reply) => {
      assert.ok(!(reply instanceof Error))
      learning = reply.learning
      assert.deepEqual([reply.status, reply.granted], ['ok', 3])
    })
    assert.equal(learning, true)
    const gate = gateOf(guest, 3)
    const got: Permit[] = []
    for (let at = 0; at < LIMIT; at++) void gate.acquire().then((permit) => got.push(permit))
    await settled()
    assert.deepEqual([got.length, gate.state.learning], [0, true])
    for (let at = 0; at < 40; at++) {
      clock.advance(10)
      await settled()
    }
    assert.deepEqual([got.length, host.learning], [1, false])
  })

  it('S3.5 limits of different keys have nothing in common', async () => {
    const guest = new WireGuest(clock)
    const parts = { limit: 1, onDown: 'closed', clock } as const
    const one = fleetSlots({ ...parts, coordinator: guest.slots(Infinity, 'a'), random: seeded(4) })
    const two = fleetSlots({ ...parts, coordinator: guest.slots(Infinity, 'b'), random: seeded(5) })
    await one.acquire()
    assert.equal(isRejection(two.tryEnter()), false)
    assert.equal(isRejection(one.tryEnter()), true)
  })

  it('S3.5 buckets begin empty while it learns, for nobody knows what was left', async () => {
    const time = new VirtualClock(5)
    const levels = BUDGET.buckets.map(() => 0)
    const need = BUDGET.buckets.map(() => 1)
    const pace = { stamp: 0, refills: BUDGET.buckets }
    const rest = { pace, reserve: 0, critical: false, hold: 0 }
    const statement = { turn: 1, known: false, claim: levels, keep: levels, need, want: need, ...rest }
    for (const [learning, granted] of [
      [300, false],
      [0, true],
    ] as const) {
      const guest = new WireGuest(time, hostOf(time, learning))
      const grant = await guest.buckets.open(BUDGET, 'tenant', 'one').state(statement)
      assert.equal(grant.granted, granted)
    }
  })
})
