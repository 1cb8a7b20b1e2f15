import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { APIError as AnthropicError } from '@anthropic-ai/sdk'
import { generateText, jsonSchema, streamText, tool, type ToolSet } from 'ai'
import { APIError, APIConnectionError, InternalServerError } from 'openai'
import { until } from './proxy-rig.ts'
import { wish } from './emulate-rig.ts'
import { aiOf, anthropicOf, HELLO, openaiOf, withDoor } from './llm-gateway-rig.ts'

const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } } } as const
const FUNCTION = { name: 'weather', parameters: { ...PARAMETERS } }
const TOOL = { type: 'function' as const, function: FUNCTION }
/** Both what SDKs do by themselves and what they do where somebody else tries again. */
const OPTIONS = [{}, { maxRetries: 0 }] as const

describe('S2.3 unmodified SDKs through the gateway', () => {
  for (const options of OPTIONS) {
    const how = 'maxRetries' in options ? 'maxRetries 0' : 'defaults'

    it(`openai chat and Responses, ${how}: whole, streamed, with tools, and the usage is known`, async () => {
      await withDoor({ emulators: [{ output: 6 }] }, async ({ url, door, emulator }) => {
        const openai = openaiOf(url, options)
        const whole = await openai.chat.completions.create(HELLO)
        assert.equal(whole.choices[0]!.message.content, 'the gate opens for whoever can')
        const stream = await openai.chat.completions.create({ ...HELLO, stream: true })
        let text = ''
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
        assert.equal(text, whole.choices[0]!.message.content)
        const called = await openai.chat.completions.stream({ ...HELLO, tools: [TOOL] }).finalChatCompletion()
        const call = called.choices[0]!.message.tool_calls![0]!
        assert.ok(call.type === 'function')
        assert.deepEqual(JSON.parse(call.function.arguments), { city: 'sample' })
        const plain = await openai.responses.create({ model: 'm', input: 'hello' })
        assert.equal(plain.output_text, text)
        const final = await openai.responses.stream({ model: 'm', input: 'hello' }).finalResponse()
        assert.equal(final.usage!.output_tokens, 6)
        assert.equal(door.counts.admitted, 5)
        await until('all to be free', () => door.line.status.inflight === 0)
        assert.deepEqual([door.line.status.tokens, door.status.held], [0, { count: 0, bytes: 0, tokens: 0 }])
        assert.equal(emulator.provider.tally.completed, 5)
        // The estimator has learned from the provider's count of the prompt.
        assert.ok(door.estimator.seen('m') >= 3)
      })
    })

    it(`@anthropic-ai/sdk, ${how}: whole, streamed, with tools`, async () => {
      await withDoor({ emulators: [{ profile: 'anthropic', output: 6 }] }, async ({ url, door }) => {
        const anthropic = anthropicOf(url, options)
        const whole = await anthropic.messages.create(HELLO)
        assert.deepEqual(whole.content[0], { type: 'text', text: 'the gate opens for whoever can' })
        const streamed = await anthropic.messages.stream(HELLO).finalMessage()
        assert.equal(streamed.usage.output_tokens, 6)
        const tools = [{ name: 'weather', input_schema: { ...PARAMETERS } }]
        const called = await anthropic.messages.stream({ ...HELLO, tools }).finalMessage()
        const use = called.content.find((block) => block.type === 'tool_use')
        assert.deepEqual(use?.input, { city: 'sample' })
        assert.equal(door.counts.admitted, 3)
      })
    })
  }

  it('ai: whole, streamed, with tools, of either dialect', async () => {
    for (const dialect of ['openai', 'anthropic'] as const)
      await withDoor({ emulators: [{ profile: dialect, output: 6 }] }, async ({ url }) => {
        const model = aiOf(url, dialect)
        const whole = await generateText({ model, prompt: 'hello' })
        assert.equal(whole.text, 'the gate opens for whoever can')
        const streamed = streamText({ model, prompt: 'hello', maxRetries: 0 })
        let text = ''
        for await (const part of streamed.textStream) text += part
        assert.equal(text, whole.text)
        assert.equal((await streamed.usage).outputTokens, 6)
        const inputSchema = jsonSchema<{ city: string }>(PARAMETERS)
        const tools: ToolSet = {
          weather: tool({ description: 'it', inputSchema, execute: () => Promise.resolve('rain') }),
        }
        const called = await generateText({ model, prompt: 'hello', tools })
        assert.deepEqual(called.toolCalls[0]!.input, { city: 'sample' })
      })
  })

  it('errors of the provider pass as they are, and the SDK retries them itself', async () => {
    const faults = [{ fault: { kind: 'overloaded' as const }, count: 1 }]
    await withDoor({ emulators: [{ faults }] }, async ({ url, emulator, door }) => {
      await openaiOf(url).chat.completions.create(HELLO)
      assert.equal(emulator.provider.tally.refused.overloaded, 1)
      const fault = wish({ fault: { kind: 'overloaded' } })
      await assert.rejects(openaiOf(url, { maxRetries: 0 }).chat.completions.create(HELLO, fault), (error) => {
        assert.ok(error instanceof InternalServerError)
        return error.status === 503 && error.code === 'server_is_overloaded'
      })
      await assert.rejects(openaiOf(url).chat.completions.create({ ...HELLO, messages: [] }), { status: 400 })
      assert.equal(door.counts.retried, 0)
    })
  })

  it('where the gateway owns retries it tries again, and what it gives up on is not tried again', async () => {
    const faults = [{ fault: { kind: 'overloaded' as const }, count: 1 }]
    const yaml = 'retries: { owner: gateway, attempts: 2 }'
    await withDoor({ yaml, emulators: [{ faults }] }, async ({ url, emulator, door }) => {
      await openaiOf(url, { maxRetries: 0 }).chat.completions.create(HELLO)
      assert.deepEqual([emulator.provider.tally.refused.overloaded, door.counts.retried], [1, 1])
      await assert.rejects(openaiOf(url).chat.completions.create(HELLO, wish({ fault: { kind: 'overloaded' } })), {
        status: 503,
      })
      // Two of the gateway's, and none of the SDK's.
      assert.equal(emulator.provider.tally.refused.overloaded, 3)
    })
  })

  it('a stream cut in the middle of a line breaks, and is told nothing that would be read as the rest of it', async () => {
    for (const [sent, told] of [
      ['data: {"choices":[]}\n\ndata: {"choi', false],
      ['data: {"choices":[]}\n', true],
      ['', true],
    ] as const) {
      const listener: RequestListener = (req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        res.write(sent, () => setImmediate(() => req.socket.destroy()))
      }
      await withDoor({ listener }, async ({ url, door }) => {
        const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(HELLO) })
        let text = ''
        await assert.rejects(async () => {
          for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part
        })
        assert.equal(text.slice(0, sent.length), sent)
        assert.equal(text.slice(sent.length).startsWith('\n\ndata: {"error":'), told, JSON.stringify(text))
        if (!told) assert.equal(text, sent)
        await until('it to be free', () => door.line.status.inflight === 0)
      })
    }
  })

  it('a refusal in a stream of Responses is an error the AI SDK understands', async () => {
    const yaml = 'queue: { maxWait: 40ms, hold: 0ms }\ninflight: { count: 1, adaptive: false }'
    await withDoor({ yaml, emulators: [{ engine: { ttft: 300 } }] }, async ({ url, door }) => {
      const first = openaiOf(url).chat.completions.create(HELLO)
      await until('the place to be taken', () => door.line.status.inflight === 1)
      let told: unknown
      const model = createOpenAI({ apiKey: 'any', baseURL: `${url}/v1` }).responses('m')
      const streamed = streamText({ model, prompt: 'x', maxRetries: 0, onError: ({ error }) => void (told = error) })
      await streamed.consumeStream()
      assert.match(JSON.stringify(told), /could not begin in time/)
      assert.doesNotMatch(String(told), /validation/i)
      await first
    })
  })

  it('errors in a stream, and streams that are cut, are errors', async () => {
    const engine = { tokensPerSecond: 1000 }
    await withDoor({ emulators: [{ output: 20, engine }] }, async ({ url, door }) => {
      for (const kind of ['stream-error', 'cut']) {
        const call = openaiOf(url).chat.completions.create(
          { ...HELLO, stream: true },
          wish({ fault: { kind, after: 3 } }),
        )
        let text = ''
        await assert.rejects(
          async () => {
            for await (const chunk of await call) text += chunk.choices[0]?.delta.content ?? ''
          },
          (error) => error instanceof APIError || error instanceof APIConnectionError,
        )
        assert.equal(text, 'the gate opens')
      }
      await until('all to be free', () => door.line.status.inflight === 0)
    })
    await withDoor({ emulators: [{ profile: 'anthropic', output: 20, engine }] }, async ({ url }) => {
      const call = anthropicOf(url).messages.create(
        { ...HELLO, stream: true },
        wish({ fault: { kind: 'cut', after: 3 } }),
      )
      await assert.rejects(async () => {
        for await (const event of await call) void event
      }, AnthropicError)
    })
  })

  it('every byte of an answer and of a request passes as it came', async () => {
    await withDoor({ emulators: [{ output: 9 }] }, async ({ url, emulator }) => {
      const body =
        '{ "messages":[{"role":"user","content":"h\\u00e9llo"}],\n "model" : "m","max_tokens":9, "user":"x" }'
      const ask = async (to: string): Promise<string> => {
        const answer = await fetch(`${to}/v1/chat/completions`, { method: 'POST', body })
        return (await answer.text()).replaceAll(/chatcmpl-\w+|"created":\d+|req_\w+/g, '')
      }
      assert.equal(await ask(url), await ask(`http://127.0.0.1:${emulator.port}`))
    })
  })
})
