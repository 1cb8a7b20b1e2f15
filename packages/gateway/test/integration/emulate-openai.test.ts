import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OpenAI, { APIError, InternalServerError, NotFoundError, RateLimitError } from 'openai'
import { newest, wish, withEmulator } from './emulate-rig.ts'

const HELLO = { model: 'gpt-x', messages: [{ role: 'user' as const, content: 'hello there' }] }
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
  },
}

function client(url: string, options: { maxRetries?: number } = { maxRetries: 0 }): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', ...options })
}

describe('the emulator and openai', () => {
  it('a plain answer, with its usage and its limits', async () => {
    await withEmulator({ limits: { requests: 500, tokens: 30_000 }, output: 7 }, async (_, url) => {
      const { data, response, request_id } = await client(url).chat.completions.create(HELLO).withResponse()
      assert.equal(data.choices[0]!.message.content, 'the gate opens for whoever can be')
      assert.equal(data.choices[0]!.finish_reason, 'stop')
      const { prompt_tokens, completion_tokens, total_tokens } = data.usage!
      assert.deepEqual([completion_tokens, total_tokens], [7, prompt_tokens + 7])
      assert.equal(response.headers.get('x-ratelimit-limit-tokens'), '30000')
      assert.equal(response.headers.get('x-ratelimit-reset-requests'), '120ms')
      assert.match(request_id ?? '', /^req_/)
    })
  })

  it('a stream ends with its usage where that was asked for', async () => {
    await withEmulator({ output: 5, engine: { ttft: 5, tokensPerSecond: 500 } }, async (_, url) => {
      for (const include_usage of [true, false]) {
        const stream = await client(url).chat.completions.create({
          ...HELLO,
          stream: true,
          stream_options: { include_usage },
        })
        let text = ''
        let usage: unknown
        for await (const chunk of stream) {
          text += chunk.choices[0]?.delta.content ?? ''
          if (chunk.usage) {
            assert.deepEqual(chunk.choices, [])
            usage = chunk.usage.completion_tokens
          }
        }
        assert.equal(text, 'the gate opens for whoever')
        assert.equal(usage, include_usage ? 5 : undefined)
      }
    })
  })

  it('max_tokens cuts it short', async () => {
    await withEmulator({ output: 50 }, async (_, url) => {
      const answer = await client(url).chat.completions.create({ ...HELLO, max_tokens: 3 })
      assert.equal(answer.choices[0]!.finish_reason, 'length')
      assert.equal(answer.usage!.completion_tokens, 3)
    })
  })

  it('tools: called, streamed or not, and answered in words once they have said something', async () => {
    await withEmulator({}, async (_, url) => {
      const first = await client(url).chat.completions.create({ ...HELLO, tools: [WEATHER] })
      const call = first.choices[0]!.message.tool_calls![0]!
      assert.ok(call.type === 'function')
      assert.deepEqual(
        [call.function.name, JSON.parse(call.function.arguments)],
        ['weather', { city: 'sample', days: 1 }],
      )
      assert.equal(first.choices[0]!.finish_reason, 'tool_calls')
      const stream = client(url).chat.completions.stream({ ...HELLO, tools: [WEATHER] })
      const streamed = (await stream.finalChatCompletion()).choices[0]!.message.tool_calls![0]!
      assert.ok(streamed.type === 'function')
      assert.equal(streamed.function.arguments, call.function.arguments)
      const result = { role: 'tool' as const, tool_call_id: call.id, content: 'rain' }
      const messages = [...HELLO.messages, first.choices[0]!.message, result]
      const last = await client(url).chat.completions.create({ model: 'gpt-x', messages, tools: [WEATHER] })
      assert.equal(typeof last.choices[0]!.message.content, 'string')
    })
  })

  it('runs a loop of tools to its end', async () => {
    await withEmulator({}, async (_, url) => {
      const seen: unknown[] = []
      const runner = client(url).chat.completions.runTools({
        ...HELLO,
        tools: [
          {
            type: 'function',
            function: {
              name: 'weather',
              description: 'the weather',
              parameters: WEATHER.function.parameters,
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
      assert.deepEqual(seen, [{ city: 'sample', days: 1 }])
    })
  })

  it('Responses: plain, streamed, with tools, and cut short', async () => {
    await withEmulator({ output: 6 }, async (_, url) => {
      const openai = client(url)
      const plain = await openai.responses.create({ model: 'gpt-x', input: 'hello' })
      assert.equal(plain.output_text, 'the gate opens for whoever can')
      assert.equal(plain.usage!.output_tokens, 6)
      const stream = openai.responses.stream({ model: 'gpt-x', input: 'hello' })
      const final = await stream.finalResponse()
      assert.equal(final.output_text, plain.output_text)
      assert.equal(final.usage!.output_tokens, 6)
      const tools = [{ type: 'function' as const, strict: false, ...WEATHER.function }]
      const called = await openai.responses.stream({ model: 'gpt-x', input: 'hello', tools }).finalResponse()
      const call = called.output[0]!
      assert.ok(call.type === 'function_call')
      assert.deepEqual(JSON.parse(call.arguments), { city: 'sample', days: 1 })
      const short = await openai.responses.create({ model: 'gpt-x', input: 'hello', max_output_tokens: 2 })
      assert.deepEqual([short.status, short.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }])
    })
  })

  it('structured answers fit their schema', async () => {
    await withEmulator({}, async (_, url) => {
      const schema = { type: 'object', properties: { ok: { type: 'boolean' } } }
      const format = { type: 'json_schema' as const, json_schema: { name: 'x', schema } }
      const answer = await client(url).chat.completions.create({ ...HELLO, response_format: format })
      assert.equal(answer.choices[0]!.message.content, '{"ok":true}')
    })
  })

  it('the list of models, and one that does not exist', async () => {
    await withEmulator({ models: ['gpt-x', 'gpt-y'] }, async (_, url) => {
      const names: string[] = []
      for await (const { id } of client(url).models.list()) names.push(id)
      assert.deepEqual(names, ['gpt-x', 'gpt-y'])
      assert.equal((await client(url).models.retrieve('gpt-y')).id, 'gpt-y')
      await assert.rejects(client(url).chat.completions.create({ ...HELLO, model: 'gpt-z' }), (error) => {
        assert.ok(error instanceof NotFoundError)
        return error.code === 'model_not_found'
      })
    })
  })

  it('a call that makes no sense is a 400, one without the key a 401, and both are told why', async () => {
    await withEmulator({ key: 'secret' }, async (_, url) => {
      await assert.rejects(client(url).chat.completions.create(HELLO), { status: 401, code: 'invalid_api_key' })
      const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'secret' })
      await assert.rejects(openai.chat.completions.create({ ...HELLO, messages: [] }), {
        status: 400,
        param: 'messages',
      })
      await assert.rejects(openai.chat.completions.create({ ...HELLO, max_tokens: -1 }), /max_tokens/)
      const half = await fetch(`${url}/v1/responses`, {
        method: 'POST',
        body: '{"a',
        headers: { 'x-api-key': 'secret' },
      })
      assert.equal(half.status, 400)
      await half.text()
      const deep = `{"model":"m","messages":[{"content":${'['.repeat(200_000)}${']'.repeat(200_000)}}]}`
      for (const [path, body] of [
        ['chat/completions', deep],
        ['messages', deep],
        ['models/%E0%A4%A', undefined],
        ['nowhere', '{}'],
      ] as const) {
        const method = body === undefined ? 'GET' : 'POST'
        const answer = await fetch(`${url}/v1/${path}`, {
          method,
          headers: { 'x-api-key': 'secret' },
          ...(body && { body }),
        })
        assert.ok(answer.status < 500, `${path} ${answer.status}`)
        await answer.text()
      }
      assert.equal((await openai.models.list()).data.length, 1)
    })
  })

  it('a limit that is reached is a RateLimitError with the published sentence', async () => {
    await withEmulator({ limits: { tokens: 30_000 }, retryAfter: 'ms' }, async (_, url) => {
      await client(url).chat.completions.create({ ...HELLO, max_tokens: 29_000 })
      await assert.rejects(client(url).chat.completions.create({ ...HELLO, max_tokens: 5000 }), (error) => {
        assert.ok(error instanceof RateLimitError)
        assert.deepEqual([error.code, error.type], ['rate_limit_exceeded', 'tokens'])
        const [, used, again] = /Limit 30000, Used (\d+), Requested 5000\. Please try again in ([\d.]+)s\./.exec(
          error.message,
        )!
        assert.equal(Number(again), Math.floor(((Number(used) + 5000 - 30_000) * 60_000) / 30_000) / 1000)
        const hint = Number(error.headers.get('retry-after-ms'))
        assert.ok(Math.abs(hint - Number(again) * 1000) <= 3, `${hint}`)
        return true
      })
    })
  })

  it('with its defaults the SDK waits as told, and then gets through; with maxRetries 0 it does not', async () => {
    // 3,000 tokens come in a minute: 15 take 300 ms.
    await withEmulator(
      { limits: { tokens: 3000 }, retryAfter: 'ms', failedCount: false },
      async ({ provider }, url) => {
        await client(url).chat.completions.create({ ...HELLO, max_tokens: 3000 })
        const began = performance.now()
        await client(url, {}).chat.completions.create({ ...HELLO, max_tokens: 15 })
        assert.ok(performance.now() - began > 250)
        assert.deepEqual([provider.tally.admitted, provider.tally.refused], [2, { tokens: 1 }])
        await assert.rejects(client(url).chat.completions.create({ ...HELLO, max_tokens: 3000 }), RateLimitError)
        assert.equal(provider.tally.refused.tokens, 2)
      },
    )
  })

  it("x-should-retry false ends the SDK's retries at once", async () => {
    await withEmulator({ shouldRetry: true }, async ({ provider }, url) => {
      const call = client(url, {}).chat.completions.create(HELLO, wish({ fault: { kind: 'spend' } }))
      await assert.rejects(call, { code: 'insufficient_quota' })
      assert.deepEqual(provider.tally.refused, { spend: 1 })
    })
  })

  it('a burst of 503 is retried through', async () => {
    await withEmulator({ faults: [{ fault: { kind: 'overloaded' }, count: 1 }] }, async ({ provider }, url) => {
      await client(url, {}).chat.completions.create(HELLO)
      assert.equal(provider.tally.refused.overloaded, 1)
      await assert.rejects(
        client(url).chat.completions.create(HELLO, wish({ fault: { kind: 'overloaded' } })),
        (error) => error instanceof InternalServerError && error.status === 503,
      )
    })
  })

  it('a cut stream has no usage, an error in a stream is an APIError', async () => {
    await withEmulator({ output: 20, engine: { tokensPerSecond: 1000 } }, async ({ provider }, url) => {
      const read = async (fault: object): Promise<string> => {
        const streamed = { ...HELLO, stream: true as const, stream_options: { include_usage: true } }
        const stream = await client(url).chat.completions.create(streamed, wish({ fault }))
        let text = ''
        let usage = false
        try {
          for await (const chunk of stream) {
            text += chunk.choices[0]?.delta.content ?? ''
            usage ||= Boolean(chunk.usage)
          }
          return 'ended'
        } catch (error) {
          assert.equal(usage, false)
          assert.equal(text, 'the gate opens')
          return error instanceof APIError ? `APIError ${error.status}` : 'cut'
        }
      }
      assert.equal(await read({ kind: 'cut', after: 3 }), 'cut')
      assert.equal(await read({ kind: 'stream-error', after: 3 }), 'APIError undefined')
      assert.deepEqual([newest(provider).fate, newest(provider).produced], ['broken', 3])
    })
  })

  it("Azure's paths and headers", async () => {
    await withEmulator({ profile: 'azure', limits: { requests: 60, tokens: 6000 } }, async (_, url) => {
      const deployment = new OpenAI({ baseURL: `${url}/openai/deployments/mine`, apiKey: 'any', maxRetries: 0 })
      const { data, response } = await deployment.chat.completions.create({ ...HELLO, max_tokens: 1000 }).withResponse()
      assert.equal(data.model, 'mine')
      assert.equal(Number(response.headers.get('x-ratelimit-remaining-tokens')) <= 5000, true)
      await assert.rejects(deployment.chat.completions.create({ ...HELLO, max_tokens: 5500 }), (error) => {
        assert.ok(error instanceof RateLimitError)
        return Number(error.headers.get('retry-after-ms')) > 1000 && error.headers.get('retry-after') === null
      })
    })
  })
})
