import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  breaker,
  consecutive,
  defineGate,
  fifo,
  fixed,
  limiter,
  RejectedError,
  Rejection,
  semaphore,
  series,
  shedder,
  tokenBucket,
  type Breaker,
  type BreakerRule,
  type Gate,
  type GateCore,
  type Outcome,
  type Permit,
  type Pressure,
  type RunOptions,
  type Signal,
  type TokenBucket,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { gateLaws } from '../../src/testing/index.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const calm: Signal<Pressure> = {
  value: { level: 0, cause: 'calm' },
  subscribe: () => ({ [Symbol.dispose]() {} }),
}

/** A gate that does as it is told, and counts. */
class Scripted implements GateCore {
  readonly name = 'scripted'
  readonly pressure = calm
  readonly stats = { limit: Infinity, inflight: 0, queued: 0 }
  does: 'admit' | 'refuse' | 'throw' = 'admit'
  admitted = 0
  readonly ended: Outcome[] = []

  enter(): Permit | Rejection {
    if (this.does === 'throw') throw new Error('a gate broke')
    if (this.does === 'refuse') return new Rejection('shed', this.name, 1, 0)
    this.admitted++
    let open = true
    return {
      admitted: true,
      waited: 0,
      release: (outcome) => {
        if (open) this.ended.push(outcome)
        open = false
      },
      [Symbol.dispose]() {
        this.release('ignored')
      },
    }
  }

  close(): void {}
}

/** The pipeline of S2.8, with a scripted gate at one place. */
class Pipeline {
  readonly clock = new VirtualClock(5000)
  readonly recorded: boolean[] = []
  readonly scripted = new Scripted()
  readonly breaker: Breaker
  readonly bucket: TokenBucket
  readonly limiter: Gate
  readonly gate: Gate

  constructor(place: number) {
    const { clock } = this
    const inner = consecutive(1000)
    const rule: BreakerRule = {
      ...inner,
      record: (ok, now) => {
        this.recorded.push(ok)
        return inner.record(ok, now)
      },
    }
    this.breaker = breaker({ clock, rule })
    this.bucket = tokenBucket({ tokens: 100, capacity: 100, clock, queue: fifo() })
    this.limiter = limiter({ clock, limit: fixed(2), queue: fifo({ capacity: 3, maxWait: 100 }) })
    const parts = [this.breaker, shedder({ pressure: calm }), this.bucket, this.limiter]
    parts.splice(place, 0, defineGate(this.scripted))
    this.gate = series(...(parts as [Gate, ...Gate[]]))
  }

  async pass(ms: number): Promise<void> {
    await turn()
    this.clock.advance(ms)
    await turn()
    this.clock.advance(0)
    await turn()
  }

  assertEmpty(): void {
    assert.deepEqual(this.limiter.stats, { limit: 2, inflight: 0, queued: 0 })
    assert.equal(this.breaker.stats.inflight, 0)
    assert.equal(this.bucket.stats.queued, 0)
    assert.equal(this.scripted.ended.length, this.scripted.admitted, 'what was let in has ended, once')
    assert.equal(this.gate.zombies, 0)
    assert.equal(this.clock.pending, 0)
  }
}

type Work = (signal: AbortSignal) => Promise<string> | string

/** How a piece of work may end, and what must be recorded. */
const endings: readonly (readonly [string, Work, RunOptions, readonly boolean[], Outcome])[] = [
  ['a result', async () => 'fine', {}, [true], 'success'],
  ['a result at once', () => 'fine', { timeout: 50 }, [true], 'success'],
  ['an error', () => Promise.reject(new Error('broke')), { timeout: 50 }, [false], 'failure'],
  [
    'an error thrown at once',
    () => {
      throw new Error('broke')
    },
    {},
    [false],
    'failure',
  ],
  [
    'a refusal from further in',
    () => Promise.reject(new RejectedError(new Rejection('shed', 'downstream', 1, 0))),
    {},
    [false],
    'dropped',
  ],
  [
    'no end in time',
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    { timeout: 50 },
    [false],
    'dropped',
  ],
  [
    'an error that does not count',
    () => Promise.reject(new Error('404')),
    { outcomeOf: () => 'ignored' },
    [],
    'ignored',
  ],
]

describe('S2.8 one pipeline: breaker, shedder, rate, concurrency, timeout, work', () => {
  for (const [name, work, options, recorded, outcome] of endings)
    it(`S2.8 ${name} is recorded once, and every slot comes back`, async () => {
      const pipeline = new Pipeline(4)
      const run = pipeline.gate.run(work, options).catch(() => {})
      await pipeline.pass(60)
      await run
      assert.deepEqual(pipeline.recorded, recorded)
      assert.deepEqual(pipeline.scripted.ended, [outcome])
      pipeline.assertEmpty()
    })

  for (const place of [0, 1, 2, 3, 4])
    for (const does of ['throw', 'refuse'] as const)
      it(`S2.8 a gate at place ${place} that would ${does} leaks nothing and records nothing`, async () => {
        const pipeline = new Pipeline(place)
        pipeline.scripted.does = does
        for (let call = 0; call < 5; call++) {
          const run = pipeline.gate.run(async () => 'never', { timeout: 50 })
          await assert.rejects(run, does === 'throw' ? { message: 'a gate broke' } : { code: 'shed' })
          assert.throws(() => {
            const verdict = pipeline.gate.tryEnter()
            if (!verdict.admitted) throw new RejectedError(verdict)
          })
        }
        assert.deepEqual(pipeline.recorded, [])
        assert.equal(pipeline.bucket.available, 100, 'tokens of those who never came in are back')
        pipeline.assertEmpty()
        pipeline.scripted.does = 'admit'
        assert.equal(await pipeline.gate.run(async () => 'fine'), 'fine')
      })

  it('S2.8 a gate that would refuse those who have waited further out leaks nothing', async () => {
    const pipeline = new Pipeline(4)
    const running = [pipeline.gate.tryEnter(), pipeline.gate.tryEnter()] as Permit[]
    const waiting = pipeline.gate.acquire()
    pipeline.scripted.does = 'refuse'
    running[0]!.release('success')
    await assert.rejects(waiting, { code: 'shed' })
    running[1]!.release('success')
    pipeline.assertEmpty()
  })

  it('S2.8 a gate that would throw at those who have waited further out leaks nothing, and they are answered', async () => {
    const pipeline = new Pipeline(4)
    const running = [pipeline.gate.tryEnter(), pipeline.gate.tryEnter()] as Permit[]
    let answered = 0
    pipeline.gate.enter({}, () => answered++)
    pipeline.scripted.does = 'throw'
    running[0]!.release('success')
    // The error itself surfaces by the clock, as that of any callback does.
    assert.throws(() => pipeline.clock.advance(0), { message: 'a gate broke' })
    running[1]!.release('success')
    assert.equal(answered, 1, 'it waits for ever')
    pipeline.assertEmpty()
  })

  it('S2.8 more than a bucket further in can ever hold is an error at once, and not after a wait', async () => {
    const clock = new VirtualClock()
    const slots = semaphore({ permits: 1, queue: fifo(), clock })
    const gate = series(slots, tokenBucket({ tokens: 10, clock }))
    const permit = gate.tryEnter() as Permit
    const clear = { name: 'RangeError', message: /arrival\.cost/ }
    await assert.rejects(Promise.race([gate.acquire({ cost: 11 }), turn()]), clear)
    permit.release('success')
    assert.deepEqual(slots.stats, { limit: 1, inflight: 0, queued: 0 })
    assert.equal(clock.pending, 0)
  })

  it('S2.8 outcomeOf that throws costs nobody a slot', async () => {
    const outcomeOf = (): Outcome => {
      throw new Error('the judge broke')
    }
    const unhandled: unknown[] = []
    const hear = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', hear)
    try {
      for (const options of [{ outcomeOf }, { outcomeOf, timeout: 50 }]) {
        const pipeline = new Pipeline(4)
        await assert.rejects(
          pipeline.gate.run(() => Promise.reject(new Error('broke')), options),
          { message: 'broke' },
        )
        pipeline.assertEmpty()
        assert.deepEqual(pipeline.recorded, [false])
      }
      await turn()
      assert.deepEqual(unhandled, [])
    } finally {
      process.off('unhandledRejection', hear)
    }
  })

  it('S2.8 whatever comes in whatever order: each end recorded once, nothing left behind', async () => {
    const step = fc.record({
      does: fc.constantFrom('run', 'run', 'run', 'pass', 'abort', 'switch'),
      ending: fc.nat({ max: endings.length - 1 }),
      scripted: fc.constantFrom<Scripted['does']>('admit', 'admit', 'refuse'),
      overdue: fc.constantFrom<'hold' | 'release'>('hold', 'release'),
      place: fc.nat({ max: 9 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 4 }),
        fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
        async (place, steps) => {
          const pipeline = new Pipeline(place)
          const leavers: AbortController[] = []
          const runs: Promise<unknown>[] = []
          for (const { does, ending, scripted, overdue, place: who } of steps)
            if (does === 'run') {
              const [, work, options] = endings[ending]!
              const leaver = new AbortController()
              leavers.push(leaver)
              runs.push(pipeline.gate.run(work, { ...options, signal: leaver.signal, overdue }).catch(() => {}))
            } else if (does === 'abort') leavers[who % leavers.length]?.abort()
            else if (does === 'switch') pipeline.scripted.does = scripted
            else await pipeline.pass(20)
          for (let round = 0; round < 10; round++) await pipeline.pass(60)
          await Promise.all(runs)
          const { ended } = pipeline.scripted
          const counted = ended.filter((outcome) => outcome !== 'ignored').length
          assert.equal(pipeline.recorded.length, counted)
          pipeline.assertEmpty()
        },
      ),
      { numRuns: 60, seed: 28 },
    )
  })
})

gateLaws(
  'S2.8 the pipeline',
  { describe, it },
  fc,
  ({ clock }) =>
    series(
      breaker({ clock, rule: consecutive(3), openFor: 20 }),
      shedder({ pressure: calm }),
      tokenBucket({ tokens: 20, per: 100, capacity: 10, clock }),
      limiter({ clock, limit: fixed(2), queue: fifo({ capacity: 3, maxWait: 100 }) }),
    ),
  { context: new AsyncLocalStorage(), runs: 200 },
)
