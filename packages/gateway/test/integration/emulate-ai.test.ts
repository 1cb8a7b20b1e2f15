import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import {
  APICallError,
  generateText,
  jsonSchema,
  Output,
  RetryError,
  stepCountIs,
  streamText,
  tool,
  type LanguageModel,
} from 'ai'
import { wish, withEmulator } from './emulate-rig.ts'

const WAYS: Readonly<Record<string, (url: string) => LanguageModel>> = {
  'openai chat': (url) => createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).chat('gpt-x'),
  'openai responses': (url) => createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).responses('gpt-x'),
  anthropic: (url) => createAnthropic({ baseURL: `${url}/v1`, apiKey: 'any' })('claude-y'),
}

for (const [name, modelAt] of Object.entries(WAYS))
  describe(`the emulator and ai, ${name}`, () => {
    it('plain and streamed', async () => {
      await withEmulator({ output: 5, engine: { tokensPerSecond: 1000 } }, async (_, url) => {
        const model = modelAt(url)
        const { text, usage } = await generateText({ model, prompt: 'hello' })
        assert.equal(text, 'the gate opens for whoever')
        assert.equal(usage.outputTokens, 5)
        const stream = streamText({ model, prompt: 'hello' })
        assert.equal(await stream.text, text)
        assert.equal((await stream.usage).outputTokens, 5)
        assert.equal(await stream.finishReason, 'stop')
      })
    })

    it('tools, to the end of their loop', async () => {
      await withEmulator({}, async (_, url) => {
        const seen: unknown[] = []
        const inputSchema = jsonSchema<{ city: string }>({
          type: 'object',
          properties: { city: { type: 'string' } },
          additionalProperties: false,
        })
        const weather = tool({
          description: 'the weather',
          inputSchema,
          execute: async (input) => {
            seen.push(input)
            return 'rain'
          },
        })
        const { text, steps } = await generateText({
          model: modelAt(url),
          prompt: 'hello',
          tools: { weather },
          stopWhen: stepCountIs(3),
        })
        assert.deepEqual(seen, [{ city: 'sample' }])
        assert.equal(steps.length, 2)
        assert.match(text, /^the gate/)
        const stream = streamText({
          model: modelAt(url),
          prompt: 'hello',
          tools: { weather },
          stopWhen: stepCountIs(3),
        })
        assert.match(await stream.text, /^the gate/)
        assert.equal(seen.length, 2)
      })
    })

    it('structured answers', async () => {
      await withEmulator({}, async (_, url) => {
        const schema = jsonSchema<{ ok: boolean }>({
          type: 'object',
          properties: { ok: { type: 'boolean' } },
          required: ['ok'],
          additionalProperties: false,
        })
        const { output } = await generateText({
          model: modelAt(url),
          prompt: 'hello',
          output: Output.object({ schema }),
        })
        assert.deepEqual(output, { ok: true })
      })
    })

    it('a refusal is retried with its defaults, where it may be, and not with maxRetries 0', async () => {
      const engineless = { retryAfter: 'ms', limits: { requests: 600 }, capacity: 100 } as const
      await withEmulator(engineless, async ({ provider }, url) => {
        const model = modelAt(url)
        await generateText({ model, prompt: 'hello' })
        // One a tenth of a second, and the SDK waits as told.
        await generateText({ model, prompt: 'hello' })
        await generateText({ model, prompt: 'hello' })
        assert.equal(provider.tally.admitted, 3)
        assert.ok(Object.keys(provider.tally.refused).length <= 1)
        const refused = generateText({
          model,
          prompt: 'hello',
          maxRetries: 0,
          ...wish({ fault: { kind: 'overloaded' } }),
        })
        await assert.rejects(
          refused,
          (error) => APICallError.isInstance(error) && error.isRetryable && !RetryError.isInstance(error),
        )
      })
    })
  })
