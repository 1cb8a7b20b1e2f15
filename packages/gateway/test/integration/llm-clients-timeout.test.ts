import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { LlmPool } from 'sluice/llm'
import { withEmulator } from './emulate-rig.ts'
import { anthropicOf, HELLO, MODEL, openaiOf, poolOf, standing } from './llm-clients-rig.ts'

/** So long an SDK waits for an attempt, and so long a call waits for its turn, in ms. */
const [TIMEOUT, QUEUE] = [300, 600]

type Create = (url: string, pool: LlmPool) => Promise<unknown>

/** What everybody writes first: a `fetch` that waits. */
function waitingFetch(pool: LlmPool): typeof fetch {
  return async (input, init) => {
    const lease = await pool.acquire({
      model: MODEL,
      input: 10,
      maxOutput: 10,
      ...(init?.signal && { signal: init.signal }),
    })
    try {
      return await fetch(input, init)
    } finally {
      lease.settle()
    }
  }
}

const WRAPPED: Readonly<Record<'openai' | 'anthropic', Create>> = {
  openai: (url, pool) => openaiOf(url, pool, { timeout: TIMEOUT }).chat.completions.create(HELLO),
  anthropic: (url, pool) => anthropicOf(url, pool, { timeout: TIMEOUT }).messages.create(HELLO),
}
const CONTROL: typeof WRAPPED = {
  openai: (url, pool) =>
    new OpenAI({
      baseURL: `${url}/v1`,
      apiKey: 'any',
      timeout: TIMEOUT,
      fetch: waitingFetch(pool),
    }).chat.completions.create(HELLO),
  anthropic: (url, pool) =>
    new Anthropic({ baseURL: url, apiKey: 'any', timeout: TIMEOUT, fetch: waitingFetch(pool) }).messages.create(HELLO),
}

/** A pool whose only slot is taken for so long as it is queued, and how often somebody asked for it. */
async function held(during: (pool: LlmPool, asked: () => number) => Promise<void>, forEver: boolean): Promise<void> {
  const pool = poolOf({ concurrency: 1 })
  const lease = await pool.acquire({ model: MODEL, input: 1 })
  let asked = 0
  const counted: LlmPool = Object.create(pool, {
    acquire: { value: (...given: Parameters<LlmPool['acquire']>) => (asked++, pool.acquire(...given)) },
    maxWait: { value: pool.maxWait },
  }) as LlmPool
  const timer = forEver ? undefined : setTimeout(() => lease.settle(), QUEUE)
  try {
    await during(counted, () => asked)
  } finally {
    clearTimeout(timer)
    lease.settle()
    assert.equal(standing(pool).inflight, 0)
  }
}

describe(`an SDK timeout of ${TIMEOUT} ms and ${QUEUE} ms of queueing`, () => {
  for (const name of ['openai', 'anthropic'] as const) {
    it(`${name}, wrapped: one place in the queue, one request, one answer`, async () => {
      await withEmulator({}, async ({ provider }, url) => {
        await held(async (pool, asked) => {
          await WRAPPED[name](url, pool)
          assert.deepEqual([asked(), provider.tally.arrived, provider.tally.completed], [1, 1, 1])
        }, false)
      })
    })

    it(`${name}, waiting in its fetch (control): three places in the queue, no request, an error`, async () => {
      await withEmulator({}, async ({ provider }, url) => {
        // Each of its attempts is over before its turn comes, however often it tries.
        await held(async (pool, asked) => {
          await assert.rejects(CONTROL[name](url, pool), /timed out/)
          assert.deepEqual([asked(), provider.tally.arrived], [3, 0])
        }, true)
      })
    })
  }
})
