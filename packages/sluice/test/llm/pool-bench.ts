import assert from 'node:assert/strict'
import { isRejection, RejectedError, seeded, type RejectionCode } from '../../src/ground/index.ts'
import {
  llmPool,
  provider,
  type LimitOptions,
  type LlmLease,
  type LlmPool,
  type LlmPoolOptions,
  type LlmRequest,
  type ModelLimits,
} from '../../src/llm/index.ts'
import { StepClock } from './step-clock.ts'

/** In ms. */
export const MINUTE = 60_000
/** A minute's limits of a provider that reserves and refunds. */
export const limitsOf = (more: Partial<LimitOptions> = {}): ModelLimits =>
  provider.openai({ model: 'm', rpm: 600, tpm: 60_000, modes: { tokens: 'reserve-refund' }, ...more })
export const small: LlmRequest = { model: 'm', input: 100, maxOutput: 100 }

export interface Bench {
  readonly clock: StepClock
  readonly pool: LlmPool
}

export function bench(options: Partial<LlmPoolOptions> = {}): Bench {
  const clock = new StepClock()
  return { clock, pool: llmPool({ limits: [limitsOf()], clock, random: seeded(1), wall: () => 0, ...options }) }
}

/** A pool that knows its provider: the first answers have come, and nothing is corrected any more. */
export async function warmed(options: Partial<LlmPoolOptions> = {}): Promise<Bench> {
  const made = bench(options)
  const lease = await within(made.clock, made.pool.acquire({ ...small, input: 1, maxOutput: 1 }))
  lease.settle({ input: 1, output: 1 })
  await made.clock.pass(5 * MINUTE)
  return made
}

/** What a promise becomes within so many ms of virtual time. */
export async function within<T>(clock: StepClock, promise: Promise<T>, duration = 1000): Promise<T> {
  let done = false
  const watch = promise.then(
    () => (done = true),
    () => (done = true),
  )
  await clock.pass(duration)
  assert.ok(done, 'no answer in time')
  await watch
  return promise
}

export function isRefused(code: RejectionCode): (error: unknown) => boolean {
  return (error) => error instanceof RejectedError && isRejection(error.rejection) && error.code === code
}

/** Takes as many as are let in at once. */
export async function takeAll({ clock, pool }: Bench, request: LlmRequest, most = 1000): Promise<LlmLease[]> {
  const leases: LlmLease[] = []
  for (let count = 0; count < most; count++)
    pool.acquire({ ...request, maxWait: 0.5 }).then(
      (lease) => leases.push(lease),
      () => undefined,
    )
  await clock.pass(10)
  return leases
}
