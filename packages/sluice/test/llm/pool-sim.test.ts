import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type Random } from '../../src/ground/index.ts'
import { llmPool, provider, type ModelLimits } from '../../src/llm/index.ts'
import { cachedCall, openEndedCall, ordinaryCall, playLoad, type LoadOptions, type LoadResult } from './pool-load.ts'
import { promptBound, SCENES, silent, type Scene } from './pool-scenes.ts'
import type { Call, Counting, LimitModel, ProviderModel } from './provider-model.ts'
import { StepClock } from './step-clock.ts'

/** Two minutes of virtual time after one of warming up. The whole table, ten minutes long, is `npm run bench -- llm-pool`. */
const MINUTES = 2 * 60_000
const openai = SCENES['openai']!

const load = (scene: Scene, more: Partial<LoadOptions> = {}): Promise<LoadResult> =>
  playLoad({ scene, processes: 4, callers: 240, duration: MINUTES, seed: 3, ...more })

describe('S2.1 the pool runs at the limit of the provider, in virtual time', () => {
  for (const [name, scene] of Object.entries(SCENES))
    it(`S2.1 ${name}: at least 99 % used and no 429, with 4 processes`, async () => {
      const { utilization, refused } = await load(scene)
      assert.equal(refused, 0)
      assert.ok(utilization >= 0.99 && utilization < 1.02, `${utilization}`)
    })

  for (const processes of [1, 16])
    it(`S2.1 openai: the same with ${processes}`, async () => {
      const { utilization, refused } = await load(openai, { processes })
      assert.equal(refused, 0)
      assert.ok(utilization >= 0.99, `${utilization}`)
    })

  const openEnded = { unsaid: true, callOf: openEndedCall }
  for (const name of ['openai', 'azure', 'groq'])
    it(`S2.1 ${name}: the same where no request says how long its answer may be`, async () => {
      const { utilization, refused } = await load(SCENES[name]!, openEnded)
      assert.equal(refused, 0)
      assert.ok(utilization >= 0.99, `${utilization}: answers of unsaid length were reserved`)
    })

  for (const bias of [1, 0.7])
    it(`S2.1 openai: the same with streams that do not tell their usage, estimates ${bias} of what they are`, async () => {
      const { utilization, refused } = await load(openai, { ...openEnded, untold: true, bias })
      assert.equal(refused, 0)
      assert.ok(utilization >= 0.99, `${utilization}: the care of the beginning stayed`)
    })

  it('S2.2 openai: the same, but the provider does count 4,096 for them: its headers tell', async () => {
    const callOf = (random: Random): Call => ({ ...ordinaryCall(random), maxOutput: 4096 })
    const { utilization, refusedLater } = await load(openai, { unsaid: true, callOf })
    assert.equal(refusedLater, 0)
    assert.ok(utilization >= 0.97, `${utilization}`)
  })

  it('S2.1 anthropic: prompts of which 95 % come from the cache, which does not count and nobody tells', async () => {
    const { utilization, refused } = await load(promptBound(), { callOf: cachedCall })
    assert.equal(refused, 0)
    assert.ok(utilization >= 0.99, `${utilization}`)
  })

  it('S2.1 control: what everybody writes once is refused hundreds of times, or uses less', async () => {
    const short = { duration: 30_000, warmUp: 30_000 }
    const sdk = await load(openai, { strategy: 'sdk', ...short })
    const own = await load(openai, { strategy: 'own bucket', ...short })
    const cookbook = await load(openai, { strategy: 'cookbook', ...short })
    assert.ok(sdk.refused > 100, `SDK's backoff: ${sdk.refused} × 429`)
    assert.ok(own.refused > 100, `a bucket in each process: ${own.refused} × 429`)
    assert.ok(cookbook.utilization < 0.8, `the cookbook: ${cookbook.utilization}`)
  })
})

describe('S2.2 the pool when things change, in virtual time', () => {
  for (const name of ['openai', 'anthropic'] as const) {
    const scene = SCENES[name]!
    it(`S2.2 ${name}: estimates are 30 % too low`, async () => {
      const { utilization, refused } = await load(scene, { bias: 0.7 })
      assert.ok(refused <= 3, `${refused} × 429`)
      assert.ok(utilization >= 0.97, `${utilization}`)
    })

    it(`S2.2 ${name}: somebody else uses a fifth of it from the middle on`, async () => {
      const { utilization, atEvent, afterEvent } = await load(scene, { foreign: 0.2 })
      assert.ok(atEvent <= 3 && afterEvent === 0, `${atEvent} × 429 at once, ${afterEvent} later`)
      assert.ok(utilization >= 0.97, `${utilization}`)
    })

    it(`S2.2 ${name}: the limit is halved in the middle`, async () => {
      const { utilization, atEvent, afterEvent } = await load(scene, { cut: 0.5 })
      assert.ok(atEvent <= 3 && afterEvent === 0, `${atEvent} × 429 at once, ${afterEvent} later`)
      assert.ok(utilization >= 0.97, `${utilization}`)
    })
  }

  for (const [what, more] of [
    ['the store is gone for 10 s', { outage: 10_000 }],
    ['a quarter of the processes is killed', { killed: 0.25 }],
  ] as const)
    it(`S2.1 ${what}: no 429, and at least 95 % of the limit is used`, async () => {
      const { utilization, refused } = await load(openai, more)
      assert.equal(refused, 0)
      assert.ok(utilization >= 0.95, `${utilization}`)
    })

  it('S2.2 gemini, which tells nothing but refusals: the limit is halved; four refusals find out', async () => {
    const { utilization, atEvent, afterEvent } = await load(SCENES['gemini']!, { cut: 0.5, duration: 5 * 60_000 })
    assert.ok(atEvent + afterEvent <= 6, `${atEvent + afterEvent} × 429`)
    assert.ok(utilization >= 0.97, `${utilization}`)
  })
})

describe('S2.2 a provider that says nothing but 429', () => {
  it('S2.2 somebody else uses a fifth of it from the middle on: three refusals find out', async () => {
    const { utilization, atEvent, afterEvent } = await load(silent(), { foreign: 0.2, duration: 5 * 60_000 })
    assert.ok(atEvent + afterEvent <= 3, `${atEvent + afterEvent} × 429`)
    assert.ok(utilization >= 0.97, `${utilization}`)
  })

  it('S2.2 the limit is halved in the middle: six', async () => {
    const { utilization, atEvent, afterEvent } = await load(silent(), { cut: 0.5, duration: 5 * 60_000 })
    assert.ok(atEvent + afterEvent <= 6, `${atEvent + afterEvent} × 429`)
    assert.ok(utilization >= 0.97, `${utilization}`)
  })

  it('S2.2 it was never more than half of what was declared: found out in the first minute', async () => {
    const { utilization, refusedLater } = await load(silent(200_000), { callers: 120, duration: 5 * 60_000 })
    assert.equal(refusedLater, 0)
    assert.ok(utilization >= 0.95, `${utilization}`)
  })
})

describe('S2.2 a limit of requests that is watched by the second', () => {
  const anthropic = SCENES['anthropic']!
  const strict = (rpm: number): Scene => ({
    ...anthropic,
    tight: 'requests',
    limits: () => provider.anthropic({ model: 'm', rpm, itpm: 4e6, otpm: 1e6 }),
    truth: () => {
      const { requests, input, output } = anthropic.truth()
      return {
        requests: { ...requests!, limit: rpm },
        input: { ...input!, limit: 4e6 },
        output: { ...output!, limit: 1e6 },
      }
    },
  })

  it('S2.2 is used to 99 % and not met, where some fit into a second', async () => {
    const { utilization, refused } = await load(strict(240), { callers: 60 })
    assert.equal(refused, 0)
    assert.ok(utilization >= 0.99, `${utilization}`)
  })

  it('S2.2 with one a second and jitter of a quarter of that: a few refusals, then a little slower', async () => {
    const { utilization, refused } = await load(strict(50), { callers: 60 })
    assert.ok(refused <= 6, `${refused} × 429`)
    assert.ok(utilization >= 0.75, `${utilization}`)
  })
})

const TRUTHS = {
  'reserve-max': 'max',
  'reserve-sum': 'sum',
  'reserve-refund': 'refund',
  actual: 'actual',
} as const satisfies Readonly<Record<string, Counting>>

describe('S2.2 the way of counting is checked against the headers', () => {
  // All sixteen are in the benchmark.
  const pairs = [
    ['reserve-sum', 'reserve-sum'],
    ['reserve-max', 'reserve-sum'],
    ['reserve-sum', 'reserve-refund'],
    ['reserve-sum', 'actual'],
    ['actual', 'reserve-max'],
  ] as const
  for (const [assumed, truth] of pairs)
    it(`S2.2 ${assumed} is assumed, the provider counts ${truth}`, async () => {
      let model: ProviderModel | undefined
      const limits = (): ModelLimits =>
        provider.openai({ model: 'm', rpm: 20_000, tpm: 400_000, modes: { tokens: assumed } })
      const truthOf = (): Record<string, LimitModel> => {
        const { requests, tokens } = openai.truth()
        return { requests: requests!, tokens: { ...tokens!, counts: TRUTHS[truth] } }
      }
      const { utilization, refused, pools } = await load(
        { ...openai, limits, truth: truthOf },
        { processes: 1, duration: 2 * 60_000, made: (_, __, made) => (model = made) },
      )
      assert.ok(model!.served > 100)
      assert.equal(pools[0]!.status()[0]!.budgets.tokens!.mode, truth)
      assert.ok(refused <= 20, `${refused} × 429`)
      assert.ok(utilization >= 0.97, `${utilization}`)
    })
})

/**
 * Two tenants, each of whom always has twenty callers waiting, of whom one asks for eight times as much.
 * @returns the largest difference in service there ever was, and U: the most one request is, and the most in progress
 */
async function twoTenants(apart: boolean): Promise<{ gap: number; bound: number; served: Record<string, number> }> {
  const clock = new StepClock()
  const random = seeded(5)
  const limits = [provider.openai({ model: 'm', tpm: 400_000, concurrency: 12, modes: { tokens: 'reserve-refund' } })]
  const pool = llmPool({ limits, clock, random, queue: { maxWait: 1e9 } })
  const served: Record<string, number> = { small: 0, large: 0 }
  let [largest, progress, most, gap] = [0, 0, 0, 0]
  const end = clock.now() + 5 * 60_000
  const caller = async (tenant: string, scale: number): Promise<void> => {
    while (clock.now() < end) {
      const input = Math.ceil(200 * scale * random())
      const output = Math.ceil(100 * scale * random())
      const maxOutput = 100 * scale
      // Where all are one tenant it is first come, first served.
      const lease = await pool.acquire({ model: 'm', input, maxOutput, ...(apart && { tenant }) })
      progress += input + 2 * maxOutput
      most = Math.max(most, progress)
      largest = Math.max(largest, input + 2 * maxOutput)
      served[tenant]! += input
      await clock.sleep(100 + output * 5)
      served[tenant]! += 2 * output
      progress -= input + 2 * maxOutput
      lease.settle({ input, output })
      gap = Math.max(gap, Math.abs(served['small']! - served['large']!))
    }
  }
  for (const [tenant, scale] of [
    ['small', 1],
    ['large', 8],
  ] as const)
    for (let count = 0; count < 20; count++)
      caller(tenant, scale).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== 'closed') throw error
      })
  await clock.pass(5 * 60_000)
  await pool.close()
  return { gap, bound: largest + most, served }
}

describe('S2.3 tenants share in tokens, in virtual time', () => {
  it('S2.3 two that always wait never differ by more than 2 U, though one asks for eight times as much', async () => {
    const { gap, bound, served } = await twoTenants(true)
    assert.ok(served['small']! > 20 * bound, 'both were served for long')
    assert.ok(gap <= 2 * bound, `gap ${gap}, U ${bound}`)
  })

  it('S2.3 control: without tenants they do', async () => {
    const { gap, bound } = await twoTenants(false)
    assert.ok(gap > 2 * bound, `gap ${gap}, U ${bound}`)
  })
})
