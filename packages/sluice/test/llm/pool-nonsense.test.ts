import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  llmPool,
  provider,
  type HeadersLike,
  type LimitOptions,
  type LlmPool,
  type LlmPoolOptions,
  type LlmRequest,
  type LlmUsage,
  type ModelLimits,
  type ProviderRefusal,
} from '../../src/llm/index.ts'
import { bench, limitsOf, small, within } from './pool-bench.ts'
import { StepClock } from './step-clock.ts'

describe('S2.1 llmPool: refuses at once, in one line, what makes no sense', () => {
  const clock = new StepClock()
  const make = (limits: readonly ModelLimits[], more: Partial<LlmPoolOptions> = {}): LlmPool =>
    llmPool({ limits, clock, ...more })
  const price = { input: 1, output: 1 }
  const wrong: Record<string, [() => unknown, RegExp]> = {
    'no limits': [() => make([]), /llmPool\.limits: expected at least one/],
    'a negative limit': [() => limitsOf({ tpm: -5 }), /provider\.openai\.tpm: expected a number .*got -5/],
    'a limit such a provider does not have': [
      () => provider.anthropic({ model: 'c', tpd: 5 }),
      /provider\.anthropic\.tpd: expected nothing: it has rpm, tpm, itpm, otpm, got 5/,
    ],
    'a misspelt figure': [
      () => limitsOf({ tmp: 5 } as Partial<LimitOptions>),
      /provider\.openai\.tmp: expected one of/,
    ],
    'no model': [() => limitsOf({ model: '' }), /provider\.openai\.model: expected a name/],
    'no limit at all': [() => provider.openai({ model: 'm' }), /provider\.openai: expected at least one limit/],
    'a mode there is not': [
      () => limitsOf({ modes: { tokens: 'guess' as 'actual' } }),
      /provider\.openai\.modes\.tokens: expected one of .*got "guess"/,
    ],
    'a way of counting what is not there': [
      () => limitsOf({ modes: { tokns: 'actual' } as LimitOptions['modes'] & object }),
      /provider\.openai\.modes: expected limits of tokens: tokens, tokensDaily, got "tokns"/,
    ],
    'a name where several are expected': [
      () => limitsOf({ also: 'xy' as unknown as string[] }),
      /provider\.openai\.also: expected names, got "xy"/,
    ],
    'money without a price': [() => limitsOf({ money: { usd: 1, per: 1000 } }), /provider\.openai\.price: expected/],
    'a negative price': [
      () => limitsOf({ price: { input: -1, output: 1 } }),
      /provider\.openai\.price\.input: expected .*got -1/,
    ],
    'a model twice': [() => make([limitsOf(), limitsOf({ key: 'b' })]), /llmPool\.limits: expected each model once/],
    'no room': [() => make([limitsOf()], { queue: { max: 0 } }), /llmPool\.queue\.max: expected .*got 0/],
    'no patience': [() => make([limitsOf()], { queue: { maxWait: -1 } }), /llmPool\.queue\.maxWait: .*got -1/],
    'no time at all': [
      () => make([limitsOf()], { overdue: { after: 0 } }),
      /llmPool\.overdue\.after: expected .*got 0/,
    ],
    'what is neither held nor released': [
      () => make([limitsOf()], { overdue: { policy: 'drop' as 'hold' } }),
      /llmPool\.overdue\.policy: expected 'hold' or 'release', got "drop"/,
    ],
    'limits made by hand': [
      () => make([{ model: 'm', rpm: 5 } as unknown as ModelLimits]),
      /llmPool\.limits: expected provider\.openai\(…\) and its like, got \[object Object\]/,
    ],
    'options that are none': [() => llmPool(undefined as unknown as LlmPoolOptions), /llmPool: expected an object/],
    'a misspelt option of the queue': [
      () => make([limitsOf()], { queue: { maxwait: 5 } as LlmPoolOptions['queue'] & object }),
      /llmPool\.queue\.maxwait: expected one of max, maxWait, got 5/,
    ],
    'a misspelt option of the pool': [
      () => make([limitsOf()], { tenants: 5 } as Partial<LlmPoolOptions>),
      /llmPool\.tenants: expected one of limits, .*got 5/,
    ],
    'a weight that is no function': [
      () => make([limitsOf()], { weight: 2 as unknown as () => number }),
      /llmPool\.weight: expected a function, got 2/,
    ],
    'a misspelt stop, which would stop nothing': [
      () => limitsOf({ price, money: { usd: 1, per: 1000, stopp: true } as LimitOptions['money'] & object }),
      /provider\.openai\.money\.stopp: expected one of usd, per, stop, got true/,
    ],
    'a stop that is neither': [
      () => limitsOf({ price, money: { usd: 1, per: 1000, stop: 'yes' as unknown as boolean } }),
      /provider\.openai\.money\.stop: expected true or false, got "yes"/,
    ],
    'a misspelt price': [
      () => limitsOf({ price: { ...price, cacheread: 1 } as LimitOptions['price'] & object }),
      /provider\.openai\.price\.cacheread: expected one of input, output, cacheRead, cacheWrite, got 1/,
    ],
    'answers of unsaid length that would never fit': [
      () => provider.generic({ model: 'm', tpm: 1000, maxOutput: 4000 }),
      /provider\.generic\.maxOutput: expected at most 1000: else what does not say less would never fit, got 4000/,
    ],
    'a share above all': [() => limitsOf({ share: 2 }), /provider\.openai\.share: expected .*got 2/],
  }
  for (const [what, [attempt, line]] of Object.entries(wrong))
    it(`S2.1 ${what}`, () => assert.throws(attempt, { name: 'RangeError', message: line }))

  const requests: Record<string, [Partial<LlmRequest>, RegExp]> = {
    'no model at all': [
      { model: undefined as unknown as string },
      /request\.model: expected a name, or several, got undefined/,
    ],
    'an unknown model': [{ model: 'x' }, /request\.model: expected one of m, got "x"/],
    'a request that never fits': [
      { input: 70_000 },
      /request: expected at most 60000, the tpm of m at openai: it would never fit, got "70100 tokens"/,
    ],
    'fewer than no tokens': [{ input: -1 }, /request\.input: expected .*got -1/],
    'no number': [{ input: Number.NaN }, /request\.input: expected .*got NaN/],
    'more from the cache than there is': [{ cacheRead: 101 }, /request\.cacheRead: expected .*got 101/],
    'no class there is': [{ priority: 7 as 3 }, /request\.priority/],
    'a deadline on the wall clock, which would never come': [
      { deadline: Date.now() + 5000 },
      /deadline: expected an instant on the gate's clock/,
    ],
    'a deadline that is none': [{ deadline: Number.NaN }, /request\.deadline/],
  }
  for (const [what, [more, line]] of Object.entries(requests))
    it(`S2.1 ${what}`, async () => {
      const { pool } = bench()
      await assert.rejects(pool.acquire({ ...small, ...more }), { name: 'RangeError', message: line })
    })
})

describe('S2.1 llmPool: what an answer says that makes no sense', () => {
  const nonsense = [NaN, -5, '7', Infinity, 1e300, null]
  for (const figure of nonsense)
    it(`S2.1 ${String(figure)} tokens are not known, and spoil nothing`, async () => {
      const { clock, pool } = bench()
      const lease = await within(clock, pool.acquire(small))
      const { taken } = lease
      lease.heard(undefined as unknown as HeadersLike)
      lease.settle({ input: figure, output: figure, cacheRead: figure } as LlmUsage)
      const { used, estimate, budgets, unknown } = pool.status()[0]!
      assert.deepEqual(used, { input: 0, output: 0 })
      assert.equal(estimate, 1.3, 'nothing is learned of it')
      assert.equal(unknown, 1)
      assert.ok(Math.abs(budgets.tokens!.utilization - taken.tokens! / 60_000) < 1e-3, `${budgets.tokens!.utilization}`)
      ;(await within(clock, pool.acquire(small))).abandon()
      await pool.close()
    })

  it('S2.1 a refusal of which nothing is said gives its slot back all the same', async () => {
    const { clock, pool } = bench()
    const lease = await within(clock, pool.acquire(small))
    assert.equal(lease.refused(undefined as unknown as ProviderRefusal).is, 'fault')
    assert.equal(pool.status()[0]!.inflight, 0)
    await pool.close()
  })
})
