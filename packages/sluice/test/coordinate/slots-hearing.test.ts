import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, type FleetSlots } from '../../src/coordinate/index.ts'
import { seeded, type Arrival, type RejectedError } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settled, ToldCoordinator } from './slots-coordinator.ts'

/** Arrivals that may wait 25 ms, at a coordinator that answers when it is told to. */
class Rig {
  readonly clock = new VirtualClock(5000)
  readonly told = new ToldCoordinator()
  readonly gate: FleetSlots
  readonly ends: string[] = []

  constructor(capacity?: number) {
    this.gate = fleetSlots({
      coordinator: this.told,
      limit: 10,
      onDown: 'closed',
      maxWait: 25,
      clock: this.clock,
      random: seeded(1),
      ...(capacity !== undefined && { capacity }),
    })
  }

  async ask(count: number, arrival: Arrival = {}): Promise<void> {
    for (let at = 0; at < count; at++)
      void this.gate.acquire(arrival).then(
        () => this.ends.push('in'),
        (error: unknown) => this.ends.push((error as RejectedError).code),
      )
    await settled()
  }

  async pass(duration: number): Promise<void> {
    this.clock.advance(duration)
    await settled()
  }

  async answer(granted: number): Promise<void> {
    this.told.answer({ life: 7, granted })
    await settled()
  }
}

describe('the wait for slots', () => {
  it('S3.5 is not over before the coordinator has answered, whatever timers say', async () => {
    const rig = new Rig()
    await rig.ask(3)
    await rig.pass(40)
    assert.deepEqual(rig.ends, [])
    await rig.answer(2)
    assert.deepEqual(rig.ends, ['in', 'in'])
    // What others have to give back first comes later than the answer: there is time for that again.
    await rig.pass(20)
    rig.told.push({ life: 7, granted: 3 })
    await settled()
    assert.deepEqual(rig.ends, ['in', 'in', 'in'])
  })

  it('S3.5 begins again with a late answer, once', async () => {
    const rig = new Rig()
    await rig.ask(2)
    await rig.pass(40)
    await rig.answer(1)
    await rig.pass(24)
    assert.deepEqual(rig.ends, ['in'])
    await rig.pass(6)
    assert.deepEqual(rig.ends, ['in', 'queue_timeout'])
  })

  it('S3.5 whoever came after a report waits for the answer to the next', async () => {
    const rig = new Rig()
    await rig.ask(1)
    await rig.pass(10)
    await rig.ask(1)
    await rig.pass(20)
    await rig.answer(1)
    await rig.pass(40)
    assert.deepEqual(rig.ends, ['in'])
    await rig.answer(2)
    assert.deepEqual(rig.ends, ['in', 'in'])
  })

  it('S3.5 is what was asked for where the coordinator answers in time', async () => {
    const rig = new Rig()
    await rig.ask(2)
    await rig.pass(5)
    await rig.answer(1)
    await rig.pass(19)
    assert.deepEqual(rig.ends, ['in'])
    await rig.pass(1)
    assert.deepEqual(rig.ends, ['in', 'queue_timeout'])
  })

  it('S3.5 ends with a deadline, and with a coordinator that does not answer', async () => {
    const rig = new Rig()
    await rig.ask(1, { deadline: rig.clock.now() + 15 })
    await rig.ask(1, { deadline: rig.clock.now() + 60 })
    await rig.ask(1)
    await rig.pass(15)
    assert.deepEqual(rig.ends, ['deadline'])
    await rig.pass(45)
    assert.deepEqual(rig.ends, ['deadline', 'queue_timeout'])
    for (let at = 0; at < 22; at++) await rig.pass(10)
    assert.equal(rig.ends.length, 3)
  })
  it('S3.5 where nobody may wait, slots are asked for with whoever is refused for want of one', async () => {
    const rig = new Rig(0)
    await rig.ask(2)
    assert.deepEqual(rig.ends, ['queue_full', 'queue_full'])
    assert.equal(rig.told.report.spare, 2)
    await rig.answer(2)
    await rig.ask(1)
    assert.deepEqual(rig.ends.slice(2), ['in'])
  })
})
