// Calls that are given up, in every phase, through every way into a pool; and how soon that is known.
import assert from 'node:assert/strict'
import OpenAI from 'openai'
import type { LlmPool } from 'sluice/llm'
import { startEmulator, type Emulator } from '../../src/emulate/index.ts'
import { HELLO, MODEL, poolOf, standing, WAYS, type Ask } from './llm-clients-rig.ts'

/** The official client as it is, without a pool: what the machine and the SDK take for themselves. */
const DIRECT: Ask = async (url, _, { stream, signal }) => {
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 })
  const answer = await openai.chat.completions.create({ ...HELLO, stream }, { signal })
  if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
}

export type Way = keyof typeof WAYS | 'direct'
export const PHASES = ['queued', 'first token', 'stream', 'whole answer', 'retry'] as const
export type Phase = (typeof PHASES)[number]

/** What has to be true before the call is given up. */
const READY: Readonly<Record<Phase, (pool: LlmPool, emulator: Emulator) => boolean>> = {
  queued: (pool) => standing(pool).queued === 1,
  'first token': (_, { provider }) => provider.engine.busy === 1,
  stream: (_, { provider }) => provider.model.active === 1 && (provider.log.last(1)[0]?.produced ?? 0) > 2,
  'whole answer': (_, { provider }) => provider.engine.busy === 1,
  // It was refused, and its connection is free again.
  retry: (pool) => Object.keys(standing(pool).refusals).length === 1,
}

/** An emulator in which each call gets as far as that phase and no further. */
export function emulatorFor(phase: Phase): Promise<Emulator> {
  const limits = {}
  if (phase === 'stream') return startEmulator({ limits, engine: { tokensPerSecond: 1000 }, output: 1000, logSize: 4 })
  if (phase === 'retry') return startEmulator({ limits, faults: [{ fault: { kind: 'server-error' } }], logSize: 4 })
  return startEmulator({ limits, engine: { ttft: 60_000 }, logSize: 4 })
}

/** The next turn of the event loop: finer than any timer. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function soon(what: string, isTrue: () => boolean): Promise<void> {
  const from = performance.now()
  while (!isTrue()) {
    if (performance.now() - from > 5000) throw new Error(`waited 5 s for ${what}`)
    await nextTurn()
  }
}

/**
 * Makes a call, gives it up in that phase, and says how long it took until everybody knew: the caller, the pool, and the
 * provider where the call had got there, in ms.
 */
export async function giveUp(way: Way, phase: Phase, emulator: Emulator, pool: LlmPool): Promise<number> {
  const { provider } = emulator
  const hold = phase === 'queued' ? await pool.acquire({ model: MODEL, input: 1 }) : undefined
  const abort = new AbortController()
  const before = provider.tally.arrived
  const stream = phase === 'first token' || phase === 'stream'
  let isOver = false
  const ask = way === 'direct' ? DIRECT : WAYS[way]
  const call = ask(`http://127.0.0.1:${emulator.port}`, pool, { stream, signal: abort.signal })
    .catch(() => {})
    .finally(() => (isOver = true))
  await soon(`the phase ${phase}`, () => READY[phase](pool, emulator))
  assert.equal(isOver, false)
  const record = provider.log.last(1)[0]
  const from = provider.wall
  abort.abort()
  const holding = hold === undefined ? 0 : 1
  await soon('everybody to know', () => {
    const { inflight, queued } = standing(pool)
    return isOver && inflight === holding && queued === 0 && record?.fate !== 'open'
  })
  await call
  const took = provider.wall - from
  hold?.settle()
  assert.equal(provider.tally.arrived - before, phase === 'queued' ? 0 : 1)
  assert.deepEqual([provider.engine.busy, provider.model.active], [0, 0])
  return took
}

/** A pool for `giveUp`: of one slot where it is to wait. */
export function poolFor(phase: Phase): LlmPool {
  return poolOf(phase === 'queued' ? { concurrency: 1 } : { rpm: 1e6 })
}

/** @param part 0.99 for the 99th percentile */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!
}
