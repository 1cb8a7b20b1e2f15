import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Anthropic, { APIError, InternalServerError, RateLimitError } from '@anthropic-ai/sdk'
import { newest, wish, withEmulator } from './emulate-rig.ts'

const HELLO = { model: 'claude-y', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello there' }] }
const WEATHER = {
  name: 'weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
}

function client(url: string, options: { maxRetries?: number } = { maxRetries: 0 }): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: 'any', ...options })
}

describe('the emulator and @anthropic-ai/sdk', () => {
  it('a plain answer, with its usage and its limits', async () => {
    const limits = { requests: 50, input: 30_000, output: 8000 }
    await withEmulator({ profile: 'anthropic', limits, output: 7 }, async (_, url) => {
      const { data, response, request_id } = await client(url).messages.create(HELLO).withResponse()
      const [block] = data.content
      assert.ok(block?.type === 'text')
      assert.equal(block.text, 'the gate opens for whoever can be')
      assert.deepEqual([data.stop_reason, data.usage.output_tokens], ['end_turn', 7])
      assert.equal(response.headers.get('anthropic-ratelimit-output-tokens-remaining'), '8000')
      assert.match(
        response.headers.get('anthropic-ratelimit-requests-reset') ?? '',
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
      )
      assert.match(request_id ?? '', /^req_/)
    })
  })

  it('a stream: usage of the prompt first, that of the answer cumulative', async () => {
    await withEmulator({ profile: 'anthropic', output: 5, engine: { tokensPerSecond: 500 } }, async (_, url) => {
      const stream = client(url).messages.stream(HELLO, wish({ cached: 4, cacheWrite: 2 }))
      const events: string[] = []
      stream.on('streamEvent', ({ type }) => events.push(type))
      const message = await stream.finalMessage()
      assert.deepEqual(
        [...new Set(events)],
        [
          'message_start',
          'content_block_start',
          'content_block_delta',
          'content_block_stop',
          'message_delta',
          'message_stop',
        ],
      )
      const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = message.usage
      assert.deepEqual([output_tokens, cache_read_input_tokens, cache_creation_input_tokens], [5, 4, 2])
      const { input_tokens: all } = (await client(url).messages.create(HELLO)).usage
      assert.equal(input_tokens, all - 6)
      const { model, messages } = HELLO
      assert.equal((await client(url).messages.countTokens({ model, messages })).input_tokens, all)
    })
  })

  it('max_tokens cuts it short, and is required', async () => {
    await withEmulator({ profile: 'anthropic', output: 50 }, async (_, url) => {
      assert.equal((await client(url).messages.create({ ...HELLO, max_tokens: 3 })).stop_reason, 'max_tokens')
      const body = JSON.stringify({ ...HELLO, max_tokens: undefined })
      const answer = await fetch(`${url}/v1/messages`, { method: 'POST', body })
      assert.equal(answer.status, 400)
      assert.deepEqual(await answer.json(), {
        type: 'error',
        error: { type: 'invalid_request_error', message: 'max_tokens: Field required' },
      })
    })
  })

  it('tools: called, streamed or not, and answered in words once they have said something', async () => {
    await withEmulator({ profile: 'anthropic' }, async (_, url) => {
      const first = await client(url).messages.create({ ...HELLO, tools: [WEATHER] })
      const [call] = first.content
      assert.ok(call?.type === 'tool_use')
      assert.deepEqual([call.name, call.input, first.stop_reason], ['weather', { city: 'sample' }, 'tool_use'])
      const streamed = (
        await client(url)
          .messages.stream({ ...HELLO, tools: [WEATHER] })
          .finalMessage()
      ).content[0]
      assert.ok(streamed?.type === 'tool_use')
      assert.deepEqual(streamed.input, call.input)
      const result = { type: 'tool_result' as const, tool_use_id: call.id, content: 'rain' }
      const messages = [
        ...HELLO.messages,
        { role: 'assistant' as const, content: first.content },
        { role: 'user' as const, content: [result] },
      ]
      const last = await client(url).messages.create({ ...HELLO, messages, tools: [WEATHER] })
      assert.equal(last.content[0]?.type, 'text')
    })
  })

  it('the list of models', async () => {
    await withEmulator({ profile: 'anthropic', models: ['claude-y'] }, async (_, url) => {
      const names: string[] = []
      for await (const { id } of client(url).models.list()) names.push(id)
      assert.deepEqual(names, ['claude-y'])
      assert.equal((await client(url).models.retrieve('claude-y')).display_name, 'claude-y')
    })
  })

  it('a limit that is reached is a RateLimitError with retry-after in seconds; spent money has none', async () => {
    await withEmulator({ profile: 'anthropic', limits: { requests: 1 } }, async (_, url) => {
      await client(url).messages.create(HELLO)
      await assert.rejects(client(url).messages.create(HELLO), (error) => {
        assert.ok(error instanceof RateLimitError)
        assert.equal(error.type, 'rate_limit_error')
        return Number(error.headers.get('retry-after')) === 60
      })
      const spent = client(url).messages.create(HELLO, wish({ fault: { kind: 'spend' } }))
      await assert.rejects(spent, (error) => error instanceof RateLimitError && !error.headers.has('retry-after'))
    })
  })

  it("529 is retried through with the SDK's defaults, and thrown with maxRetries 0", async () => {
    const faults = [{ fault: { kind: 'overloaded' }, count: 1 }] as const
    await withEmulator({ profile: 'anthropic', faults }, async ({ provider }, url) => {
      await client(url, {}).messages.create(HELLO)
      assert.equal(provider.tally.refused.overloaded, 1)
      const refused = client(url).messages.create(HELLO, wish({ fault: { kind: 'overloaded' } }))
      await assert.rejects(refused, (error) => error instanceof InternalServerError && error.status === 529)
    })
  })

  it('a stream that stalls goes on, one that is cut throws, and so does an error in it', async () => {
    await withEmulator(
      { profile: 'anthropic', output: 6, engine: { tokensPerSecond: 1000 } },
      async ({ provider }, url) => {
        const read = (fault: object): Promise<unknown> =>
          client(url).messages.stream(HELLO, wish({ fault })).finalMessage()
        const began = performance.now()
        await read({ kind: 'stall', after: 2, for: 200 })
        assert.ok(performance.now() - began >= 199)
        await assert.rejects(read({ kind: 'cut', after: 2 }))
        assert.deepEqual([newest(provider).fate, newest(provider).produced], ['broken', 2])
        await assert.rejects(read({ kind: 'stream-error', after: 2 }), (error) => {
          assert.ok(error instanceof APIError)
          return error.status === undefined && error.message.includes('overloaded_error')
        })
      },
    )
  })

  it('its clock may be wrong, in all it says', async () => {
    const options = { profile: 'anthropic', limits: { requests: 60 }, clockSkew: -3_600_000 } as const
    await withEmulator(options, async (_, url) => {
      const { response } = await client(url).messages.create(HELLO).withResponse()
      for (const name of ['date', 'anthropic-ratelimit-requests-reset']) {
        const said = Date.parse(response.headers.get(name) ?? '')
        assert.ok(Math.abs(said - (Date.now() - 3_600_000)) < 10_000, `${name} ${said}`)
      }
    })
  })
})
