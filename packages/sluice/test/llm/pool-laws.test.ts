import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { seeded } from '../../src/ground/index.ts'
import { memoryBuckets, type BucketsCoordinator } from '../../src/coordinate/index.ts'
import { llmPool, provider, type LlmLease, type LlmPool } from '../../src/llm/index.ts'
import { distant } from './pool-load.ts'
import { StepClock } from './step-clock.ts'

const RPM = 120
const TPM = 60_000
/** What the pool keeps of each for one instant, and how long tokens may lie at hand, or be untold that came back. */
const SHARE = 0.9
const LEASE = 250

type Move =
  | { readonly kind: 'ask'; readonly pool: number; readonly input: number; readonly maxOutput: number }
  | { readonly kind: 'leave'; readonly which: number }
  | {
      readonly kind: 'end'
      readonly which: number
      readonly how: 'settle' | 'abandon' | 'refused'
      readonly part: number
    }
  | { readonly kind: 'pass'; readonly ms: number }

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      pool: fc.nat({ max: 2 }),
      input: fc.integer({ min: 0, max: 5000 }),
      maxOutput: fc.integer({ min: 0, max: 5000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat({ max: 50 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat({ max: 50 }),
      how: fc.constantFrom('settle' as const, 'abandon' as const, 'refused' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
)

/** What was let in, when, and what came back of it. */
interface Entry {
  readonly at: number
  readonly requests: number
  readonly tokens: number
}

/** Plays a script on three pools that share a store, and audits it exactly. */
async function play(
  script: readonly Move[],
  wrap = (store: BucketsCoordinator): BucketsCoordinator => store,
): Promise<void> {
  const clock = new StepClock()
  const store = wrap(distant(memoryBuckets({ clock }), clock, 1))
  const modes = { tokens: 'reserve-refund' } as const
  const limits = [provider.openai({ model: 'm', rpm: RPM, tpm: TPM, modes })]
  const pools: LlmPool[] = [1, 2, 3].map((seed) =>
    llmPool({ limits, store, clock, random: seeded(seed), queue: { max: 20, maxWait: 100_000 } }),
  )
  const audit: Entry[] = []
  const open: LlmLease[] = []
  const waiting = new Map<number, AbortController>()
  let [asked, answered] = [0, 0]
  for (const step of script)
    if (step.kind === 'ask') {
      const number = asked++
      const leaving = new AbortController()
      waiting.set(number, leaving)
      const { input, maxOutput, pool } = step
      pools[pool]!.acquire({ model: 'm', input, maxOutput, signal: leaving.signal }).then(
        (lease) => {
          answered++
          waiting.delete(number)
          const { requests, tokens } = lease.taken
          // All of it or nothing of any.
          assert.ok(requests === 1 && tokens !== undefined && tokens >= (input + maxOutput) / 2 - 1, 'half was taken')
          audit.push({ at: clock.now(), requests, tokens })
          open.push(lease)
        },
        () => {
          answered++
          waiting.delete(number)
        },
      )
      await clock.pass(0)
    } else if (step.kind === 'leave') [...waiting.values()][step.which]?.abort()
    else if (step.kind === 'pass') await clock.pass(step.ms)
    else {
      const [lease] = open.splice(step.which, 1)
      if (lease === undefined) continue
      const input = lease.taken.tokens! * 0.2
      const output = lease.taken.tokens! * 0.6 * step.part
      if (step.how === 'settle') lease.settle({ input, output })
      else if (step.how === 'abandon') lease.abandon({ input, output })
      else lease.refused({ status: 400, body: '{}' })
      const left = step.how === 'refused' ? 0 : input + output
      audit.push({ at: clock.now(), requests: 0, tokens: Math.min(0, left - lease.taken.tokens!) })
    }
  for (let rest = 0; rest < 30; rest++) {
    for (const lease of open.splice(0)) lease.abandon()
    await clock.pass(5000)
  }
  const [first] = pools
  for (const pool of pools) void pool.close()
  await clock.pass(1000)
  // Every acquire ends.
  assert.equal(answered, asked)
  assert.ok(pools.every((pool) => pool.status()[0]!.inflight === 0 && pool.status()[0]!.queued === 0))
  assert.equal(first!.status()[0]!.store, 'up')
  auditWindows(audit)
}

/**
 * Over every stretch of time no more was let in, less what came back in it, than was saved up and came in. What came back
 * just before is told a moment later: it may count as come back in it.
 */
function auditWindows(audit: readonly Entry[]): void {
  for (const [name, limit] of [
    ['requests', RPM],
    ['tokens', TPM],
  ] as const)
    for (let from = 0; from < audit.length; from++) {
      let sum = 0
      for (let late = from - 1; late >= 0 && audit[late]!.at >= audit[from]!.at - LEASE; late--)
        sum += Math.min(0, audit[late]![name])
      for (let to = from; to < audit.length; to++) {
        sum += audit[to]![name]
        const allowed = SHARE * limit + (limit / 60_000) * (audit[to]!.at - audit[from]!.at + LEASE)
        assert.ok(
          sum <= allowed + 1e-3,
          `${sum} ${name} in ${audit[to]!.at - audit[from]!.at} ms, ${allowed} were allowed`,
        )
      }
    }
}

const scripts = fc.array(move, { minLength: 20, maxLength: 80 })

describe('S2.1 laws of the pool', () => {
  it('S2.1 never lets in too much, takes all or nothing, answers everybody', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, (script) => play(script)),
      { numRuns: 100, seed: 11, endOnFailure: true },
    )
  })

  it('S2.1 control: the audit notices a store that grants what there is not', async () => {
    const generous = (store: BucketsCoordinator): BucketsCoordinator => ({
      open: (...args) => {
        const account = store.open(...args)
        return {
          state: async (statement) => {
            const grant = await account.state(statement)
            return {
              ...grant,
              granted: true,
              retryAfter: 0,
              level: grant.level.map((level, at) => Math.max(level, statement.need[at]!)),
            }
          },
          close: () => account.close(),
        }
      },
    })
    await assert.rejects(
      fc.assert(
        fc.asyncProperty(scripts, (script) => play(script, generous)),
        { numRuns: 40, seed: 11, endOnFailure: true },
      ),
      (error) => /were allowed/.test(String((error as Error).cause)),
    )
  })

  it('S2.1 control: the audit notices one bucket for each process', async () => {
    const apart = (store: BucketsCoordinator): BucketsCoordinator => ({
      open: (budget, tenant, session, noticed) => store.open({ ...budget, name: session }, tenant, session, noticed),
    })
    await assert.rejects(
      fc.assert(
        fc.asyncProperty(scripts, (script) => play(script, apart)),
        { numRuns: 40, seed: 11, endOnFailure: true },
      ),
      (error) => /were allowed/.test(String((error as Error).cause)),
    )
  })
})
