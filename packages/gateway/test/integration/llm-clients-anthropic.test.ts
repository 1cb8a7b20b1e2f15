import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Anthropic, {
  APIConnectionTimeoutError,
  APIUserAbortError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { anthropicMiddleware, wrapAnthropic } from 'sluice/llm'
import { until } from './proxy-rig.ts'
import { newest, wish, withEmulator } from './emulate-rig.ts'
import { anthropicOf, HELLO, MODEL, poolOf, standing } from './llm-clients-rig.ts'

const WEATHER = {
  name: 'weather',
  description: 'the weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
}

describe('wrapAnthropic', () => {
  it('S2.1 plain, streamed, the helpers, tools: each settled by what the provider says it used', async () => {
    await withEmulator({ profile: 'anthropic', output: 6 }, async (_, url) => {
      const pool = poolOf({ itpm: 1e6, otpm: 1e6 }, {}, 'anthropic')
      const anthropic = anthropicOf(url, pool)
      const { data, response, request_id } = await anthropic.messages.create(HELLO).withResponse()
      assert.deepEqual([data.usage.output_tokens, response.status], [6, 200])
      assert.match(request_id ?? '', /^req_/)
      let text = ''
      for await (const event of await anthropic.messages.create({ ...HELLO, stream: true }))
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
      assert.match(text, /^the gate/)
      const final = await anthropic.messages.stream(HELLO).finalMessage()
      assert.equal(final.usage.output_tokens, 6)
      const called = await anthropic.beta.messages.create({ ...HELLO, tools: [WEATHER] })
      assert.equal(called.stop_reason, 'tool_use')
      await anthropic.withOptions({ timeout: 5000 }).messages.create(HELLO)
      const { begun, settled, unknown, used, inflight } = standing(pool)
      assert.deepEqual([begun, settled, unknown, inflight], [5, 5, 0, 0])
      const { input_tokens: input } = data.usage
      assert.equal(used.output, 6 * 4 + called.usage.output_tokens)
      assert.equal(used.input, 4 * input + called.usage.input_tokens)
      await anthropic.models.list()
      assert.equal(standing(pool).begun, 5)
    })
  })

  it('the loop of the tool runner', async () => {
    await withEmulator({ profile: 'anthropic' }, async (_, url) => {
      const pool = poolOf({}, {}, 'anthropic')
      const seen: unknown[] = []
      const weather = {
        ...WEATHER,
        type: 'custom' as const,
        parse: (given: unknown) => given as object,
        run: (given: object) => {
          seen.push(given)
          return 'rain'
        },
      }
      const answer = await anthropicOf(url, pool).beta.messages.toolRunner({ ...HELLO, tools: [weather] })
      assert.equal(seen.length, 1)
      assert.equal(answer.stop_reason, 'end_turn')
      assert.deepEqual([standing(pool).begun, standing(pool).settled], [2, 2])
    })
  })

  it('refusals are retried by the pool as often as maxRetries says', async () => {
    const fault = { kind: 'server-error' } as const
    for (const maxRetries of [0, 1]) {
      await withEmulator({ profile: 'anthropic', faults: [{ fault }] }, async ({ provider }, url) => {
        const pool = poolOf({}, {}, 'anthropic')
        await assert.rejects(anthropicOf(url, pool, { maxRetries }).messages.create(HELLO), InternalServerError)
        assert.equal(provider.tally.arrived, maxRetries + 1)
        assert.deepEqual([standing(pool).refusals, standing(pool).inflight], [{ fault: maxRetries + 1 }, 0])
      })
    }
    await withEmulator({ profile: 'anthropic', faults: [{ fault, count: 1 }] }, async ({ provider }, url) => {
      const plain = new Anthropic({
        baseURL: url,
        apiKey: 'any',
        middleware: [anthropicMiddleware(poolOf({}, {}, 'anthropic'))],
      })
      await plain.messages.create(HELLO, { maxRetries: 1 })
      assert.equal(provider.tally.arrived, 2)
    })
  })

  it('what waiting does not help is not retried; an overload is, at the time the pool finds', async () => {
    await withEmulator({ profile: 'anthropic', faults: [{ fault: { kind: 'spend' } }] }, async ({ provider }, url) => {
      const pool = poolOf({}, {}, 'anthropic')
      await assert.rejects(anthropicOf(url, pool).messages.create(HELLO), RateLimitError)
      assert.deepEqual([provider.tally.arrived, standing(pool).refusals], [1, { never: 1 }])
    })
    const fault = { kind: 'overloaded' } as const
    await withEmulator({ profile: 'anthropic', faults: [{ fault, count: 1 }] }, async ({ provider }, url) => {
      const pool = poolOf({}, {}, 'anthropic')
      await anthropicOf(url, pool).messages.create(HELLO)
      assert.deepEqual([provider.tally.arrived, standing(pool).refusals], [2, { capacity: 1 }])
    })
  })

  it('a connection that breaks is tried again, no more often than allowed', async () => {
    const fault = { kind: 'cut', after: 0 } as const
    await withEmulator({ profile: 'anthropic', faults: [{ fault }] }, async ({ provider }, url) => {
      const pool = poolOf({}, {}, 'anthropic')
      const call = anthropicOf(url, pool, { maxRetries: 1 }).messages.create(HELLO)
      await assert.rejects(call)
      assert.ok(provider.tally.arrived <= 2, `${provider.tally.arrived}`)
      assert.equal(standing(pool).inflight, 0)
      assert.ok((standing(pool).refusals.fault ?? 0) >= 1)
    })
  })

  it("an error in the middle of a stream is the provider's", async () => {
    await withEmulator({ profile: 'anthropic', output: 20 }, async (_, url) => {
      const pool = poolOf({}, {}, 'anthropic')
      const stream = await anthropicOf(url, pool).messages.create(
        { ...HELLO, stream: true },
        wish({ fault: { kind: 'stream-error', after: 3 } }),
      )
      await assert.rejects(async () => {
        for await (const event of stream) void event
      })
      assert.deepEqual([standing(pool).inflight, Object.values(standing(pool).refusals)], [0, [1]])
    })
  })

  it("what the pool refuses is thrown as the SDK's own errors, and says why", async () => {
    await withEmulator({ profile: 'anthropic', engine: { ttft: 60_000 } }, async ({ provider }, url) => {
      const pool = poolOf({ otpm: 5000, concurrency: 1 }, { queue: { maxWait: 100 } }, 'anthropic')
      const anthropic = anthropicOf(url, pool)
      await assert.rejects(anthropic.messages.create({ ...HELLO, model: 'other' }), (error) => {
        assert.ok(error instanceof NotFoundError)
        return /expected one of m, got/.test(error.message)
      })
      const stop = new AbortController()
      const first = anthropic.messages.create(HELLO, { signal: stop.signal }).catch((error: unknown) => error)
      await until('the first to be under way', () => standing(pool).inflight === 1)
      await assert.rejects(anthropic.messages.create(HELLO), (error) => {
        assert.ok(error instanceof RateLimitError)
        return error.headers.get('x-sluice-refused') === 'queue_timeout'
      })
      stop.abort()
      assert.ok((await first) instanceof APIUserAbortError)
      assert.equal(provider.tally.arrived, 1)
    })
  })

  it('the timeout of the SDK begins when a request is really sent, for each attempt', async () => {
    await withEmulator({ profile: 'anthropic', engine: { ttft: 60_000 } }, async ({ provider }, url) => {
      const pool = poolOf({}, {}, 'anthropic')
      const call = anthropicOf(url, pool, { timeout: 100, maxRetries: 1 }).messages.create(HELLO)
      await assert.rejects(call, APIConnectionTimeoutError)
      assert.deepEqual([provider.tally.arrived, standing(pool).inflight], [2, 0])
      await until('the provider to know', () => newest(provider).fate === 'aborted')
      assert.deepEqual(standing(pool).refusals, { fault: 2 })
    })
  })

  it('the context of pool.with reaches the pool through the SDK', async () => {
    await withEmulator({ profile: 'anthropic' }, async (_, url) => {
      const tenants: string[] = []
      const pool = poolOf({}, { weight: (tenant) => (tenants.push(tenant), 1) }, 'anthropic')
      const anthropic = anthropicOf(url, pool)
      await pool.with({ tenant: 'acme' }, () => anthropic.messages.create(HELLO))
      await pool.with({ tenant: 'zeta' }, () => anthropic.messages.stream(HELLO).finalMessage())
      assert.deepEqual([...new Set(tenants)], ['acme', 'zeta'])
    })
  })

  it('is for its client only', () => {
    // @ts-expect-error not a client
    assert.throws(() => wrapAnthropic({ model: MODEL }, poolOf()), /wrapAnthropic: expected a client/)
    assert.throws(() => anthropicMiddleware(poolOf(), { attempts: 0 }), RangeError)
  })
})
