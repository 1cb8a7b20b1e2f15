import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectedError, seeded, type Millis } from '../../src/index.ts'
import { poolGuard, type HeldConnection, type PoolGuard, type PoolGuardOptions } from '../../src/pools/pg.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'
import { FakePool, type FakeClient, type FakePoolOptions } from './fake-pool.ts'

interface Rig {
  readonly clock: VirtualClock
  readonly pool: FakePool
  readonly guard: PoolGuard<FakeClient>
}

function rig(size: number, options: PoolGuardOptions = {}, fake: Partial<FakePoolOptions> = {}): Rig {
  const clock = new VirtualClock(7000)
  const pool = new FakePool({ size, clock, ...fake })
  return { clock, pool, guard: poolGuard(pool, { clock, ...options }) }
}

/** Lets time pass in small steps, and every promise settle in between. */
async function pass(clock: VirtualClock, duration: Millis, step: Millis = 1): Promise<void> {
  for (const end = clock.now() + duration; clock.now() < end;) {
    await settle()
    clock.advance(step)
  }
  await settle()
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return error instanceof RejectedError ? error.code : String(error)
  }
  return 'served'
}

describe('the guard of a pool', () => {
  it('S1.7 lets in as many as the pool has connections, lets as many wait, refuses the others at once', async () => {
    const { guard } = rig(50)
    const leases = await Promise.all(Array.from({ length: 50 }, () => guard.acquire()))
    const waiting = Array.from({ length: 50 }, () => guard.acquire())
    assert.equal(await codeOf(guard.acquire()), 'queue_full')
    assert.deepEqual(guard.stats, { limit: 50, inflight: 50, queued: 50, held: 50, abandoned: 0 })
    for (const lease of leases) lease.end('success')
    for (const lease of await Promise.all(waiting)) lease.end('success')
    assert.deepEqual(guard.stats, { limit: 50, inflight: 0, queued: 0, held: 0, abandoned: 0 })
  })

  it('S1.7 lets nobody wait longer than 3 s, for a turn and for the connection together', async () => {
    const { clock, guard } = rig(1, { heldTooLong: Infinity }, { takes: () => 2000 })
    const first = guard.acquire()
    const second = codeOf(guard.acquire())
    await pass(clock, 2500, 100)
    const lease = await first
    lease.end('success')
    await settle()
    // Its turn came after 2.5 s; opening takes 2 s more, of which it had 0.5.
    await pass(clock, 600, 100)
    assert.equal(await second, 'queue_timeout')
    assert.equal(guard.stats.inflight, 1, 'the connection is being opened, and counts')
    await pass(clock, 2000, 100)
    assert.equal(guard.stats.inflight, 0)
    assert.equal(clock.pending, 0)
  })

  it('S1.7 an error of opening costs nobody a slot', async () => {
    const { guard } = rig(1, {}, { fails: () => true })
    for (let time = 0; time < 3; time++) assert.equal(await codeOf(guard.acquire()), 'Error: no such server')
    assert.equal(guard.stats.inflight, 0)
  })

  it('S1.7 a connection whose setting-up hangs is closed in time', async () => {
    const { clock, pool, guard } = rig(1, { maxWait: 100 }, { prepares: () => 1e6 })
    const refused = codeOf(guard.acquire())
    await pass(clock, 110)
    assert.equal(await refused, 'queue_timeout')
    assert.deepEqual([guard.stats.inflight, pool.open], [0, 0])
  })

  it('S1.7 a slot is free only when its connection is closed, not when that is asked for', async () => {
    const { clock, guard } = rig(1, {}, { closes: () => 50 })
    const lease = await guard.acquire()
    lease.end('ignored', new Error('away with it'))
    lease.end('success')
    assert.deepEqual([guard.stats.held, guard.stats.inflight], [0, 1])
    await pass(clock, 60)
    assert.equal(guard.stats.inflight, 0)
  })

  it('S1.7 pressure: by connections, then by who waits and for how long', async () => {
    const { clock, guard } = rig(4, { maxWait: 1000 })
    const levels: number[] = []
    const leases = []
    for (let count = 0; count < 4; count++) {
      leases.push(await guard.acquire())
      levels.push(guard.pressure.value.level)
    }
    assert.deepEqual(levels, [0.25, 0.5, 0.75, 1])
    const waiting = codeOf(guard.acquire())
    assert.equal(guard.pressure.value.level, 1.25)
    await pass(clock, 800, 100)
    assert.deepEqual(guard.pressure.value, { level: 1.8, cause: 'pool wait' })
    await pass(clock, 300, 100)
    assert.equal(await waiting, 'queue_timeout')
    assert.equal(guard.pressure.value.level, 1)
    for (const lease of leases) lease.end('success')
    assert.equal(guard.pressure.value.level, 0)
  })

  it('S1.7 reports a connection that is held too long once, and goes on looking', async () => {
    const told: HeldConnection[] = []
    const { clock, guard } = rig(3, { heldTooLong: 100, onHeld: (held) => void told.push(held) })
    const first = await guard.acquire({ flow: 'a' })
    await pass(clock, 60, 10)
    const second = await guard.acquire({ flow: 'b' })
    await pass(clock, 60, 10)
    assert.deepEqual(
      told.map(({ flow }) => flow),
      ['a'],
    )
    await pass(clock, 60, 10)
    assert.deepEqual(
      told.map(({ flow }) => flow),
      ['a', 'b'],
    )
    assert.deepEqual(
      guard.held.map(({ flow }) => flow),
      ['a', 'b'],
    )
    first.end('success')
    second.end('success')
    assert.equal(guard.held.length, 0)
    await pass(clock, 200, 10)
    assert.equal(told.length, 2)
    assert.equal(clock.pending, 0)
  })

  it('S1.7 a report that throws does not stop the others', async () => {
    const surfaced: unknown[] = []
    let told = 0
    const { clock, guard } = rig(2, {
      heldTooLong: 10,
      onHeld: () => {
        told++
        throw new Error('of the hook')
      },
    })
    const leases = [await guard.acquire(), await guard.acquire()]
    for (let at = 0; at < 30; at++) {
      try {
        clock.advance(1)
      } catch (error) {
        surfaced.push(error)
      }
    }
    assert.deepEqual([told, surfaced.length], [2, 2])
    for (const lease of leases) lease.end('success')
  })

  it('S1.7 end: closes the gate it made, waits, calls off, and ends the pool', async () => {
    const { clock, pool, guard } = rig(1, { drain: 100, grace: 50 })
    const never = codeOf(guard.use(() => new Promise(() => undefined)))
    await settle()
    const waiting = codeOf(guard.acquire())
    const ended = guard.end()
    assert.equal(guard.end(), ended)
    assert.equal(await waiting, 'closed')
    await pass(clock, 90)
    assert.equal(pool.ended, false)
    await pass(clock, 70)
    assert.equal(await never, 'closed')
    await ended
    assert.deepEqual([pool.ended, pool.cancels, guard.stats.abandoned, guard.stats.inflight], [true, 1, 1, 0])
  })

  it('S1.7 refuses options that make no sense, and says which', () => {
    assert.throws(() => rig(0), /pool\.size/)
    assert.throws(() => rig(1, { maxWait: 0 }), /pool\.maxWait/)
    assert.throws(() => rig(1, { maxWaiting: 1.5 }), /pool\.maxWaiting/)
    assert.throws(() => rig(1, { heldTooLong: 0 }), /pool\.heldTooLong/)
    assert.throws(() => rig(1, { grace: Number.NaN }), /pool\.grace/)
    assert.throws(() => rig(1, { drain: -5 }), /pool\.drain/)
  })

  it('S1.7 refuses a timeout that makes no sense', async () => {
    assert.match(await codeOf(rig(1).guard.acquire({ timeout: Number.NaN })), /RangeError: entry\.timeout/)
  })

  it('S1.7 whatever callers, connections and chance do, nothing leaks and nothing is shared', async () => {
    const outcomes = new Map<string, number>()
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed)
      const upTo = (most: number): number => Math.floor(random() * most)
      const { clock, pool, guard } = rig(
        3,
        { maxWait: 30, maxWaiting: 4, grace: 20, heldTooLong: 40, onHeld: () => undefined },
        {
          takes: () => upTo(20),
          prepares: () => upTo(20),
          closes: () => upTo(10),
          fails: () => random() < 0.1,
        },
      )
      const calls: Promise<string>[] = []
      for (let at = 0; at < 60; at++) {
        calls.push(codeOf(caller(guard, clock, random)))
        await pass(clock, upTo(6))
      }
      await pass(clock, 300)
      for (const code of await Promise.all(calls)) outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      const { inflight, queued, held } = guard.stats
      assert.deepEqual(
        { inflight, queued, held, timers: clock.pending },
        { inflight: 0, queued: 0, held: 0, timers: 0 },
      )
      assert.ok(pool.most <= 3, `seed ${seed}: ${pool.most} connections`)
      assert.equal(pool.shared, 0, `seed ${seed}`)
    }
    // Every way out was taken, or this proves nothing.
    for (const code of [
      'served',
      'queue_full',
      'queue_timeout',
      'deadline',
      'Error: left',
      'Error: of the work',
      'Error: no such server',
    ])
      assert.ok((outcomes.get(code) ?? 0) > 5, `${code}: ${[...outcomes].join(' · ')}`)
  })

  it('S1.7 control: the same callers without a guard open connections without bound', async () => {
    const clock = new VirtualClock(7000)
    const pool = new FakePool({ size: 3, clock, takes: () => 20 })
    const random = seeded(1)
    const unguarded = Array.from({ length: 60 }, async () => {
      const client = await pool.take()
      await new Promise<void>((resolve) => clock.after(random() * 10, resolve))
      pool.give(client)
    })
    await pass(clock, 60)
    await Promise.all(unguarded)
    assert.ok(pool.most > 3)
  })
})

/** Somebody who does one of the things that callers do. */
async function caller(guard: PoolGuard<FakeClient>, clock: VirtualClock, random: () => number): Promise<void> {
  const later = (most: number): Promise<void> => new Promise((resolve) => clock.after(random() * most, resolve))
  const controller = new AbortController()
  const entry = {
    ...(random() < 0.3 && { timeout: random() * 15 }),
    ...(random() < 0.2 && { deadline: clock.now() + random() * 30 }),
    ...(random() < 0.3 && { signal: controller.signal }),
  }
  if ('signal' in entry) clock.after(random() * 30, () => controller.abort(new Error('left')))
  const work = async (): Promise<void> => {
    // Longer than the grace, now and then: it is taken away.
    await later(random() < 0.2 ? 60 : 12)
    if (random() < 0.2) throw new Error('of the work')
  }
  if (random() < 0.5) return guard.use(work, entry)
  const lease = await guard.acquire(entry)
  await work().catch((error: unknown) => lease.fail(error))
  lease.end('success')
  if (random() < 0.3) lease.end('failure', new Error('twice'))
}
