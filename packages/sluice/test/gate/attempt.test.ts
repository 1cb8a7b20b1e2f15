import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import {
  breaker,
  fifo,
  RejectedError,
  semaphore,
  type Gate,
  type Observer,
  type Outcome,
  type RunOptions,
  type Timer,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** One turn of the event loop: every promise that can settle has. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Virtual time with turns: what is asked for "at once" happens a thousandth of a ms later, when promises have settled. */
class TurningClock extends VirtualClock {
  override after(delay: number, run: () => void): Timer {
    return super.after(Math.max(0.001, delay), run)
  }
}

/** A gate of one slot, and what it is told. */
class Rig {
  readonly clock = new TurningClock(5000)
  readonly outcomes: Outcome[] = []
  overdue = 0
  readonly #observer: Observer = {
    released: (_arrival, outcome) => this.outcomes.push(outcome),
    overdue: () => this.overdue++,
  }
  readonly gate: Gate = semaphore({
    permits: 1,
    queue: fifo(),
    clock: this.clock,
    observer: this.#observer,
  })

  get inflight(): number {
    return this.gate.stats.inflight
  }

  /** Lets time pass, and whatever follows from that happen. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await turn()
    this.clock.advance(0.001)
    await turn()
  }

  assertClean(): void {
    assert.deepEqual(this.gate.stats, { limit: 1, inflight: 0, queued: 0 })
    assert.equal(this.gate.zombies, 0)
    assert.equal(this.clock.pending, 0)
  }
}

/** Work that ends when told to and does not listen, and what it was given. */
class Stubborn {
  signal: AbortSignal | undefined
  end!: () => void
  fail!: (error: Error) => void
  readonly work = (signal: AbortSignal): Promise<string> => {
    this.signal = signal
    return new Promise((resolve, reject) => {
      this.end = () => resolve('late')
      this.fail = reject
    })
  }
}

/** Work that stops when it is told to. */
const heeding = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

/** Watches a promise: how it ended, or that it has not. */
function watch(promise: Promise<unknown>): { readonly said: unknown } {
  const seen: { said: unknown } = { said: 'nothing yet' }
  promise.then(
    (value) => (seen.said = value),
    (error: unknown) => (seen.said = error),
  )
  return seen
}

const limits: readonly (readonly [string, (rig: Rig) => RunOptions])[] = [
  ['timeout', () => ({ timeout: 40 })],
  ['deadline', (rig) => ({ deadline: rig.clock.now() + 40 })],
  ['deadline before the timeout', (rig) => ({ deadline: rig.clock.now() + 40, timeout: 100 })],
  ['timeout before the deadline', (rig) => ({ deadline: rig.clock.now() + 100, timeout: 40 })],
]

describe('S0.10 S1.6 work over its time', () => {
  for (const [name, optionsOf] of limits)
    it(`S0.10 ${name}: its caller is answered at once, its signal is aborted, its slot is held until it has ended`, async () => {
      const rig = new Rig()
      const stubborn = new Stubborn()
      const seen = watch(rig.gate.run(stubborn.work, optionsOf(rig)))
      await rig.pass(39)
      assert.ok(!(seen.said instanceof Error) && !stubborn.signal!.aborted)
      await rig.pass(1)
      assert.ok(seen.said instanceof RejectedError && seen.said.code === 'deadline')
      assert.equal(stubborn.signal!.reason, seen.said)
      assert.deepEqual([rig.inflight, rig.gate.zombies, rig.overdue], [1, 1, 1])
      await rig.pass(1000)
      assert.deepEqual([rig.inflight, rig.gate.zombies, rig.overdue], [1, 1, 1], 'told once')
      assert.deepEqual(rig.outcomes, [])
      stubborn.end()
      await rig.pass(0)
      assert.deepEqual(rig.outcomes, ['dropped'])
      rig.assertClean()
    })

  it('S0.10 released at once where the user says so: the next one comes in, and the zombie is counted', async () => {
    const rig = new Rig()
    const stubborn = new Stubborn()
    const seen = watch(rig.gate.run(stubborn.work, { timeout: 40, overdue: 'release' }))
    const next = watch(rig.gate.run(async () => 'next'))
    await rig.pass(40)
    assert.ok(seen.said instanceof RejectedError)
    assert.equal(next.said, 'next')
    assert.deepEqual([rig.inflight, rig.gate.zombies, rig.overdue], [0, 1, 1])
    stubborn.end()
    await rig.pass(0)
    assert.deepEqual(rig.outcomes, ['dropped', 'success'], 'its end is not told again')
    rig.assertClean()
  })

  it('control: held, the next one waits', async () => {
    const rig = new Rig()
    const stubborn = new Stubborn()
    watch(rig.gate.run(stubborn.work, { timeout: 40 }))
    const next = watch(rig.gate.run(async () => 'next'))
    await rig.pass(40)
    assert.equal(next.said, 'nothing yet')
    stubborn.end()
    await rig.pass(0)
    assert.equal(next.said, 'next')
    rig.assertClean()
  })

  it('S0.10 work that heeds its signal is no zombie, and gives its slot back in the same turn', async () => {
    const rig = new Rig()
    const seen = watch(rig.gate.run(heeding, { timeout: 40 }))
    await rig.pass(40)
    assert.ok(seen.said instanceof RejectedError)
    assert.deepEqual([rig.overdue, rig.outcomes], [0, ['dropped']])
    rig.assertClean()
  })

  it('S0.10 a caller who leaves gets its own reason, and teaches nothing', async () => {
    const rig = new Rig()
    const leaver = new AbortController()
    const stubborn = new Stubborn()
    const seen = watch(rig.gate.run(stubborn.work, { signal: leaver.signal, timeout: 1000 }))
    await rig.pass(10)
    const reason = new Error('closed the tab')
    leaver.abort(reason)
    await rig.pass(0)
    assert.equal(seen.said, reason)
    assert.equal(stubborn.signal!.reason, reason)
    assert.equal(rig.gate.zombies, 1)
    stubborn.fail(new Error('ignored it, then broke'))
    await rig.pass(0)
    assert.deepEqual(rig.outcomes, ['ignored'])
    rig.assertClean()
  })

  it('S0.10 done in time: nothing is aborted, nothing is left behind', async () => {
    const rig = new Rig()
    const leaver = new AbortController()
    const options = { signal: leaver.signal, timeout: 1000 }
    let given: AbortSignal | undefined
    assert.equal(await rig.gate.run(async (signal) => ((given = signal), 'done'), options), 'done')
    await assert.rejects(
      rig.gate.run(() => Promise.reject(new Error('broke')), options),
      { message: 'broke' },
    )
    await assert.rejects(
      rig.gate.run((): never => {
        throw new Error('broke at once')
      }, options),
      { message: 'broke at once' },
    )
    assert.equal(await rig.gate.run(() => 'no promise at all', options), 'no promise at all')
    // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what is tried
    const thenable = { then: (resolve: (value: string) => void) => resolve('a thenable') } as PromiseLike<string>
    assert.equal(await rig.gate.run(() => thenable, options), 'a thenable')
    assert.equal(getEventListeners(leaver.signal, 'abort').length, 0)
    leaver.abort()
    assert.ok(!given!.aborted)
    assert.deepEqual(rig.outcomes, ['success', 'failure', 'failure', 'success', 'success'])
    rig.assertClean()
  })

  it('S0.10 called off, it leaves no listener and no timer either', async () => {
    for (const how of ['time', 'caller'] as const) {
      const rig = new Rig()
      const leaver = new AbortController()
      watch(rig.gate.run(heeding, { signal: leaver.signal, timeout: 10 }))
      assert.equal(getEventListeners(leaver.signal, 'abort').length, 1)
      if (how === 'caller') leaver.abort()
      await rig.pass(10)
      assert.equal(getEventListeners(leaver.signal, 'abort').length, 0)
      rig.assertClean()
    }
  })

  it('S0.10 a caller who left before its turn, or at the very moment of it, starts no work', async () => {
    for (const when of ['before', 'while waiting', 'after the permit was given'] as const) {
      const rig = new Rig()
      const leaver = new AbortController()
      const permit = await rig.gate.acquire()
      let started = 0
      if (when === 'before') leaver.abort(new Error('gone'))
      const seen = watch(rig.gate.run(() => started++, { signal: leaver.signal }))
      if (when === 'while waiting') leaver.abort(new Error('gone'))
      permit.release('success')
      leaver.abort(new Error('gone'))
      await rig.pass(0)
      assert.equal(started, 0, when)
      assert.ok(seen.said instanceof Error && seen.said.message === 'gone', when)
      assert.equal(getEventListeners(leaver.signal, 'abort').length, 0)
      rig.assertClean()
    }
  })

  it('S1.4 S0.10 late already, it is not started, whatever gate it passes', async () => {
    const clock = new VirtualClock(5000)
    const heard: Outcome[] = []
    const observer: Observer = { released: (_arrival, outcome) => heard.push(outcome) }
    for (const gate of [semaphore({ permits: 1, clock, observer }), breaker({ clock, observer })]) {
      let started = 0
      const run = gate.run(() => started++, { deadline: 5000 })
      await assert.rejects(run, (error: RejectedError) => error.code === 'deadline')
      assert.equal(started, 0, gate.name)
      assert.equal(gate.stats.inflight, 0)
      assert.equal(clock.pending, 0)
    }
    assert.deepEqual(
      heard.filter((outcome) => outcome !== 'ignored'),
      [],
      'work that never ran teaches nothing',
    )
  })

  it('S0.10 nothing that fails after its caller was answered surfaces as an unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const hear = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', hear)
    try {
      for (const overdue of ['hold', 'release'] as const) {
        const rig = new Rig()
        const stubborn = new Stubborn()
        watch(rig.gate.run(stubborn.work, { timeout: 10, overdue }))
        await rig.pass(10)
        stubborn.fail(new Error('late and broken'))
        await rig.pass(0)
        rig.assertClean()
      }
      await turn()
      // The runner, too, fails a test that leaves one behind.
      assert.deepEqual(unhandled, [])
    } finally {
      process.off('unhandledRejection', hear)
    }
  })

  it('S0.10 what an error teaches is asked once, and not about work that was called off', async () => {
    const rig = new Rig()
    let asked = 0
    const outcomeOf = (): Outcome => (asked++, 'ignored')
    await assert.rejects(rig.gate.run(() => Promise.reject(new Error('x')), { timeout: 10, outcomeOf }))
    assert.equal(asked, 1)
    watch(rig.gate.run(heeding, { timeout: 10, outcomeOf }))
    await rig.pass(10)
    assert.equal(asked, 1)
    assert.deepEqual(rig.outcomes, ['ignored', 'dropped'])
    rig.assertClean()
  })

  it('S1.6 a timeout of an hour passes no sooner, and a later one than any timer takes neither', async () => {
    const rig = new Rig()
    const stubborn = new Stubborn()
    const seen = watch(rig.gate.run(stubborn.work, { timeout: 1e12 }))
    await rig.pass(3_600_000)
    assert.ok(!stubborn.signal!.aborted)
    stubborn.end()
    await rig.pass(0)
    assert.equal(seen.said, 'late')
    rig.assertClean()
  })
})
