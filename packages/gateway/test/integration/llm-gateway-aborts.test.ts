import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { llmPool, provider } from 'sluice/llm'
import { newest } from './emulate-rig.ts'
import { anthropicOf, HELLO, openaiOf, withDoor, type Rig, type RigOptions } from './llm-gateway-rig.ts'
import { connect, until } from './proxy-rig.ts'

/** Between a client's leaving and the server's knowing. It takes single ms; this machine may have other things to do. */
const SOON = 1000

type Start = (url: string, stream: boolean, signal: AbortSignal) => Promise<unknown>

const CLIENTS: Readonly<Record<string, Start>> = {
  openai: async (url, stream, signal) => {
    const answer = await openaiOf(url).chat.completions.create({ ...HELLO, stream }, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  anthropic: async (url, stream, signal) => {
    const answer = await anthropicOf(url).messages.create({ ...HELLO, stream }, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  ai: async (url, _, signal) => {
    const model = createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).chat('m')
    const stream = streamText({ model, prompt: 'hello', abortSignal: signal, onError: () => {} })
    for await (const part of stream.textStream) void part
  },
}

/** Everything is free again. */
async function free({ door }: Rig): Promise<void> {
  const held = JSON.stringify({ count: 0, bytes: 0, tokens: 0 })
  await until('all to be free', () => {
    const { inflight, waiting } = door.line.status
    return inflight === 0 && waiting === 0 && JSON.stringify(door.status.held) === held
  })
}

const PATIENT: RigOptions = { emulators: [{ engine: { ttft: 60_000 } }] }

describe('S2.4 a client that leaves ends its generation at once', () => {
  for (const [name, start] of Object.entries(CLIENTS))
    for (const stream of name === 'ai' ? [true] : [true, false]) {
      const how = `${name}, ${stream ? 'streaming' : 'not streaming'}`

      it(`${how}: queued, before the first token, in the middle`, async (t) => {
        await withDoor({ ...PATIENT, yaml: 'inflight: { count: 1, adaptive: false }' }, async (rig) => {
          const [first, second] = [new AbortController(), new AbortController()]
          const calls = [start(rig.url, stream, first.signal).catch(() => {})]
          await until('one to be asked', () => rig.emulator.provider.engine.busy === 1)
          calls.push(start(rig.url, stream, second.signal).catch(() => {}))
          await until('one to wait', () => rig.door.line.status.waiting === 1)
          second.abort()
          await until('it to be gone', () => rig.door.line.status.waiting === 0)
          const record = newest(rig.emulator.provider)
          const left = rig.emulator.provider.wall
          first.abort()
          await until('the server to know', () => record.fate !== 'open')
          assert.deepEqual([record.fate, record.leftIn], ['aborted', 'first-token'])
          t.diagnostic(`before the first token: known after ${(record.ended! - left).toFixed(1)} ms`)
          assert.ok(record.ended! - left < SOON)
          await Promise.all(calls)
          await free(rig)
          const { upload, waiting, asked } = rig.door.counts.departed
          assert.deepEqual([upload, waiting, asked], [0, 1, 1])
        })
        await withDoor({ emulators: [{ engine: { tokensPerSecond: 100 }, output: 1000 }] }, async (rig) => {
          const { provider: model } = rig.emulator
          const abort = new AbortController()
          const call = start(rig.url, stream, abort.signal).catch(() => {})
          await until('tokens', () => (model.log.last(1)[0]?.produced ?? 0) > 3)
          const record = newest(model)
          const left = model.wall
          abort.abort()
          await until('the server to know', () => record.fate !== 'open')
          t.diagnostic(`in the middle: known after ${(record.ended! - left).toFixed(1)} ms`)
          assert.ok(record.fate === 'aborted' && record.ended! - left < SOON && record.produced < 200)
          await call
          await free(rig)
        })
      })
    }

  it('in the middle of the upload', async () => {
    await withDoor({}, async (rig) => {
      const client = await connect(rig.port)
      client.send('POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{"model"')
      await until('it to hold its bytes', () => rig.door.status.held.bytes === 1000)
      client.leave()
      await free(rig)
      assert.equal(rig.door.counts.departed.upload, 1)
      assert.equal(rig.emulator.provider.tally.arrived, 0)
    })
  })

  it('in the sleep before another attempt', async () => {
    const yaml = 'retries: { owner: gateway, attempts: 10 }'
    const faults = [{ fault: { kind: 'overloaded' as const } }]
    await withDoor({ yaml, emulators: [{ faults }] }, async (rig) => {
      const abort = new AbortController()
      const call = CLIENTS['openai']!(rig.url, true, abort.signal).catch(() => {})
      await until('the sleep', () => rig.door.counts.retried === 2 && rig.door.line.status.inflight === 0)
      abort.abort()
      await call
      await free(rig)
      const { arrived } = rig.emulator.provider.tally
      assert.deepEqual([rig.door.counts.departed.waiting, arrived], [1, 2])
    })
  })

  it('before a provider: waiting for its limit, and while it answers, where what was used is settled', async () => {
    const pool = (model: string): ReturnType<typeof llmPool> =>
      llmPool({ limits: [provider.openai({ model, tpm: 100_000, concurrency: 1 })] })
    const emulators = [{ engine: { tokensPerSecond: 100 }, output: 1000 }]
    await withDoor({ pool, emulators }, async (rig) => {
      const [first, second] = [new AbortController(), new AbortController()]
      const calls = [CLIENTS['openai']!(rig.url, true, first.signal).catch(() => {})]
      await until('tokens', () => (rig.emulator.provider.log.last(1)[0]?.produced ?? 0) > 3)
      calls.push(CLIENTS['openai']!(rig.url, true, second.signal).catch(() => {}))
      await until('one to wait', () => rig.door.line.status.waiting === 1)
      second.abort()
      await until('it to be gone', () => rig.door.line.status.waiting === 0)
      first.abort()
      await until('the provider to know', () => rig.emulator.provider.tally.aborted['decoding'] === 1)
      await Promise.all(calls)
      await free(rig)
      const next = await openaiOf(rig.url).chat.completions.create({ ...HELLO, max_tokens: 3 })
      assert.equal(next.usage!.completion_tokens, 3)
    })
  })
})
