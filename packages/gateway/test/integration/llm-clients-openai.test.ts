import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import OpenAI, {
  APIConnectionTimeoutError,
  APIUserAbortError,
  AzureOpenAI,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai'
import { wrapOpenai } from 'sluice/llm'
import { until } from './proxy-rig.ts'
import { newest, wish, withEmulator } from './emulate-rig.ts'
import { HELLO, MODEL, openaiOf, poolOf, standing } from './llm-clients-rig.ts'

const WEATHER = {
  name: 'weather',
  description: 'the weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
}

describe('wrapOpenai', () => {
  it('S2.1 a plain answer: settled by what the provider says it used', async () => {
    await withEmulator({ output: 7 }, async (_, url) => {
      const pool = poolOf({ tpm: 1e6 })
      const { data, response, request_id } = await openaiOf(url, pool).chat.completions.create(HELLO).withResponse()
      assert.equal(data.usage!.completion_tokens, 7)
      assert.match(request_id ?? '', /^req_/)
      assert.equal(response.url, `${url}/v1/chat/completions`)
      const { begun, settled, unknown, used, inflight } = standing(pool)
      assert.deepEqual([begun, settled, unknown, inflight], [1, 1, 0, 0])
      assert.deepEqual(used, { input: data.usage!.prompt_tokens, output: 7 })
    })
  })

  it('AzureOpenAI: keeps its version and its deployment, which names the model where nothing else does', async () => {
    await withEmulator({ profile: 'azure', output: 3 }, async (_, endpoint) => {
      const pool = poolOf({ tpm: 1e6 })
      const azure = { apiKey: 'any', apiVersion: '2024-10-21', endpoint }
      const { messages } = HELLO
      const plain = wrapOpenai(new AzureOpenAI(azure), pool)
      const deployed = wrapOpenai(new AzureOpenAI({ ...azure, deployment: MODEL }), pool)
      for (const client of [plain, plain.withOptions({ maxRetries: 0 })])
        assert.equal((await client.chat.completions.create(HELLO)).model, MODEL)
      const { response } = await deployed.chat.completions.create({ model: '', messages }).withResponse()
      assert.equal(response.url, `${endpoint}/openai/deployments/m/chat/completions?api-version=2024-10-21`)
      assert.deepEqual([standing(pool).settled, standing(pool).inflight], [3, 0])
    })
  })

  it('S2.1 embeddings take no tokens for an answer', async () => {
    const pool = poolOf({ tpm: 1000 })
    const body = { object: 'list', data: [], usage: { prompt_tokens: 7, total_tokens: 7 } }
    const client = new OpenAI({ apiKey: 'any', fetch: async () => Response.json(body) })
    await wrapOpenai(client, pool).embeddings.create({ model: MODEL, input: ['a', 'b'] })
    const { used, budgets } = standing(pool)
    assert.equal(used.input, 7)
    assert.ok(budgets.tokens!.available > 800, `${budgets.tokens!.available}`)
  })

  it('a stream, with its usage and without', async () => {
    await withEmulator({ output: 5 }, async (_, url) => {
      for (const include_usage of [true, false]) {
        const pool = poolOf({ tpm: 1e6 })
        const stream = await openaiOf(url, pool).chat.completions.create({
          ...HELLO,
          stream: true,
          stream_options: { include_usage },
        })
        let text = ''
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
        assert.equal(text, 'the gate opens for whoever')
        const { settled, used, inflight } = standing(pool)
        assert.deepEqual([settled, inflight], [1, 0])
        // Without usage as many as there were deltas, at least.
        assert.ok(used.output >= 5 && used.output <= 8, `${used.output}`)
        assert.equal(used.input > 0, include_usage)
      }
    })
  })

  it('the helpers: asResponse, stream(), runTools, parse, Responses, withOptions', async () => {
    await withEmulator({ output: 6 }, async (_, url) => {
      const pool = poolOf()
      const openai = openaiOf(url, pool)
      const raw = await openai.chat.completions.create(HELLO).asResponse()
      assert.equal(((await raw.json()) as { object: string }).object, 'chat.completion')
      const helper = openai.chat.completions.stream(HELLO)
      assert.match((await helper.finalContent()) ?? '', /^the gate/)
      const seen: unknown[] = []
      const runner = openai.chat.completions.runTools({
        ...HELLO,
        tools: [
          {
            type: 'function',
            function: {
              ...WEATHER,
              parse: (text: string) => JSON.parse(text) as object,
              function: (given: object) => {
                seen.push(given)
                return 'rain'
              },
            },
          },
        ],
      })
      assert.match((await runner.finalContent()) ?? '', /^the gate/)
      assert.equal(seen.length, 1)
      const answer = await openai.responses.stream({ model: MODEL, input: 'hello' }).finalResponse()
      assert.equal(answer.usage!.output_tokens, 6)
      const plain = await openai.responses.create({ model: MODEL, input: 'hello' })
      assert.equal(plain.output_text, answer.output_text)
      await openai.withOptions({ timeout: 5000 }).chat.completions.create(HELLO)
      const { begun, settled, inflight, unknown } = standing(pool)
      assert.deepEqual([begun, settled, inflight, unknown], [7, 7, 0, 0])
      // Whatever asks no model is as before.
      const names: string[] = []
      for await (const { id } of openai.models.list()) names.push(id)
      assert.ok(names.length > 0)
      assert.equal(standing(pool).begun, 7)
    })
  })

  it('S2.2 429 is retried by the pool, at the time the provider names', async () => {
    await withEmulator({}, async ({ provider }, url) => {
      // Nothing is kept free: else the pool waits for that as well.
      const pool = poolOf({ rpm: 1e6, share: 1 })
      let sent = 0
      const error = { type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached' }
      const refusal = { status: 429, headers: { 'retry-after-ms': '150' } }
      const busy = async (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
        sent++ === 0 ? Response.json({ error }, refusal) : fetch(input, init)
      const openai = wrapOpenai(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', fetch: busy }), pool)
      const began = performance.now()
      await openai.chat.completions.create(HELLO)
      const took = performance.now() - began
      assert.ok(took >= 149, `${took} ms`)
      const { begun, refusals, status429, inflight } = standing(pool)
      assert.deepEqual([sent, begun, refusals, status429, inflight], [2, 2, { wait: 1 }, 1, 0])
      assert.equal(provider.tally.completed, 1)
    })
  })

  it('an overload is retried as often as maxRetries says, and thrown as the SDK throws it', async () => {
    const fault = { kind: 'server-error' } as const
    for (const maxRetries of [0, 1]) {
      await withEmulator({ faults: [{ fault }] }, async ({ provider }, url) => {
        const pool = poolOf()
        const call = openaiOf(url, pool, { maxRetries }).chat.completions.create(HELLO)
        await assert.rejects(call, InternalServerError)
        assert.equal(provider.tally.arrived, maxRetries + 1)
        const { refusals, inflight } = standing(pool)
        assert.deepEqual([refusals, inflight], [{ fault: maxRetries + 1 }, 0])
      })
    }
    await withEmulator({ faults: [{ fault, count: 1 }] }, async ({ provider }, url) => {
      await openaiOf(url, poolOf(), { maxRetries: 0 }).chat.completions.create(HELLO, { maxRetries: 1 })
      assert.equal(provider.tally.arrived, 2)
    })
  })

  it('what waiting does not help is not retried', async () => {
    await withEmulator({ faults: [{ fault: { kind: 'spend' } }] }, async ({ provider }, url) => {
      const pool = poolOf()
      await assert.rejects(openaiOf(url, pool).chat.completions.create(HELLO), RateLimitError)
      assert.deepEqual([provider.tally.arrived, standing(pool).refusals], [1, { never: 1 }])
    })
  })

  it("an error in the middle of a stream is the provider's, a cut too", async () => {
    for (const kind of ['stream-error', 'cut'] as const) {
      await withEmulator({ output: 20, engine: { tokensPerSecond: 2000 } }, async (_, url) => {
        const pool = poolOf()
        const stream = await openaiOf(url, pool).chat.completions.create(
          { ...HELLO, stream: true },
          wish({ fault: { kind, after: 3 } }),
        )
        await assert.rejects(async () => {
          for await (const chunk of stream) void chunk
        })
        const { refusals, inflight } = standing(pool)
        assert.equal(inflight, 0)
        assert.equal(Object.values(refusals).length, 1, JSON.stringify(refusals))
      })
    }
  })

  it("S2.3 what the pool refuses is thrown as the SDK's own errors, and says why", async () => {
    await withEmulator({ engine: { ttft: 60_000 } }, async ({ provider }, url) => {
      const pool = poolOf({ tpm: 5000, concurrency: 1 }, { queue: { max: 1, maxWait: 100 } })
      const openai = openaiOf(url, pool)
      const refusedAs = (code: string, says: RegExp) => (error: unknown) => {
        assert.ok(error instanceof RateLimitError || error instanceof NotFoundError, String(error))
        assert.equal(error.headers?.get('x-sluice-refused'), code)
        assert.match(error.message, says)
        return true
      }
      const unknown = openai.chat.completions.create({ ...HELLO, model: 'other' })
      await assert.rejects(
        unknown,
        refusedAs('unknown_model', /404 sluice: not sent: request.model: expected one of m/),
      )
      const large = openai.chat.completions.create({ ...HELLO, max_tokens: 6000 })
      await assert.rejects(large, refusedAs('never_fits', /at most .*would never fit/))
      const stop = new AbortController()
      const first = openai.chat.completions.create(HELLO, { signal: stop.signal }).catch((error: unknown) => error)
      await until('the first to be under way', () => standing(pool).inflight === 1)
      const second = openai.chat.completions.create(HELLO)
      await until('the second to wait', () => standing(pool).queued === 1)
      const third = openai.chat.completions.create(HELLO)
      await assert.rejects(third, refusedAs('queue_full', /queue is full/))
      await assert.rejects(second, refusedAs('queue_timeout', /no slot came free/))
      const late = pool.with({ deadline: performance.now() + 10 }, () => openai.chat.completions.create(HELLO))
      await assert.rejects(late, refusedAs('deadline', /in time(; it could begin in [\d.ms]+)?$/))
      stop.abort()
      assert.ok((await first) instanceof APIUserAbortError)
      assert.equal(provider.tally.arrived, 1)
      await pool.close()
      await assert.rejects(openai.chat.completions.create(HELLO), (error) => {
        assert.ok(error instanceof InternalServerError)
        return error.headers?.get('x-sluice-refused') === 'closed'
      })
      const free = wrapOpenai(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }), pool, { unknown: 'pass' })
      await assert.rejects(free.chat.completions.create({ ...HELLO, model: 'other' }, { timeout: 50, maxRetries: 0 }))
      assert.equal(provider.tally.arrived, 2)
    })
  })

  it('the timeout of the SDK begins when a request is really sent, for each attempt', async () => {
    await withEmulator({ engine: { ttft: 60_000 } }, async ({ provider }, url) => {
      const pool = poolOf()
      const call = openaiOf(url, pool, { timeout: 100, maxRetries: 1 }).chat.completions.create(HELLO)
      await assert.rejects(call, APIConnectionTimeoutError)
      assert.equal(provider.tally.arrived, 2)
      assert.equal(standing(pool).inflight, 0)
      await until('the provider to know', () => newest(provider).fate === 'aborted')
    })
  })

  it('the context of pool.with reaches the pool through the SDK', async () => {
    await withEmulator({}, async (_, url) => {
      const tenants: string[] = []
      const pool = poolOf({}, { weight: (tenant) => (tenants.push(tenant), 1) })
      const openai = openaiOf(url, pool)
      await pool.with({ tenant: 'acme' }, () => openai.chat.completions.create(HELLO))
      await pool.with({ tenant: 'zeta' }, () => openai.chat.completions.stream(HELLO).finalContent())
      assert.deepEqual([...new Set(tenants)], ['acme', 'zeta'])
    })
  })

  it('a stream that is left is settled by what came of it', async () => {
    await withEmulator({ output: 1000, engine: { tokensPerSecond: 50 } }, async (_, url) => {
      const pool = poolOf({ tpm: 1e6 })
      let read = 0
      for await (const chunk of await openaiOf(url, pool).chat.completions.create({ ...HELLO, stream: true }))
        if (chunk.choices[0]?.delta.content && ++read === 5) break
      const { used, inflight, unknown, settled } = standing(pool)
      assert.deepEqual([inflight, settled, unknown], [0, 1, 0])
      // Several may come in one piece of the network.
      assert.ok(used.output >= 5 && used.output <= 25, `${used.output}`)
    })
  })

  it('an answer that nobody reads ends when it is thrown away', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await withEmulator({ output: 1000, engine: { tokensPerSecond: 100 } }, async ({ provider }, url) => {
      const pool = poolOf()
      const openai = openaiOf(url, pool)
      const kept: unknown[] = []
      for (let count = 0; count < 3; count++)
        kept.push(await openai.chat.completions.create({ ...HELLO, stream: true }).asResponse())
      assert.equal(standing(pool).inflight, 3)
      kept.length = 0
      await until('them to be collected', () => {
        collect()
        return standing(pool).inflight === 0 && provider.model.active === 0
      })
    })
  })

  it('passes on models it does not know, where it is told to, with the retries of the SDK', async () => {
    const fault = { kind: 'server-error' } as const
    await withEmulator({ faults: [{ fault, count: 2 }] }, async ({ provider }, url) => {
      const pool = poolOf()
      const plain = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' })
      await wrapOpenai(plain, pool, { unknown: 'pass' }).chat.completions.create({ ...HELLO, model: 'other' })
      assert.deepEqual([provider.tally.arrived, standing(pool).begun], [3, 0])
    })
  })

  it('is for its client only', () => {
    // @ts-expect-error not a client
    assert.throws(() => wrapOpenai({}, poolOf()), /wrapOpenai: expected a client of the package openai/)
  })
})
