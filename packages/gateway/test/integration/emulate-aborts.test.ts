import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { request } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import OpenAI from 'openai'
import type { Provider } from '../../src/emulate/index.ts'
import { until } from './proxy-rig.ts'
import { newest, withEmulator } from './emulate-rig.ts'

const HELLO = { model: 'm', max_tokens: 1000, messages: [{ role: 'user' as const, content: 'hello there' }] }
/** Between a client's leaving and the provider's knowing. It takes single ms; this machine may have other things to do. */
const SOON = 1000

type Start = (url: string, stream: boolean, signal: AbortSignal) => Promise<unknown>

const CLIENTS: Readonly<Record<string, Start>> = {
  openai: async (url, stream, signal) => {
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 })
    const answer = await openai.chat.completions.create({ ...HELLO, stream }, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  anthropic: async (url, stream, signal) => {
    const anthropic = new Anthropic({ baseURL: url, apiKey: 'any', maxRetries: 0 })
    const answer = await anthropic.messages.create({ ...HELLO, stream }, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  ai: async (url, _, signal) => {
    const model = createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).chat('m')
    const stream = streamText({ model, prompt: 'hello', abortSignal: signal, maxRetries: 0, onError: () => {} })
    for await (const part of stream.textStream) void part
  },
}

/** Starts a call, aborts it once `ready`, and says how long the provider took to know, in ms. */
async function abandon(
  provider: Provider,
  start: (signal: AbortSignal) => Promise<unknown>,
  ready: () => boolean,
): Promise<number> {
  const abort = new AbortController()
  const call = start(abort.signal).catch(() => {})
  await until('the phase', ready)
  const record = newest(provider)
  const left = provider.wall
  abort.abort()
  await call
  await until('the provider to know', () => record.fate !== 'open')
  assert.equal(record.fate, 'aborted')
  return record.ended! - left
}

describe('a client that leaves is known to the emulator within ms', () => {
  for (const [name, start] of Object.entries(CLIENTS)) {
    for (const stream of name === 'ai' ? [true] : [true, false]) {
      const how = stream ? 'streaming' : 'not streaming'

      it(`${name}, ${how}: queued`, async (t) => {
        await withEmulator({ engine: { slots: 1, ttft: 60_000 } }, async ({ provider }, url) => {
          const hold = new AbortController()
          const first = start(url, stream, hold.signal).catch(() => {})
          await until('the slot to be taken', () => provider.engine.busy === 1)
          const took = await abandon(
            provider,
            (signal) => start(url, stream, signal),
            () => provider.engine.queued === 1,
          )
          assert.equal(newest(provider).leftIn, 'queued')
          t.diagnostic(`known after ${took.toFixed(1)} ms`)
          assert.ok(took < SOON, `${took} ms`)
          hold.abort()
          await first
          await until('all to be free', () => provider.engine.busy === 0)
          assert.equal(provider.model.active, 0)
        })
      })

      it(`${name}, ${how}: before the first token`, async (t) => {
        await withEmulator({ engine: { ttft: 60_000 } }, async ({ provider }, url) => {
          const took = await abandon(
            provider,
            (signal) => start(url, stream, signal),
            () => provider.engine.busy === 1,
          )
          assert.deepEqual([newest(provider).leftIn, provider.model.active], ['first-token', 0])
          t.diagnostic(`known after ${took.toFixed(1)} ms`)
          assert.ok(took < SOON, `${took} ms`)
        })
      })

      it(`${name}, ${how}: in the middle of it`, async (t) => {
        const engine = { tokensPerSecond: 100 }
        await withEmulator(
          { engine, output: 1000, limits: { tokens: 1e6 }, mode: 'actual' },
          async ({ provider }, url) => {
            const took = await abandon(
              provider,
              (signal) => start(url, stream, signal),
              () => (provider.log.last(1)[0]?.produced ?? 0) > 3,
            )
            const { leftIn, produced, input } = newest(provider)
            assert.deepEqual([leftIn, provider.model.active, provider.engine.busy], ['decoding', 0, 0])
            t.diagnostic(`known after ${took.toFixed(1)} ms`)
            assert.ok(took < SOON, `${took} ms`)
            // Charged for what was made, and no more.
            assert.equal(provider.model.charged.tokens, input + produced)
            assert.ok(produced < 200)
          },
        )
      })
    }
  }

  it('in the middle of the upload', async () => {
    await withEmulator({}, async ({ provider, port }) => {
      const sending = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/v1/messages',
        headers: { 'content-length': 1000 },
      })
      sending.on('error', () => {})
      sending.write('{"model"')
      await until('the connection', () => sending.socket?.connecting === false)
      sending.destroy()
      await until('it to be counted', () => provider.tally.aborted.upload === 1)
      assert.equal(provider.tally.arrived, 0)
    })
  })

  it('one that stays to the end is no abort', async () => {
    await withEmulator({}, async ({ provider }, url) => {
      await CLIENTS['openai']!(url, true, new AbortController().signal)
      assert.equal(newest(provider).fate, 'done')
      assert.deepEqual(Object.values(provider.tally.aborted), [0, 0, 0, 0, 0])
    })
  })
})
