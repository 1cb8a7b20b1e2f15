import type { Millis, RejectedError, WallClock, World } from '../ground/index.ts'
import type { BucketsCoordinator, OnDown, SlotCoordinator } from '../coordinate/index.ts'
import type { LlmLease } from './lease.ts'
import type { ModeDoubt } from './mode-doubt.ts'
import type { ModelLimits } from './provider.ts'
import type { LlmUsage } from './request.ts'
import type { ServiceWeights } from './service.ts'

export interface LlmPoolOptions extends World {
  /** What the provider allows, model by model: made by `provider.openai(…)` and its like. At least one. */
  readonly limits: readonly ModelLimits[]
  /** Where the budgets are, which all processes share: `redisBuckets(…)`. Default: this process alone. */
  readonly store?: BucketsCoordinator
  /**
   * Where slots are shared, for `concurrency`, by a name that is another for each model and key:
   * `(key) => redisSlots(port, { key })`. Default: each process has its own `concurrency`.
   */
  readonly slots?: (key: string) => SlotCoordinator
  /** Who is let in while the store cannot be reached: see `fleetBuckets`. Default `share`. */
  readonly onDown?: OnDown
  readonly queue?: LlmQueueOptions
  /** How much a tenant counts among others: twice the weight, twice the tokens. Above 0. Default 1 for each. */
  readonly weight?: (tenant: string) => number
  /** What a token counts in the order of tenants. */
  readonly service?: ServiceWeights
  /**
   * What happens when the provider's headers say that it counts in another way than the profile: `switch` to the one that
   * fits, or only `warn`. `onMode` is told in both cases. Default `switch`.
   */
  readonly modes?: 'switch' | 'warn'
  readonly onMode?: (doubt: ModeDoubt) => void
  /** What becomes of a call that nobody ends. */
  readonly overdue?: LlmOverdueOptions
  /** Told of each such call. Default: a warning of the process, once for each model. */
  readonly onOverdue?: (lease: LlmLease) => void
  /** The wall clock, for dates in headers. Default: the platform's. */
  readonly wall?: WallClock
}

export interface LlmQueueOptions {
  /** How many may wait for each model. A whole number of at least 1. Default 10,000. */
  readonly max?: number
  /** The longest anybody waits, in ms. At least 0. Default 120,000. */
  readonly maxWait?: Millis
}

/** A call of which nothing is heard, no head, no token and no end, has been forgotten by whoever made it, or hangs. */
export interface LlmOverdueOptions {
  /**
   * Nothing is heard for so long, in ms; it is noticed up to a half later. At least 1000. Default 900,000: official SDKs wait
   * 600,000 for an answer.
   */
  readonly after?: Millis
  /**
   * `release`: it is settled, what it used being unknown: its slot comes back, its charge stays, and what is said of it later
   * is not heard. `hold`: it keeps its slot. Default `release`.
   */
  readonly policy?: 'hold' | 'release'
}

/** How `pool.run` goes about it. */
export interface LlmRunOptions<T> {
  /** How often it is tried in all. A whole number of at least 1. Default 3. */
  readonly attempts?: number
  /** What it has used, from its result. Default: nothing is known, and the charge stays, unless the work settles itself. */
  readonly usageOf?: (result: T) => LlmUsage | undefined
  /**
   * Another way to an answer where there is none in time: a batch, a cache, another provider. Called instead of failing
   * with `deadline`, `queue_full`, `queue_timeout`, `rate_limited` or `breaker_open`.
   */
  readonly overflow?: (refusal: RejectedError) => PromiseLike<T> | T
}
