import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, SlotLost, type FleetSlots, type SlotPermit } from '../../src/arbiter/index.ts'
import { seeded, type Permit } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settled } from '../coordinate/slots-coordinator.ts'
import { hostOf, WireGuest } from './wire.ts'

const GRACE = 240

/** A process with two of three slots in use, and another with the third; then their arbiter dies. */
async function bereaved(onDown: 'closed' | 'share'): Promise<{
  readonly clock: VirtualClock
  readonly one: WireGuest
  readonly two: WireGuest
  readonly gate: FleetSlots
  readonly other: FleetSlots
  readonly permits: readonly SlotPermit[]
}> {
  const clock = new VirtualClock(1000)
  const host = hostOf(clock)
  const [one, two] = [new WireGuest(clock, host), new WireGuest(clock, host)]
  const gateOf = (guest: WireGuest, seed: number): FleetSlots => {
    const parts = { limit: 3, onDown, maxWait: 60_000, clock, random: seeded(seed) }
    return fleetSlots({ coordinator: guest.slots(1000), ...parts })
  }
  const [gate, other] = [gateOf(one, 1), gateOf(two, 2)]
  const permits = [(await gate.acquire()) as SlotPermit, (await gate.acquire()) as SlotPermit]
  await other.acquire()
  for (const permit of permits) assert.equal(permit.signal.aborted, false)
  // So that each has heard of the other.
  await pass(clock, 600)
  for (const guest of [one, two]) guest.bereave(GRACE)
  await settled()
  return { clock, one, two, gate, other, permits }
}

async function pass(clock: VirtualClock, duration: number): Promise<void> {
  for (let rest = duration; rest > 0; rest -= 10) {
    clock.advance(Math.min(10, rest))
    await settled()
  }
}

describe('a session whose arbiter dies', () => {
  it('S3.5 begins nothing until what is in use is claimed of the next, and keeps that', async () => {
    const { clock, one, two, gate, other, permits } = await bereaved('closed')
    permits[0]!.release('success')
    const got: Permit[] = []
    void gate.acquire().then((permit) => got.push(permit))
    await settled()
    assert.equal(got.length, 0, 'though a slot fell free here')
    const next = hostOf(clock, 300)
    two.turnTo(next)
    await pass(clock, 100)
    one.turnTo(next)
    await pass(clock, 10)
    assert.equal(got.length, 1, 'what had ended since it was claimed serves who waits here')
    await pass(clock, 500)
    assert.deepEqual([gate.state.inflight, gate.state.held, gate.state.lapses], [2, 2, 0])
    assert.deepEqual([other.state.inflight, other.state.fleet.used, other.state.lapses], [1, 3, 0])
    assert.equal(permits[1]!.signal.aborted, false)
  })

  it('S3.5 counts what is in use as lost where no claim is heard in time', async () => {
    const { clock, gate, permits } = await bereaved('closed')
    await pass(clock, GRACE - 10)
    assert.equal(permits[0]!.signal.aborted, false)
    await pass(clock, 20)
    for (const { signal } of permits) assert.ok(signal.reason instanceof SlotLost)
    assert.equal(gate.state.lapses, 1)
  })

  it('S3.5 keeps its share where the policy says so', async () => {
    const { clock, permits } = await bereaved('share')
    await pass(clock, 400)
    // Four fifths of three, of two processes: one.
    assert.equal(permits.filter(({ signal }) => signal.aborted).length, 1)
  })
})
