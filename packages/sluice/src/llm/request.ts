import type { Instant, Millis, Priority } from '../ground/index.ts'
import { checkNumber, refuseValue } from '../ground/index.ts'
import { isLate } from '../gate/index.ts'

/** One call of a model, before it is made: what it is estimated to take, for whom, and how long it may wait. */
export interface LlmRequest {
  /** A model the pool has limits for; or several, in order of preference: the first that can serve it in time does. */
  readonly model: string | readonly string[]
  /** Tokens of the prompt, estimated. At least 0. */
  readonly input: number
  /** The most tokens it may answer: `max_tokens`. At least 0. Default: what the limit says; left out if the call leaves it out. */
  readonly maxOutput?: number
  /**
   * Tokens of `input` that are expected to come from the provider's cache. At least 0. Default: the part that nine of ten of
   * the last 64 of that tenant and `route` had at least, as far as the provider does not count it.
   */
  readonly cacheRead?: number
  /** Whom to be fair to, in tokens. Default: everybody together. */
  readonly tenant?: string
  /** Kind of work, for the prediction of how much is answered: `summary`, `chat`. Default: none. */
  readonly route?: string
  /** 3 is the most important. Default 2. */
  readonly priority?: Priority
  /** To begin after this is worth nothing. On the pool's clock. Default: none. */
  readonly deadline?: Instant
  /** How long it may wait, in ms. Default: what the pool's queue allows. */
  readonly maxWait?: Millis
  /** Stops the waiting. */
  readonly signal?: AbortSignal
}

/** What a call has really used, as the provider told it. What is not known is not there. */
export interface LlmUsage {
  /** Tokens of the prompt, all of them: those from the cache and those written to it included. */
  readonly input?: number | undefined
  /** Tokens answered, those of reasoning included. */
  readonly output?: number | undefined
  /** Of `input`: read from the cache. */
  readonly cacheRead?: number | undefined
  /** Of `input`: written to the cache. */
  readonly cacheWrite?: number | undefined
}

/** The figures of a request that charging goes by. */
export interface Asked {
  readonly input: number
  readonly maxOutput: number
  /** What of it a provider counts that reserves: all, or nothing where neither the request nor the provider says how much. */
  readonly reserved: number
  readonly cacheRead: number
  /** How much it is expected to answer: at most `maxOutput`. */
  readonly predicted: number
}

/** @throws RangeError naming the field that makes no sense; for a deadline on the wall clock, which would never come */
export function checkRequest(request: LlmRequest, now: Instant): void {
  const { model, input, maxOutput, cacheRead, tenant, route, priority, deadline, maxWait } = request
  if (typeof model !== 'string' && !Array.isArray(model)) refuseValue('request.model', model, 'a name, or several')
  checkNumber('request.input', input, 0, Number.MAX_SAFE_INTEGER)
  if (maxOutput !== undefined) checkNumber('request.maxOutput', maxOutput, 0, Number.MAX_SAFE_INTEGER)
  if (cacheRead !== undefined) checkNumber('request.cacheRead', cacheRead, 0, input)
  if (maxWait !== undefined) checkNumber('request.maxWait', maxWait, 0, Infinity)
  if (deadline !== undefined && (typeof deadline !== 'number' || Number.isNaN(deadline)))
    refuseValue('request.deadline', deadline, 'an instant in ms')
  if (deadline !== undefined) isLate(deadline, now)
  if (priority !== undefined && priority !== 0 && priority !== 1 && priority !== 2 && priority !== 3)
    refuseValue('request.priority', priority, '0, 1, 2 or 3')
  if (tenant !== undefined && typeof tenant !== 'string') refuseValue('request.tenant', tenant, 'a text')
  if (route !== undefined && typeof route !== 'string') refuseValue('request.route', route, 'a text')
}
