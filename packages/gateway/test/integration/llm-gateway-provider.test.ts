import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { llmPool, memoryBuckets, provider, type BucketsCoordinator } from 'sluice/llm'
import { until } from './proxy-rig.ts'
import { HELLO, openaiOf, withDoor } from './llm-gateway-rig.ts'

describe('S2.3 a provider with limits behind the gateway', () => {
  it('its limit is waited for, and a 429 of it is waiting, not an answer', async (t) => {
    // The pool does not know how little there is, and is not told before it is refused.
    const pool = (model: string): ReturnType<typeof llmPool> =>
      llmPool({ limits: [provider.openai({ model, tpm: 1_000_000 })], queue: { maxWait: 20_000 } })
    const limits = { tokens: 60_000 }
    const emulators = [{ limits, failedCount: false, headerFault: 'missing' as const, retryAfter: 'ms' as const }]
    await withDoor({ pool, emulators }, async ({ url, emulator, door }) => {
      const openai = openaiOf(url, { maxRetries: 0 })
      await openai.chat.completions.create({ ...HELLO, max_tokens: 60_000 })
      // 60,000 tokens come in a minute: 300 take 300 ms.
      const began = performance.now()
      await openai.chat.completions.create({ ...HELLO, max_tokens: 300 })
      const took = performance.now() - began
      t.diagnostic(`waited ${took.toFixed(0)} ms, ${door.counts.retried} times sent again`)
      // Nobody else uses the limit: as long as the provider says, and not until a tenth of it is free.
      assert.ok(took > 250 && took < 3000, `${took}`)
      const { completed, refused } = emulator.provider.tally
      assert.equal(completed, 2)
      assert.ok((refused.tokens ?? 0) > 0, 'the provider never refused: this proves nothing')
      assert.equal(door.counts.retried, refused.tokens)
    })
  })

  it('S3.5 while the store of the limits is gone, its answers say so', async () => {
    let isGone = false
    const memory = memoryBuckets()
    const store: BucketsCoordinator = {
      open: (...asked) => {
        const account = memory.open(...asked)
        return {
          state: (statement) => (isGone ? Promise.reject(new Error('gone')) : account.state(statement)),
          close: () => account.close(),
        }
      },
    }
    const pool = (model: string): ReturnType<typeof llmPool> =>
      llmPool({ limits: [provider.openai({ model, rpm: 100_000 })], store })
    await withDoor({ pool }, async ({ url, door }) => {
      const openai = openaiOf(url, { maxRetries: 0 })
      const told = async (): Promise<string | null> => {
        const { response } = await openai.chat.completions.create(HELLO).withResponse()
        return response.headers.get('sluice-degraded')
      }
      assert.equal(await told(), null)
      isGone = true
      let last: string | null = null
      const ask = async (): Promise<void> => {
        last = await told().catch(() => null)
      }
      const asking = setInterval(() => void ask(), 20)
      try {
        await until('it to be told', () => last === 'llm=share')
      } finally {
        clearInterval(asking)
      }
      assert.equal(door.line.models()[0]!.store, 'down')
    })
  })

  it('S2.6 after a refusal that says how long, the next one is told how long', async () => {
    const pool = (model: string): ReturnType<typeof llmPool> =>
      llmPool({ limits: [provider.openai({ model, rpm: 1000 })] })
    const listener: RequestListener = (_, res) => {
      const message =
        'Rate limit on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.'
      res.writeHead(429, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message } }))
    }
    await withDoor({ pool, listener }, async ({ url }) => {
      const openai = openaiOf(url, { maxRetries: 0 })
      await assert.rejects(openai.chat.completions.create(HELLO), { status: 429 })
      const next = openai.chat.completions.create(HELLO)
      await assert.rejects(next, { status: 503, message: /overloaded: its limits have room in 7m\d+(\.\d+)?s\.$/ })
    })
  })

  it('a model without limits is refused, and so is what never fits', async () => {
    const pool = (model: string): ReturnType<typeof llmPool> =>
      llmPool({ limits: [provider.openai({ model, rpm: 1000, tpm: 2000 })] })
    await withDoor({ pool }, async ({ url }) => {
      await assert.rejects(openaiOf(url).chat.completions.create({ ...HELLO, model: 'other' }), { status: 404 })
      const large = { ...HELLO, max_tokens: 5000 }
      await assert.rejects(openaiOf(url).chat.completions.create(large), { status: 413 })
    })
  })
})
