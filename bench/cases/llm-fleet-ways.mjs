// How a process of the fleet's benchmark makes a call: with the official SDK and the pool, or with what else there is. Each
// is made with a job and answers a function that makes one call, or fails.
import Anthropic from '@anthropic-ai/sdk'
import Bottleneck from 'bottleneck'
import { Redis } from 'ioredis'
import OpenAI from 'openai'
import { anthropicMiddleware, llmPool, provider, tokenEstimator, wrapOpenai } from 'sluice/llm'
import { ioRedis, redisBuckets } from 'sluice/redis'
import { setTimeout as sleep } from 'node:timers/promises'
import { PROFILES, textOf } from './llm-fleet-profiles.mjs'

const MINUTE = 60_000

function openaiCall(client) {
  return ({ input, maxOutput, output }) =>
    client.chat.completions.create(
      { model: 'm', max_tokens: maxOutput, messages: [{ role: 'user', content: textOf(input) }] },
      { headers: { 'x-emulate': JSON.stringify({ output }) } },
    )
}

function anthropicCall(client) {
  return ({ input, maxOutput, output }) =>
    client.messages.create(
      { model: 'm', max_tokens: maxOutput, messages: [{ role: 'user', content: textOf(input) }] },
      { headers: { 'x-emulate': JSON.stringify({ output }) } },
    )
}

/** There is no client of Google's here: plain `fetch`, by hand. */
function geminiCall(pool, url, bias) {
  return ({ input, maxOutput, output }) =>
    pool.run({ model: 'm', input: input * bias, maxOutput }, async (lease) => {
      const response = await fetch(`${url}/v1beta/models/m:generateContent`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-emulate': JSON.stringify({ output }) },
        body: JSON.stringify({
          contents: [{ role: 'user', parts: [{ text: textOf(input) }] }],
          generationConfig: { maxOutputTokens: maxOutput },
        }),
      })
      const body = await response.json()
      if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status, body })
      lease.heard(response.headers)
      lease.settle({ input: body.usageMetadata.promptTokenCount, output: body.usageMetadata.candidatesTokenCount })
    })
}

/** An estimator that finds only so much of what there is, whatever it learns. */
function biased(bias) {
  const honest = tokenEstimator()
  return { ...honest, tokens: (measure, model) => Math.ceil(bias * honest.tokens(measure, model)), learn: () => {} }
}

function pool({ profile, url, redis, key, bias = 1 }) {
  const { way, make, limits } = PROFILES[profile]
  const client = new Redis({ port: redis, host: '127.0.0.1', retryStrategy: () => 200 })
  client.on('error', () => {})
  const port = ioRedis(client)
  const made = llmPool({
    limits: [provider[make]({ model: 'm', key, ...limits })],
    store: redisBuckets(port),
    queue: { maxWait: 10 * MINUTE },
  })
  const options = bias === 1 ? {} : { estimator: biased(bias) }
  const call = {
    openai: () => openaiCall(wrapOpenai(new OpenAI({ apiKey: 'any', baseURL: `${url}/v1` }), made, options)),
    anthropic: () =>
      anthropicCall(new Anthropic({ apiKey: 'any', baseURL: url, middleware: [anthropicMiddleware(made, options)] })),
    gemini: () => geminiCall(made, url, bias),
  }[way]()
  return {
    call,
    status: () => made.status()[0],
    close: async () => {
      await made.close()
      await port.close()
      client.disconnect()
    },
  }
}

/** With what the official client does by itself. */
function sdk({ url }) {
  return { call: openaiCall(new OpenAI({ apiKey: 'any', baseURL: `${url}/v1` })), close: () => {} }
}

/** A token bucket as everybody writes it once: it refills all the time, callers take in turn. */
class OwnBucket {
  constructor(limit) {
    this.limit = limit
    this.left = limit
    this.at = performance.now()
    this.turn = Promise.resolve()
  }

  take(tokens) {
    this.turn = this.turn.then(async () => {
      for (;;) {
        const now = performance.now()
        this.left = Math.min(this.limit, this.left + ((now - this.at) * this.limit) / MINUTE)
        this.at = now
        if (this.left >= tokens) break
        await sleep(Math.max(1, ((tokens - this.left) * MINUTE) / this.limit))
      }
      this.left -= tokens
    })
    return this.turn
  }
}

/** The whole limit in each process, counted as the provider does; the SDK's backoff beneath. */
function bucket(job) {
  const own = new OwnBucket(PROFILES[job.profile].limit)
  const { call, close } = sdk(job)
  return { call: (asked) => own.take(Math.max(asked.input, asked.maxOutput)).then(() => call(asked)), close }
}

/** One limiter for all processes over Redis: a reservoir of the whole limit that refills four times a second. */
async function bottleneck(job) {
  const { limit } = PROFILES[job.profile]
  const limiter = new Bottleneck({
    id: job.key,
    datastore: 'ioredis',
    Redis,
    clientOptions: { port: job.redis, host: '127.0.0.1' },
    reservoir: limit,
    reservoirIncreaseAmount: limit / 240,
    reservoirIncreaseInterval: 250,
    reservoirIncreaseMaximum: limit,
  })
  limiter.on('error', () => {})
  await limiter.ready()
  const { call, close } = sdk(job)
  return {
    call: (asked) => limiter.schedule({ weight: Math.max(asked.input, asked.maxOutput) }, () => call(asked)),
    close: async () => {
      close()
      await limiter.disconnect()
    },
  }
}

/**
 * What the script in OpenAI's cookbook does, from its description: capacity that refills all the time, three quarters of
 * the limit as it advises, prompt and `max_tokens` counted; one request after the other is let go; no backoff of the SDK's,
 * up to five attempts, each put back into the line. Every process has its part of it.
 */
function cookbook(job) {
  const own = new OwnBucket((0.75 * PROFILES[job.profile].limit) / job.processes)
  const call = openaiCall(new OpenAI({ apiKey: 'any', baseURL: `${job.url}/v1`, maxRetries: 0 }))
  return {
    call: async (asked) => {
      for (let attempt = 1; ; attempt++)
        try {
          await own.take(asked.input + asked.maxOutput)
          return await call(asked)
        } catch (error) {
          if (attempt === 5) throw error
        }
    },
    close: () => {},
  }
}

export const WAYS = { pool, sdk, bucket, bottleneck, cookbook }
