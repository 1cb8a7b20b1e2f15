import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fleetSlots,
  SlotLost,
  type FleetSlots,
  type FleetSlotsOptions,
  type SlotPermit,
} from '../../src/coordinate/index.ts'
import { type RejectedError, seeded, type Clock, type Permit, type RejectionCode, type Timer } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settled, ToldCoordinator } from './slots-coordinator.ts'

/** The clock of a process that is frozen, and wakes to timers long due. */
class JumpingClock implements Clock {
  #now = 1000
  #due: { at: number; run: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(delay: number, run: () => void): Timer {
    const timer = { at: this.#now + delay, run }
    this.#due.push(timer)
    const cancel = (): void => void (this.#due = this.#due.filter((each) => each !== timer))
    return { cancel, [Symbol.dispose]: cancel }
  }

  jump(duration: number): void {
    this.#now += duration
    const due = this.#due.filter(({ at }) => at <= this.#now)
    this.#due = this.#due.filter(({ at }) => at > this.#now)
    for (const { run } of due) run()
  }
}

class Rig {
  readonly clock = new VirtualClock(5000)
  readonly told = new ToldCoordinator()
  readonly gate: FleetSlots
  readonly permits: SlotPermit[] = []
  readonly codes: RejectionCode[] = []

  constructor(options: Partial<FleetSlotsOptions> = {}) {
    const { clock, told: coordinator } = this
    const chance = { clock, random: seeded(1) }
    this.gate = fleetSlots({ coordinator, limit: 10, onDown: 'closed', maxWait: 60_000, ...chance, ...options })
  }

  /** So many arrive, and wait. */
  async ask(count: number, priority: 0 | 1 | 2 | 3 = 2): Promise<void> {
    for (let at = 0; at < count; at++)
      void this.gate.acquire({ priority }).then(
        (permit: Permit) => this.permits.push(permit as SlotPermit),
        (error: unknown) => this.codes.push((error as RejectedError).code),
      )
    await settled()
  }

  async pass(duration: number): Promise<void> {
    // In steps, for promises are kept between them.
    for (let rest = duration; rest > 0; rest -= 10) {
      this.clock.advance(Math.min(10, rest))
      await settled()
    }
  }

  async answer(...reply: Parameters<ToldCoordinator['answer']>): Promise<void> {
    this.told.answer(...reply)
    await settled()
  }

  async push(...news: Parameters<ToldCoordinator['push']>): Promise<void> {
    this.told.push(...news)
    await settled()
  }
}

/** A gate with slots in use and one more that waits. */
async function working(count: number, options: Partial<FleetSlotsOptions> = {}): Promise<Rig> {
  const rig = new Rig(options)
  await rig.ask(count)
  await rig.answer({ life: 7, granted: count })
  assert.equal(rig.permits.length, count)
  return rig
}

describe('a session of fleet slots', () => {
  it('S3.5 registers with who waits, and lets in who was granted a slot', async () => {
    const rig = new Rig()
    await rig.ask(3)
    const { life, granted, returned, waiting } = rig.told.report
    // The first asked before the others came; they are told of with the next report.
    assert.deepEqual([life, granted, returned], [0, 0, 0])
    assert.deepEqual(waiting, [0, 0, 3, 0])
    await rig.answer({ life: 7, granted: 2, fence: 41 })
    assert.deepEqual([rig.permits.length, rig.permits[0]?.fence], [2, 41])
    assert.deepEqual(rig.gate.stats, { limit: 2, inflight: 2, queued: 1 })
  })

  it('S3.5 in strict order a slot for one here serves a better one that has come meanwhile, and does not go back first', async () => {
    const rig = new Rig({ order: 'strict' })
    await rig.ask(1, 2)
    await rig.answer({ life: 7, granted: 0, foreign: 3 })
    await rig.ask(1, 3)
    await rig.push({ life: 7, granted: 1, foreign: 3, turns: [1, 2, 1, 1] })
    assert.deepEqual(rig.gate.stats, { limit: 1, inflight: 1, queued: 1 })
    // With the next heartbeat, if with nothing before.
    await rig.answer({ life: 7, granted: 1, foreign: 3 })
    await rig.pass(600)
    const { returned, waiting } = rig.told.report
    assert.deepEqual([returned, waiting], [0, [0, 0, 1, 0]])
  })

  it('S3.5 a message that comes again or late grants nothing twice', async () => {
    const rig = await working(1)
    await rig.ask(3)
    await rig.push({ life: 7, granted: 2 })
    await rig.push({ life: 7, granted: 2 })
    await rig.push({ life: 7, granted: 1, number: 1 })
    assert.equal(rig.permits.length, 2)
    assert.equal(rig.gate.state.held, 2)
  })

  it('S3.5 a message for another registration is void', async () => {
    const rig = await working(1)
    await rig.ask(1)
    await rig.push({ life: 6, granted: 5 })
    assert.equal(rig.permits.length, 1)
  })

  it('S3.5 a late message lets nobody in after the lease, which it does not renew', async () => {
    const rig = await working(1)
    await rig.ask(1)
    await rig.pass(1850)
    await rig.push({ life: 7, granted: 2 })
    assert.equal(rig.permits.length, 2)
    const late = await working(1)
    await late.ask(1)
    await late.pass(1910)
    await late.push({ life: 7, granted: 2 })
    assert.equal(late.permits.length, 1)
  })

  it('S3.5 the lease counts from when the report was sent, not from when it was answered', async () => {
    const rig = new Rig()
    await rig.ask(1)
    await rig.pass(200)
    await rig.answer({ life: 7, granted: 1 })
    const { signal } = rig.permits[0]!
    await rig.pass(1690)
    assert.equal(signal.aborted, false)
    await rig.pass(20)
    assert.ok(signal.reason instanceof SlotLost)
    assert.equal(rig.gate.state.lapses, 1)
  })

  it('S3.5 forgotten by the coordinator it begins nothing until what is in use has been claimed', async () => {
    const rig = await working(3)
    await rig.ask(1)
    await rig.answer({ life: 0, granted: 0, status: 'unknown' })
    assert.equal(rig.gate.tryEnter().admitted, false)
    const { life, granted } = rig.told.report
    assert.deepEqual([life, granted], [0, 3])
    // Pushed for the old registration before it was forgotten: it is not part of the claim.
    await rig.push({ life: 7, granted: 4 })
    assert.equal(rig.permits.length, 3)
    rig.permits[0]!.release('success')
    await rig.answer({ life: 8, granted: 3 })
    // One of the three has ended since it was claimed: its slot is here and serves who waits.
    assert.equal(rig.permits.length, 4)
    assert.deepEqual([rig.gate.stats.inflight, rig.gate.state.held], [3, 3])
    assert.ok(!rig.permits[1]!.signal.aborted)
  })

  it('S3.5 a signal that is asked for when the slot has been lost tells of it', async () => {
    const rig = await working(2)
    await rig.pass(2100)
    assert.equal(rig.gate.state.lapses, 1)
    assert.ok(rig.permits[0]!.signal.reason instanceof SlotLost)
    await rig.answer({ life: 8, granted: 2 })
    rig.permits[1]!.release('success')
    await rig.ask(1)
    assert.equal(rig.permits.length, 3)
    assert.equal(rig.permits[2]!.signal.aborted, false)
    const open = await working(1, { onDown: 'open' })
    await open.pass(2100)
    assert.equal(open.permits[0]!.signal.aborted, false)
  })

  it('S3.5 forgotten, and its claim not answered while its lease would have lasted: what is in use is lost', async () => {
    const rig = await working(3)
    const { signal } = rig.permits[0]!
    await rig.pass(600)
    await rig.answer({ life: 0, granted: 0, status: 'unknown' })
    assert.deepEqual([rig.told.report.life, rig.told.report.granted], [0, 3])
    await rig.pass(1290)
    assert.equal(signal.aborted, false)
    await rig.pass(20)
    assert.ok(signal.reason instanceof SlotLost)
    assert.equal(rig.gate.state.lapses, 1)
    const claimed = await working(3)
    await claimed.pass(600)
    await claimed.answer({ life: 0, granted: 0, status: 'unknown' })
    await claimed.answer({ life: 8, granted: 3 })
    await claimed.pass(1500)
    assert.equal(claimed.permits[0]!.signal.aborted, false)
    await claimed.pass(500)
    assert.ok(claimed.permits[0]!.signal.aborted)
  })

  it('S3.5 a claim made before it was alone does not count once more may have begun', async () => {
    const rig = await working(1, { onDown: 'share' })
    await rig.pass(500)
    await rig.answer({ life: 7, granted: 1, sessions: 2 })
    await rig.ask(5)
    await rig.answer({ life: 0, granted: 0, status: 'unknown', sessions: 2 })
    const claims = rig.told.asked.length
    assert.deepEqual([rig.told.report.life, rig.told.report.granted], [0, 1])
    await rig.pass(260)
    assert.deepEqual([rig.gate.state.alone, rig.gate.state.inflight], [true, 4])
    await rig.answer({ life: 8, granted: 1 }, rig.told.asked.length - claims + 1)
    assert.equal(rig.gate.state.held, 0)
    assert.equal(rig.told.report.granted, 4)
    await rig.answer({ life: 9, granted: 4 })
    assert.equal(rig.gate.state.held, 4)
  })

  it('S3.5 of a limit that was lowered it gives back what falls free until the fleet is within it', async () => {
    const rig = await working(8)
    await rig.push({ life: 7, granted: 8, used: 8 })
    await rig.ask(4)
    await rig.answer({ life: 7, granted: 8, used: 8, limit: 7 })
    rig.permits[0]!.release('success')
    await settled()
    assert.deepEqual([rig.permits.length, rig.gate.state.held], [8, 7])
    await rig.answer({ life: 7, granted: 8, used: 7, limit: 7 })
    rig.permits[1]!.release('success')
    await settled()
    assert.deepEqual([rig.permits.length, rig.gate.state.held], [9, 7])
  })

  it('S3.5 a claim that is refused: counters begin anew, the work hears of it, and its slots are not counted', async () => {
    const rig = await working(3)
    const signals = rig.permits.map((permit) => permit.signal)
    await rig.ask(1)
    await rig.answer({ life: 0, granted: 0, status: 'unknown' })
    await rig.answer({ life: 8, granted: 0, status: 'refused' })
    assert.deepEqual(
      signals.map(({ reason }) => reason instanceof SlotLost),
      [true, true, true],
    )
    assert.equal(rig.gate.state.held, 0)
    for (const permit of rig.permits) permit.release('ignored')
    await settled()
    assert.deepEqual([rig.permits.length, rig.told.report.returned], [3, 0])
    await rig.push({ life: 8, granted: 1 })
    assert.equal(rig.permits.length, 4)
  })

  it('S3.5 of several registrations under way only the last counts', async () => {
    const rig = new Rig({ onDown: 'share' })
    await rig.ask(1)
    await rig.pass(760)
    assert.ok(rig.told.asked.length > 1)
    await rig.answer({ life: 7, granted: 1 }, 2)
    assert.equal(rig.permits.length, 0)
    await rig.answer({ life: 8, granted: 1 })
    assert.equal(rig.permits.length, 1)
  })

  it('S3.5 closed before it was answered, it gives back what that grants', async () => {
    const rig = new Rig()
    await rig.ask(3)
    rig.gate.close()
    await rig.answer({ life: 7, granted: 3 })
    const { life, granted, returned, leaves } = rig.told.report
    assert.deepEqual([life, granted, returned, leaves], [7, 3, 3, true])
    const reports = rig.told.asked.length
    await rig.answer({ life: 0, granted: 0 })
    await rig.pass(3000)
    assert.equal(rig.told.asked.length, reports)
  })

  it('S3.5 gives back what others wait for, at once', async () => {
    const rig = await working(2)
    await rig.push({ life: 7, granted: 2, foreign: 2, fair: 1 })
    await rig.pass(10)
    rig.permits[0]!.release('success')
    await settled()
    assert.equal(rig.told.report.returned, 1)
  })

  it('S3.5 keeps a slot for whoever is more important than those who wait elsewhere, not for the less important', async () => {
    for (const [priority, returned] of [
      [3, 0],
      [1, 1],
    ] as const) {
      const rig = await working(1)
      await rig.ask(1, priority)
      await rig.answer({ life: 7, granted: 1, foreign: 2, fair: 1 })
      await rig.pass(10)
      rig.permits[0]!.release('success')
      await settled()
      assert.deepEqual([rig.told.report.returned, rig.permits.length], [returned, 2 - returned])
    }
  })

  it('S3.5 falls silent when it has nothing and nobody waits', async () => {
    const rig = await working(1)
    rig.permits[0]!.release('success')
    for (let beat = 0; beat < 8; beat++) {
      await rig.pass(500)
      await rig.answer({ life: 7, granted: 1 }).catch(() => {})
    }
    assert.equal(rig.told.report.returned, 1)
    const before = rig.told.asked.length
    await rig.pass(5000)
    assert.ok(rig.told.asked.length <= before + 1)
    assert.equal(rig.clock.pending, 0)
  })

  it('S3.5 sheds whom it is told to, once, the newest of the class', async () => {
    const rig = await working(1)
    await rig.ask(3, 0)
    await rig.ask(1, 3)
    await rig.push({ life: 7, granted: 1, shed: [2, 0, 0, 0], number: 100 })
    await rig.push({ life: 7, granted: 1, shed: [2, 0, 0, 0], number: 100 })
    assert.deepEqual(rig.codes, ['queue_full', 'queue_full'])
    assert.equal(rig.gate.stats.queued, 2)
  })
})

describe('a coordinator that does not answer', () => {
  it('S3.5 a valid lease goes on; then closed refuses everybody, and aborts what is in use', async () => {
    const rig = await working(1)
    const { signal } = rig.permits[0]!
    await rig.pass(1850)
    assert.ok(!rig.gate.state.up)
    assert.ok(!rig.gate.state.alone && !signal.aborted)
    await rig.ask(1)
    await rig.pass(100)
    assert.ok(rig.gate.state.alone && signal.aborted)
    assert.deepEqual(rig.codes, ['breaker_open'])
    const verdict = rig.gate.tryEnter()
    assert.equal(verdict.admitted ? '' : verdict.code, 'breaker_open')
  })

  it('S3.5 its own deadline is 250 ms', async () => {
    const rig = new Rig()
    await rig.ask(1)
    await rig.pass(240)
    assert.ok(rig.gate.state.up)
    await rig.pass(20)
    assert.deepEqual([rig.gate.state.up, rig.codes], [false, ['breaker_open']])
    assert.equal(rig.gate.state.trouble, 'no answer within 250 ms')
  })

  it('S3.5 open lets everybody in and aborts nothing', async () => {
    const rig = await working(1, { onDown: 'open' })
    const { signal } = rig.permits[0]!
    await rig.pass(2100)
    await rig.ask(30)
    assert.deepEqual([rig.permits.length, signal.aborted], [31, false])
  })

  it('S3.5 share uses four fifths of its part, by as many instances as it knew of', async () => {
    const rig = new Rig({ onDown: 'share' })
    await rig.ask(1)
    await rig.answer({ life: 7, granted: 1, sessions: 2 })
    await rig.pass(2100)
    await rig.ask(30)
    // The others may have been heard after this one, and hold what they held until their leases end.
    assert.deepEqual([rig.gate.state.alone, rig.permits.length], [true, 1])
    await rig.pass(700)
    assert.equal(rig.permits.length, 4)
    const unknown = new Rig({ onDown: 'share' })
    await unknown.ask(30)
    await unknown.pass(300)
    assert.equal(unknown.permits.length, 0)
    const declared = new Rig({ onDown: 'share', instances: 4 })
    await declared.ask(30)
    await declared.pass(300)
    assert.equal(declared.permits.length, 2)
  })

  it('S3.5 share claims what may begin while the claim is under way, and never less than is in use', async () => {
    const rig = new Rig({ onDown: 'share' })
    await rig.ask(1)
    await rig.answer({ life: 7, granted: 1, sessions: 2 })
    await rig.pass(2100)
    assert.deepEqual([rig.gate.state.alone, rig.told.report.life], [true, 0])
    await rig.pass(700)
    assert.equal(rig.told.report.granted, 4)
    // Begun while the claim is on its way: with the answer all of them have slots.
    await rig.ask(30)
    assert.equal(rig.permits.length, 4)
    await rig.answer({ life: 8, granted: 4 })
    assert.deepEqual([rig.gate.state.held, rig.gate.state.inflight], [4, 4])
  })

  it('S3.5 bounds what it asks of a client that has no connection', async () => {
    const rig = new Rig({ onDown: 'share' })
    await rig.ask(1)
    await rig.pass(30_000)
    assert.ok(rig.told.asked.length <= 4, `${rig.told.asked.length}`)
  })

  it('S3.5 asks again, and is back with the first answer', async () => {
    const rig = new Rig({ onDown: 'share' })
    await rig.ask(1)
    rig.told.fail()
    await settled()
    assert.ok(rig.gate.state.alone)
    assert.equal(rig.gate.state.trouble, 'no connection')
    await rig.pass(600)
    await rig.answer({ life: 7, granted: 1 })
    assert.deepEqual([rig.gate.state.up, rig.permits.length], [true, 1])
  })

  it('S3.5 a process that stood still blames itself first', async () => {
    for (const [late, up] of [
      [5000, true],
      [50, true],
      [5, false],
    ] as const) {
      const clock = new JumpingClock()
      const gate = fleetSlots({ coordinator: new ToldCoordinator(), limit: 10, onDown: 'closed', clock })
      void gate.acquire().catch(() => {})
      await settled()
      // All timers are late at once, and an answer may lie in the socket.
      clock.jump(250 + late)
      assert.equal(gate.state.up, up)
    }
  })
})

describe('work of fleet slots', () => {
  it('S3.5 hears of a lost lease by its signal, and its caller by the promise', async () => {
    const rig = new Rig()
    const reasons: unknown[] = []
    const done = rig.gate.run(
      (signal) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            resolve()
          })
        }),
    )
    const refused = assert.rejects(done, SlotLost)
    await settled()
    await rig.answer({ life: 7, granted: 1 })
    await rig.pass(2000)
    await refused
    assert.ok(reasons[0] instanceof SlotLost)
    assert.equal(rig.gate.stats.inflight, 0)
  })

  it('stops for its own signal as well', async () => {
    const rig = new Rig()
    const leaving = new AbortController()
    const done = rig.gate.run((signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
      signal: leaving.signal,
    })
    const refused = assert.rejects(done, /enough/)
    await settled()
    await rig.answer({ life: 7, granted: 1 })
    leaving.abort(new Error('enough'))
    await refused
  })

  it('takes whole slots, and options that make sense', () => {
    const { gate } = new Rig()
    for (const cost of [0, 1.5, -1]) assert.throws(() => gate.tryEnter({ cost }), /arrival\.cost/)
    const wrong = { weights: { a: 0 } }
    assert.throws(() => new Rig(wrong), /fleetSlots\.weights\[a\]/)
    assert.throws(() => new Rig({ weights: { a: 2 }, order: 'strict' }), /fleetSlots\.weights/)
    assert.throws(
      () => fleetSlots({ coordinator: new ToldCoordinator(), limit: 0, onDown: 'open' }),
      /fleetSlots\.limit/,
    )
  })
})
