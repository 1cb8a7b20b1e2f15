import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fifo,
  semaphore,
  tally,
  type Arrival,
  type Gate,
  type Observer,
  type Outcome,
  type Tally,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

interface Rig {
  readonly clock: VirtualClock
  readonly gate: Gate
  readonly counts: Tally
  readonly free: () => void
}

/** A gate whose only slot is taken. */
function taken(): Rig {
  const clock = new VirtualClock(1000)
  const counts = tally()
  const gate = semaphore({ permits: 1, queue: fifo(), clock, observer: counts })
  const permit = gate.tryEnter()
  assert.ok(permit.admitted)
  return { clock, gate, counts, free: () => permit.release('ignored') }
}

describe('run, for one who waits', () => {
  it('S0.10 who leaves is answered at once, with its own reason, and its place is free', async () => {
    const { gate } = taken()
    const caller = new AbortController()
    const reason = new Error('gone')
    const call = gate.run(() => assert.fail('begun'), { signal: caller.signal })
    assert.equal(gate.stats.queued, 1)
    caller.abort(reason)
    assert.equal(gate.stats.queued, 0)
    await assert.rejects(call, reason)
  })

  it('S0.10 its time limit begins when it is let in', async () => {
    const { clock, gate, free } = taken()
    const call = gate.run(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      {
        timeout: 10,
      },
    )
    const rejected = assert.rejects(call, { code: 'deadline' })
    clock.advance(100)
    free()
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    assert.equal(gate.stats.inflight, 1)
    clock.advance(10)
    await rejected
    assert.equal(gate.stats.inflight, 0)
  })

  it('S0.10 is called off at its deadline, and reported as it asked, whether anybody watches or not', async () => {
    const overdue: Arrival[] = []
    const observers: readonly Observer[] = [{}, { overdue: (arrival) => overdue.push(arrival) }]
    for (const observer of observers) {
      const clock = new VirtualClock(1000)
      const gate = semaphore({ permits: 1, queue: fifo(), clock, observer })
      const permit = gate.tryEnter()
      assert.ok(permit.admitted)
      const call = gate.run(() => new Promise(() => {}), { deadline: 1100.5, flow: 'acme', priority: 3 })
      const rejected = assert.rejects(call, { code: 'deadline' })
      clock.advance(50)
      permit.release('success')
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
      assert.deepEqual([clock.now(), gate.stats.inflight, gate.zombies], [1050, 1, 0])
      clock.advance(50.5)
      await rejected
      clock.advance(0)
      assert.equal(gate.zombies, 1)
    }
    assert.deepEqual(overdue, [{ deadline: 1100.5, flow: 'acme', priority: 3 }])
  })

  it('is asked what its error teaches, as who is let in at once is', async () => {
    const { gate, counts, free } = taken()
    const outcomeOf = (): Outcome => 'dropped'
    const call = gate.run(() => Promise.reject(new Error('busy')), { outcomeOf })
    free()
    await assert.rejects(call, /busy/)
    assert.equal(counts.releasesBy.dropped, 1)
  })

  it('a judge that breaks leaves the work a failure', async () => {
    const { gate, counts, free } = taken()
    free()
    const outcomeOf = (): Outcome => {
      throw new Error('the judge')
    }
    await assert.rejects(
      gate.run(() => Promise.reject(new Error('the work')), { outcomeOf }),
      /the work/,
    )
    assert.equal(counts.releasesBy.failure, 1)
    assert.equal(gate.stats.inflight, 0)
  })
})

describe('run, timed', () => {
  it('S0.10 gives whatever the work gives: only what has a `then` to call is waited for', async () => {
    const { gate, free } = taken()
    free()
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is being tried
    const values = [undefined, null, 0, '', 'then', Symbol('then'), { then: 5 }, (): number => 1, 7n]
    for (const value of values) assert.equal(await gate.run(() => value, { timeout: 60_000 }), value)
    // oxlint-disable-next-line unicorn/no-thenable -- so is this
    const callable = Object.assign((): void => {}, { then: (tell: (value: string) => void) => tell('waited for') })
    assert.equal(await gate.run(() => callable as unknown as PromiseLike<string>, { timeout: 60_000 }), 'waited for')
  })

  it('S0.10 work that cannot be stopped gets a signal of its own, which it may listen to for ever', async () => {
    const { gate, free } = taken()
    free()
    const signals = new Set<AbortSignal>()
    for (let time = 0; time < 3; time++) await gate.run((signal) => void signals.add(signal))
    assert.equal(signals.size, 3)
    const unlistening = function (): AbortSignal {
      return arguments[0] as AbortSignal
    }
    assert.equal(await gate.run(unlistening), await gate.run(unlistening), 'work that declares none shares one')
  })

  it('S0.10 called off once, it is not called off again', async () => {
    const { clock, gate, free, counts } = taken()
    free()
    const caller = new AbortController()
    const reason = new Error('gone')
    const aborts: unknown[] = []
    let end: () => void = () => {}
    const call = gate.run(
      (signal) => {
        signal.addEventListener('abort', () => aborts.push(signal.reason))
        return new Promise<void>((resolve) => (end = resolve))
      },
      { signal: caller.signal, timeout: 10 },
    )
    const rejected = assert.rejects(call, reason)
    caller.abort(reason)
    clock.advance(100)
    await rejected
    assert.equal(gate.zombies, 1)
    assert.equal(clock.pending, 0, 'no timer is left')
    end()
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    assert.deepEqual(aborts, [reason])
    assert.deepEqual([gate.zombies, gate.stats.inflight], [0, 0])
    assert.equal(counts.releasesBy.ignored, 2, 'as one whose caller has left, not as one that was late')
  })

  it('S0.10 the refusal of one that is late says since when', async () => {
    const { clock, gate, free } = taken()
    free()
    const late = assert.rejects(
      gate.run(() => new Promise(() => {}), { deadline: 1010 }),
      ({ rejection }: { rejection: { load: number; limit: number } }) =>
        rejection.load === 1010 && rejection.limit === 1010,
    )
    clock.advance(10)
    await late
  })
})
