import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { fifo, RejectedError, Rejection, semaphore, series, tally, type Gate, type Tally } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

function rig(permits = 1): { clock: VirtualClock; gate: Gate; counts: Tally } {
  const clock = new VirtualClock(5000)
  const counts = tally()
  const queue = fifo({ capacity: 5, maxWait: 1000 })
  return { clock, counts, gate: semaphore({ permits, queue, clock, observer: counts, name: 'api' }) }
}

/** A promise and what settles it. */
function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

describe('run', () => {
  it('gives the result, and a success', async () => {
    const { gate, counts } = rig()
    assert.equal(await gate.run(() => 5), 5)
    assert.equal(await gate.run(async () => 'later'), 'later')
    assert.equal(counts.releasesBy.success, 2)
    assert.equal(gate.stats.inflight, 0)
  })

  it('throws what the work throws: a failure', async () => {
    const { gate, counts } = rig()
    await assert.rejects(
      gate.run(() => {
        throw new Error('at once')
      }),
      /at once/,
    )
    await assert.rejects(
      gate.run(() => Promise.reject(new Error('later'))),
      /later/,
    )
    assert.equal(counts.releasesBy.failure, 2)
    assert.equal(gate.stats.inflight, 0)
  })

  it('takes a refusal from further in for a loss', async () => {
    const { gate, counts } = rig()
    const refusal = new RejectedError(new Rejection('limit_exceeded', 'database', 2, 1))
    await assert.rejects(
      gate.run(() => Promise.reject(refusal)),
      refusal,
    )
    assert.equal(counts.releasesBy.dropped, 1)
  })

  it('lets the user say what an error teaches', async () => {
    const { gate, counts } = rig()
    await assert.rejects(
      gate.run(() => Promise.reject(new Error('404')), { outcomeOf: () => 'success' }),
      /404/,
    )
    assert.equal(counts.releasesBy.success, 1)
  })

  it('throws the refusal when it is not let in, and does no work', async () => {
    const { gate } = rig()
    gate.tryEnter()
    let worked = false
    await assert.rejects(
      gate.run(() => (worked = true), { maxWait: 0 }),
      (error) => error instanceof RejectedError && error.code === 'limit_exceeded' && error.rejection.gate === 'api',
    )
    assert.equal(worked, false)
  })

  it('S0.10 a deadline aborts the work, answers the caller, and the slot comes back when the work has ended', async () => {
    const { clock, gate, counts } = rig()
    const work = pending<void>()
    let seen: AbortSignal | undefined
    const running = gate.run(
      (signal) => {
        seen = signal
        return work.promise
      },
      { deadline: clock.now() + 50 },
    )
    await settled()
    clock.advance(49)
    assert.equal(seen?.aborted, false)
    clock.advance(1)
    assert.equal(seen?.aborted, true)
    await assert.rejects(running, { name: 'RejectedError', code: 'deadline' })
    assert.equal(gate.stats.inflight, 1)
    work.reject(seen?.reason)
    await settled()
    assert.equal(gate.stats.inflight, 0)
    assert.equal(counts.releasesBy.dropped, 1)
    assert.equal(clock.pending, 0)
  })

  it('S0.10 the deadline of work in a series is on the clock of its gates', async () => {
    const { clock, gate } = rig()
    const work = pending<void>()
    const running = series(gate).run((_signal) => work.promise, { deadline: clock.now() + 50 })
    await settled()
    clock.advance(50)
    await assert.rejects(running, { code: 'deadline' })
    work.resolve()
  })

  it('S0.10 work that goes on all the same is reported, and the count stays true', async () => {
    const { clock, gate } = rig()
    const work = pending<void>()
    const running = gate.run(() => work.promise, { timeout: 10 })
    await settled()
    clock.advance(10)
    await assert.rejects(running, { code: 'deadline' })
    clock.advance(0)
    assert.deepEqual([gate.zombies, gate.stats.inflight], [1, 1])
    work.resolve()
    await settled()
    assert.deepEqual([gate.zombies, gate.stats.inflight], [0, 0])
  })

  it('S0.10 with overdue release the slot comes back at once, and only once', async () => {
    const { clock, gate } = rig()
    const work = pending<void>()
    const running = gate.run(() => work.promise, { timeout: 10, overdue: 'release' })
    await settled()
    clock.advance(10)
    await assert.rejects(running, { code: 'deadline' })
    assert.equal(gate.stats.inflight, 0)
    gate.tryEnter()
    work.resolve()
    await settled()
    assert.equal(gate.stats.inflight, 1)
  })

  it('an abort by the caller reaches the work and teaches nothing', async () => {
    const { gate, counts } = rig()
    const leaving = new AbortController()
    const running = gate.run(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      { signal: leaving.signal },
    )
    await settled()
    leaving.abort(new Error('left'))
    await assert.rejects(running, /left/)
    await settled()
    assert.equal(counts.releasesBy.ignored, 1)
    assert.equal(gate.stats.inflight, 0)
  })

  it('does not begin for a caller who has left', async () => {
    const { gate } = rig()
    let worked = false
    await assert.rejects(
      gate.run(() => (worked = true), { signal: AbortSignal.abort(new Error('left')) }),
      /left/,
    )
    assert.equal(worked, false)
    assert.equal(gate.stats.inflight, 0)
  })

  it('S1.4 does not begin for a caller who leaves between being let in and beginning', async () => {
    const { gate } = rig()
    const first = gate.tryEnter()
    const leaving = new AbortController()
    let worked = false
    const running = gate.run((_signal) => (worked = true), { signal: leaving.signal })
    if (first.admitted) first.release('success')
    leaving.abort(new Error('left'))
    await assert.rejects(running, /left/)
    assert.equal(worked, false)
    assert.equal(gate.stats.inflight, 0)
  })

  it('leaves no listener and no timer behind, however it ends', async () => {
    const { clock, gate } = rig()
    const { signal } = new AbortController()
    const options = { signal, deadline: clock.now() + 1000 }
    for (const work of [() => 1, async () => 1, () => Promise.reject(new Error('x'))]) {
      await gate.run(work, options).catch(() => {})
      assert.equal(listeners(signal), 0)
      assert.equal(clock.pending, 0)
    }
  })
})

describe('acquire', () => {
  it('leaves no listener behind, whether let in, refused, timed out or closed', async () => {
    const { clock, gate } = rig()
    const { signal } = new AbortController()
    const permit = await gate.acquire({ signal })
    assert.equal(listeners(signal), 0)
    const next = gate.acquire({ signal })
    assert.equal(listeners(signal), 1)
    permit.release('success')
    const second = await next
    assert.equal(listeners(signal), 0)
    const late = gate.acquire({ signal, maxWait: 10 })
    clock.advance(10)
    await assert.rejects(late, { code: 'queue_timeout' })
    assert.equal(listeners(signal), 0)
    const closed = gate.acquire({ signal })
    gate.close()
    await assert.rejects(closed, { code: 'closed' })
    assert.equal(listeners(signal), 0)
    second.release('success')
  })

  it('throws the reason of a signal that is aborted already, and asks nobody', async () => {
    const { gate, counts } = rig()
    await assert.rejects(gate.acquire({ signal: AbortSignal.abort(new Error('left')) }), /left/)
    assert.equal(counts.admissions + counts.rejections, 0)
  })

  it('keeps the permit of who is let in, whatever the signal says later', async () => {
    const { gate } = rig()
    const leaving = new AbortController()
    const permit = await gate.acquire({ signal: leaving.signal })
    leaving.abort()
    assert.equal(gate.stats.inflight, 1)
    permit.release('success')
    assert.equal(gate.stats.inflight, 0)
  })
})
