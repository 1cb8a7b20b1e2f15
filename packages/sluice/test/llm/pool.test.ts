import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type RejectedError } from '../../src/ground/index.ts'
import { memoryBuckets, memorySlots } from '../../src/coordinate/index.ts'
import { llmPool, provider, type LlmRequest } from '../../src/llm/index.ts'
import { isRefused, limitsOf, MINUTE, small, takeAll, warmed, within } from './pool-bench.ts'
import { StepClock } from './step-clock.ts'

describe('S2.1 llmPool: budgets', () => {
  it('S2.1 takes requests and tokens together, and never one while it waits for the other', async () => {
    const made = await warmed()
    // 54,000 tokens at once: 90 % of the limit.
    const leases = await takeAll(made, { model: 'm', input: 900, maxOutput: 100 })
    assert.equal(leases.length, 54)
    const { requests, tokens } = made.pool.status()[0]!.budgets
    assert.ok(requests!.available + requests!.held > 480, 'requests were taken by those who had no tokens')
    assert.ok(tokens!.available < 1000)
  })

  it('S2.1 gives back what was not used, and owes what was used beyond', async () => {
    const made = await warmed()
    const lease = await within(made.clock, made.pool.acquire({ model: 'm', input: 1000, maxOutput: 9000 }), 100)
    lease.settle({ input: 1000, output: 1000 })
    await made.clock.pass(100)
    const left = (): number => made.pool.status()[0]!.budgets.tokens!.available
    assert.ok(left() > 51_900 && left() < 53_000, `${left()} left, 2,000 of 54,000 were used`)
    const again = await within(made.clock, made.pool.acquire({ model: 'm', input: 1000, maxOutput: 1000 }), 100)
    again.settle({ input: 1000, output: 31_000 })
    await made.clock.pass(100)
    assert.ok(left() < 23_000, `${left()} left, 32,000 more were used`)
  })

  it('S2.1 takes a usage of null for none, as SDKs tell it, and lets go', async () => {
    const { clock, pool } = await warmed()
    const lease = await within(clock, pool.acquire(small), 100)
    lease.settle(null as unknown as undefined)
    assert.deepEqual([pool.status()[0]!.inflight, pool.status()[0]!.unknown], [0, 1])
  })

  it('S2.1 keeps the charge of what nobody knows, and settles what was cut off by what was streamed', async () => {
    const made = await warmed()
    const left = (): number => made.pool.status()[0]!.budgets.tokens!.available
    const unknown = await within(made.clock, made.pool.acquire({ model: 'm', input: 1000, maxOutput: 9000 }), 100)
    unknown.abandon()
    await made.clock.pass(100)
    assert.ok(left() < 45_000, 'nothing comes back')
    assert.equal(made.pool.status()[0]!.unknown, 1)
    await made.clock.pass(MINUTE)
    const cut = await within(made.clock, made.pool.acquire({ model: 'm', input: 1000, maxOutput: 9000 }), 100)
    cut.produced(10)
    cut.produced(500)
    cut.abandon()
    cut.settle({ input: 0, output: 0 })
    await made.clock.pass(100)
    assert.ok(left() > 52_000 && left() < 53_500, `${left()} left, 1,500 of 54,000 were used`)
  })

  it('S2.1 wakes at the time at which there is enough, and asks no store meanwhile', async () => {
    const clock = new StepClock()
    let asked = 0
    const store = memoryBuckets({ clock })
    const counting = {
      open: (...args: Parameters<typeof store.open>) => {
        const account = store.open(...args)
        return {
          state: (statement: Parameters<typeof account.state>[0]) => {
            asked++
            return account.state(statement)
          },
          close: () => account.close(),
        }
      },
    }
    const made = { clock, pool: llmPool({ limits: [limitsOf()], clock, random: seeded(1), store: counting }) }
    const first = await within(clock, made.pool.acquire(small))
    first.settle({ input: 100, output: 100 })
    await clock.pass(5 * MINUTE)
    await takeAll(made, { model: 'm', input: 900, maxOutput: 100 })
    await clock.pass(500)
    asked = 0
    const since = clock.now()
    let at = 0
    void made.pool.acquire({ model: 'm', input: 9000, maxOutput: 1000 }).then(() => (at = clock.now()))
    await clock.pass(20_000)
    // 10,000 tokens at 1,000 a second, less what has come back in half a second.
    assert.ok(at - since > 8000 && at - since < 10_000, `after ${at - since} ms`)
    assert.ok(asked < 30, `asked ${asked} times`)
  })

  it('S2.1 lets in what is larger than it keeps, as long as the provider would, and owes the rest', async () => {
    const made = await warmed()
    const lease = await within(made.clock, made.pool.acquire({ model: 'm', input: 50_000, maxOutput: 9000 }), 100)
    assert.equal(lease.taken.tokens! > 54_000, true)
    await made.clock.pass(300)
    assert.ok(made.pool.status()[0]!.budgets.tokens!.available < -3000)
  })

  it('S2.1 a small limit lets in who does not say how long the answer may be', async () => {
    for (const limits of [
      provider.openai({ model: 'm', tpm: 3000 }),
      provider.generic({ model: 'm', tpm: 3000 }),
      provider.bedrock({ model: 'm', tpm: 3000 }),
    ]) {
      const { clock, pool } = await warmed({ limits: [limits] })
      const lease = await within(clock, pool.acquire({ model: 'm', input: 100 }), 100)
      assert.ok(lease.taken.tokens! < 1700, `${limits.profile.provider}: ${lease.taken.tokens}`)
      await pool.close()
    }
  })

  it('S2.1 Bedrock counts what the cache gave at first, and gives it back in the end', async () => {
    const { clock, pool } = await warmed({ limits: [provider.bedrock({ model: 'm', tpm: 100_000 })] })
    const lease = await within(
      clock,
      pool.acquire({ model: 'm', input: 50_000, cacheRead: 40_000, maxOutput: 1000 }),
      100,
    )
    assert.equal(Math.round(lease.taken.tokens!), 51_000)
    lease.settle({ input: 50_000, cacheRead: 40_000, output: 100 })
    await clock.pass(100)
    const { available, held } = pool.status()[0]!.budgets.tokens!
    assert.ok(Math.abs(90_000 - 10_500 - available - held) < 700, `${available + held} left`)
    await pool.close()
  })

  it('S2.1 learns which part of prompts comes from a cache that is free: larger ones than the limit fit then', async () => {
    const made = await warmed({ limits: [provider.anthropic({ model: 'm', itpm: 50_000 })] })
    const { clock, pool } = made
    const grown: LlmRequest = { model: 'm', input: 200_000, tenant: 'agent', maxWait: 100 }
    await assert.rejects(pool.acquire(grown), /would never fit/)
    for (let turn = 1; turn <= 10; turn++) {
      const lease = await within(clock, pool.acquire({ ...grown, input: 10_000, maxWait: MINUTE }), MINUTE)
      lease.settle({ input: 10_000, cacheRead: 9800, output: 100 })
    }
    await clock.pass(MINUTE)
    const lease = await within(clock, pool.acquire(grown), 100)
    assert.ok(Math.abs(lease.taken.input! - 4000) < 500, `${lease.taken.input}`)
    await assert.rejects(pool.acquire({ ...grown, cacheRead: 0 }), /would never fit/, 'who says so is believed')
    await pool.close()
  })

  it('S2.1 counts what is in progress: in one process, and in all of them', async () => {
    const clock = new StepClock()
    const alone = { clock, pool: llmPool({ limits: [limitsOf({ concurrency: 3 })], clock, random: seeded(1) }) }
    const first = await within(clock, alone.pool.acquire(small))
    first.settle({ input: 100, output: 100 })
    const leases = await takeAll(alone, small)
    assert.equal(leases.length, 3)
    const next = alone.pool.acquire(small)
    await clock.pass(1000)
    leases[0]!.settle({ input: 100, output: 10 })
    assert.equal((await within(clock, next)).attempt, 0)

    const [store, places] = [memoryBuckets({ clock }), memorySlots()]
    const slots = (): typeof places => places
    const both = [1, 2].map((seed) => {
      const pool = llmPool({ limits: [limitsOf({ concurrency: 5 })], clock, random: seeded(seed), store, slots })
      return { clock, pool }
    })
    for (const { pool } of both) (await within(clock, pool.acquire(small))).settle({ input: 100, output: 100 })
    const taken = (await Promise.all(both.map((each) => takeAll(each, small, 20)))).flat()
    assert.equal(taken.length, 5)
    assert.ok(
      both.every(({ pool }) => pool.status()[0]!.budgets.tokens!.available > 50_000),
      'tokens were held in vain',
    )
  })

  it('S2.1 counts money by a price, and a day by the day', async () => {
    const limits = provider.openai({
      model: 'm',
      rpd: 1000,
      price: { input: 10, output: 30, cacheRead: 1 },
      money: { usd: 1, per: 86_400_000 },
    })
    const made = await warmed({ limits: [limits] })
    const money = (): number => made.pool.status()[0]!.budgets.money!.available
    assert.ok(money() > 999_000)
    const lease = await within(made.clock, made.pool.acquire({ model: 'm', input: 10_000, maxOutput: 5000 }), 100)
    lease.settle({ input: 10_000, cacheRead: 4000, output: 5000 })
    await made.clock.pass(300)
    // 6,000 × 10 + 4,000 × 1 + 5,000 × 30 millionths of a dollar.
    assert.ok(Math.abs(1e6 - 214_000 - money()) < 500, `${money()} left`)
    const leases = await takeAll(made, { model: 'm', input: 10_000, maxOutput: 1000 }, 20)
    assert.ok(leases.length <= 7, `${leases.length} × 0.13 dollars of 0.79`)
  })
})

describe('S2.2 llmPool: what the provider says', () => {
  it('S2.2 a 429 stops every process that shares the key, for as long as it says', async () => {
    const clock = new StepClock()
    const store = memoryBuckets({ clock })
    const [one, other] = [1, 2].map((seed) => llmPool({ limits: [limitsOf()], clock, random: seeded(seed), store }))
    for (const pool of [one!, other!]) (await within(clock, pool.acquire(small))).settle({ input: 100, output: 100 })
    await clock.pass(MINUTE)
    const lease = await within(clock, one!.acquire(small), 10)
    const verdict = lease.refused({ status: 429, headers: { 'retry-after-ms': '7000' } })
    assert.deepEqual(verdict, { is: 'wait', retry: true, retryAfter: 7000 })
    await clock.pass(250)
    assert.ok(one!.pressure.value.level > 1, 'the door hears of it')
    const since = clock.now()
    let at = 0
    const waits = other!.acquire(small).then(() => (at = clock.now()))
    await clock.pass(20_000)
    await waits
    // Hardly anything was in use, so hardly more than that is kept free.
    assert.ok(at - since >= 6700 && at - since < 8000, `after ${at - since} ms`)
    assert.ok(other!.pressure.value.level < 1)
  })

  it('S2.2 a 429 that says nothing at all: as long as what was asked for takes to come back', async () => {
    const made = await warmed()
    const waitOf = async (input: number): Promise<number> => {
      const lease = await within(made.clock, made.pool.acquire({ model: 'm', input, maxOutput: 0 }), MINUTE)
      const verdict = lease.refused({ status: 429 })
      assert.deepEqual([verdict.is, verdict.retry], ['wait', true])
      const since = made.clock.now()
      let at = Infinity
      const again = lease.again().then((next) => {
        at = made.clock.now()
        return next
      })
      await made.clock.pass(MINUTE)
      const next = await again
      next.heard({})
      next.settle({ input, output: 0 })
      return at - since
    }
    // 1,000 tokens a second; nobody is so sure of estimates that a quarter more would be nothing.
    const short = await waitOf(100)
    assert.ok(short >= 250 && short < 1200, `${short}`)
    const long = await waitOf(3000)
    assert.ok(long >= 3000 && long < 5500, `${long}`)
  })

  it('S2.2 refusals of requests that were under way together are one event', async () => {
    const made = await warmed()
    const leases = await takeAll(made, { model: 'm', input: 100, maxOutput: 0 }, 8)
    assert.equal(leases.length, 8)
    for (const lease of leases) {
      lease.refused({ status: 429 })
      await made.clock.pass(1)
    }
    const { heldFor } = made.pool.status()[0]!
    assert.ok(heldFor > 100 && heldFor <= 320, `${heldFor} ms: each of them would have doubled it`)
  })

  it('S2.2 headers pull down at once, and the limit they name is the limit', async () => {
    const made = await warmed()
    const lease = await within(made.clock, made.pool.acquire(small), 10)
    lease.heard({ 'x-ratelimit-limit-tokens': '30000', 'x-ratelimit-remaining-tokens': '10000' })
    const { tokens } = made.pool.status()[0]!.budgets
    assert.equal(tokens!.told, 30_000)
    assert.equal(Math.round(tokens!.capacity), 27_000)
    // 10 % of the limit is kept free.
    assert.ok(Math.abs(tokens!.available - 7000) < 100, `${tokens!.available}`)
    lease.settle({ input: 100, output: 100 })
    const up = await within(made.clock, made.pool.acquire(small), 10)
    up.heard({ 'x-ratelimit-limit-tokens': '90000', 'x-ratelimit-remaining-tokens': '90000' })
    assert.equal(Math.round(made.pool.status()[0]!.budgets.tokens!.capacity), 54_000, 'no more than was declared')
    assert.ok(made.pool.status()[0]!.budgets.tokens!.available < 12_000, 'not up at once')
  })

  it('S2.2 knows what it makes sense to wait for', async () => {
    const made = await warmed()
    const told: [number, string, string, boolean][] = [
      [429, '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}', 'never', false],
      [429, '{"error":{"code":"rate_limit_exceeded","message":"Request too large for gpt-x"}}', 'never', false],
      [429, '{"error":{"code":"slow_down","message":"Slow down"}}', 'ramp', true],
      [503, '{"error":{"code":"server_is_overloaded"}}', 'capacity', true],
      [500, 'oops', 'fault', true],
      [400, '{"error":{"message":"bad"}}', 'request', false],
    ]
    for (const [status, body, is, retry] of told) {
      const lease = await within(made.clock, made.pool.acquire(small), 3 * MINUTE)
      const verdict = lease.refused({ status, body })
      assert.deepEqual([verdict.is, verdict.retry], [is, retry], body)
    }
    assert.deepEqual(made.pool.status()[0]!.refusals, { never: 2, ramp: 1, capacity: 1, fault: 1, request: 1 })
    assert.ok(made.pool.status()[0]!.ramp < 0.8, 'slower after slow_down')
    assert.equal(made.pool.status()[0]!.status429, 3)
  })

  it('S2.2 leaves a provider alone that fails, but not for its quota', async () => {
    const made = await warmed()
    for (let count = 0; count < 15; count++)
      (await within(made.clock, made.pool.acquire(small), 2 * MINUTE)).refused({
        status: 429,
        headers: { 'retry-after-ms': '1' },
      })
    assert.equal(made.pool.status()[0]!.breaker, 'closed')
    await made.clock.pass(MINUTE)
    for (let count = 0; count < 30 && made.pool.status()[0]!.breaker === 'closed'; count++)
      (await within(made.clock, made.pool.acquire(small), 200)).refused({ status: 500 })
    assert.equal(made.pool.status()[0]!.breaker, 'open')
    const since = made.clock.now()
    let at = 0
    void made.pool.acquire(small).then((lease) => {
      at = made.clock.now()
      lease.settle({ input: 1, output: 1 })
    })
    await made.clock.pass(20_000)
    assert.ok(at - since >= 4000 && at - since < 7000, `tried again after ${at - since} ms`)
  })

  it('S2.2 nobody waits for a quota that comes back tomorrow', async () => {
    const made = await warmed()
    await takeAll(made, { model: 'm', input: 900, maxOutput: 100 })
    const waits = made.pool.acquire({ model: 'm', input: 9000, maxOutput: 100 }).catch((error: unknown) => error)
    const lease = await within(made.clock, made.pool.acquire({ ...small, priority: 3 }), 1000)
    const verdict = lease.refused({ status: 429, headers: { 'retry-after': '3600' }, body: 'requests per day (RPD)' })
    assert.deepEqual([verdict.is, verdict.retryAfter], ['long', 3_600_000])
    const refused = await waits
    assert.ok(isRefused('rate_limited')(refused))
    assert.ok((refused as RejectedError).rejection.retryAfter! > 3_500_000)
    await assert.rejects(made.pool.acquire(small), isRefused('rate_limited'))
    await assert.rejects(lease.again(), isRefused('rate_limited'))
    assert.equal(await made.pool.run(small, () => 'model', { overflow: () => 'batch' }), 'batch')
  })

  it('S2.2 after a day of OpenAI is spent, which others had a part in, only what has come back is sent', async () => {
    const limits = [provider.openai({ model: 'm', rpd: 200 })]
    const { clock, pool } = await warmed({ limits, queue: { maxWait: 1e7 } })
    const message =
      'Rate limit reached on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.'
    const lease = await within(clock, pool.acquire(small), 100)
    lease.refused({ status: 429, body: { error: { code: 'rate_limit_exceeded', message } } })
    let sent = 0
    const call = async (): Promise<void> => {
      const next = await pool.acquire(small)
      sent++
      next.heard({})
      next.settle({ input: 100, output: 10 })
    }
    const calls = Array.from({ length: 20 }, () => call().catch(() => undefined))
    await clock.pass(430_000)
    assert.equal(sent, 0)
    await clock.pass(60_000)
    assert.equal(sent, 1)
    await clock.pass(432_000)
    assert.equal(sent, 2)
    await pool.close()
    await Promise.all(calls)
  })

  it('S2.2 a 429 that names no limit, and little time, says nothing of a limit of the day', async () => {
    const limits = [provider.groq({ model: 'm', rpd: 14_400, tpm: 60_000 })]
    const { clock, pool } = await warmed({ limits })
    await takeAll({ clock, pool }, { model: 'm', input: 1000, maxOutput: 0 }, 30)
    const lease = await within(clock, pool.acquire(small), 100)
    const before = pool.status()[0]!.budgets
    lease.refused({
      status: 429,
      headers: { 'retry-after-ms': '500' },
      body: { error: { message: 'Too many requests' } },
    })
    await clock.pass(100)
    const { requestsDaily, tokens } = pool.status()[0]!.budgets
    assert.ok(tokens!.available < before.tokens!.available - 5000, 'of the minute less is taken to be left')
    assert.ok(requestsDaily!.available > before.requestsDaily!.available - 10, `${requestsDaily!.available} left today`)
    await pool.close()
  })

  it('S2.2 where a day is spent, and the time told is no more than a guess, two ask again and not all', async () => {
    const limits = [provider.gemini({ model: 'm', rpm: 600, rpd: 1000 })]
    const { clock, pool } = await warmed({ limits, queue: { maxWait: 1e7 } })
    let [sent, isFresh] = [0, false]
    const violations = [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel', quotaValue: '1000' }]
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '46s' },
    ]
    const call = async (): Promise<void> => {
      for (let lease = await pool.acquire(small); ; lease = await lease.again()) {
        sent++
        await clock.sleep(200)
        if (isFresh) return lease.settle({ input: 100, output: 10 })
        lease.refused({ status: 429, body: { error: { status: 'RESOURCE_EXHAUSTED', details } } })
      }
    }
    const calls = Array.from({ length: 20 }, () => call().catch(() => undefined))
    await clock.pass(10_000)
    sent = 0
    await clock.pass(10 * 46_000)
    assert.ok(sent >= 10 && sent <= 20, `${sent} sent in ten times 46 s`)
    isFresh = true
    sent = 0
    await clock.pass(60_000)
    assert.equal(sent, 20)
    await pool.close()
    await Promise.all(calls)
  })

  it('S2.2 passes over a model a request would never fit', async () => {
    const limits = [limitsOf(), provider.openai({ model: 'wide', tpm: 1e6 })]
    const made = await warmed({ limits })
    const large: LlmRequest = { model: ['m', 'wide'], input: 100_000, maxOutput: 10 }
    assert.equal((await within(made.clock, made.pool.acquire(large), 100)).model, 'wide')
    await assert.rejects(made.pool.acquire({ ...large, model: ['m'] }), /it would never fit/)
    await assert.rejects(made.pool.acquire({ ...large, model: ['wide', 'x'] }), /request\.model: expected one of/)
  })

  it('S2.2 goes to the next model where the first is held or failing, and back', async () => {
    const limits = [limitsOf(), provider.anthropic({ model: 'other', rpm: 600, itpm: 1e6, otpm: 1e6 })]
    const made = await warmed({ limits })
    const both: LlmRequest = { ...small, model: ['m', 'other'] }
    const first = await within(made.clock, made.pool.acquire(both), 10)
    assert.deepEqual([first.model, first.provider], ['m', 'openai'])
    first.refused({ status: 429, headers: { 'retry-after': '30' } })
    const second = await within(made.clock, made.pool.acquire({ ...both, deadline: made.clock.now() + 5000 }), 100)
    assert.deepEqual([second.model, second.provider], ['other', 'anthropic'])
    await made.clock.pass(MINUTE)
    assert.equal((await within(made.clock, made.pool.acquire(both), 100)).model, 'm')
    for (let count = 0; count < 30 && made.pool.status()[0]!.breaker === 'closed'; count++)
      (await within(made.clock, made.pool.acquire(small), 200)).refused({ status: 500 })
    assert.equal((await within(made.clock, made.pool.acquire(both), 100)).model, 'other')
  })
})
