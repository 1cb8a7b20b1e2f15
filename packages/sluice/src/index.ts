/**
 * Sluice: overload control. Everything that decides who comes in is a gate; a gate's answer is a permit or a refusal.
 * @module
 */
export {
  explain,
  isRejection,
  REFUSALS,
  RejectedError,
  Rejection,
  retryAfterOf,
  seeded,
  systemClock,
  systemRandom,
  worst,
} from './ground/index.ts'
export type {
  Arrival,
  Clock,
  Instant,
  Millis,
  Outcome,
  Permit,
  Pressure,
  Priority,
  Random,
  Refusal,
  RejectionCode,
  Signal,
  Timer,
  World,
} from './ground/index.ts'
export * from './limit/index.ts'
export * from './queue/index.ts'
// Not all of the floor: coordinators, too, are made of what buckets are made of.
export {
  breaker,
  BY_CPU,
  BY_UTILIZATION,
  consecutive,
  defineGate,
  failureRate,
  keyed,
  leakyBucket,
  limiter,
  retryBudget,
  semaphore,
  series,
  shadow,
  shedder,
  tokenBucket,
  tokenBuckets,
  when,
} from './gate/index.ts'
export type {
  Answer,
  Breaker,
  BreakerOptions,
  BreakerRule,
  BreakerState,
  BucketOptions,
  BucketStatus,
  DefineGateOptions,
  Entry,
  FailureRateOptions,
  Gate,
  GateCore,
  GateStats,
  KeyedOptions,
  LimiterOptions,
  Observer,
  RefillOptions,
  RetryBudget,
  RetryBudgetOptions,
  RunOptions,
  Semaphore,
  SemaphoreOptions,
  ShedderOptions,
  ShedThresholds,
  TokenAmounts,
  TokenBucket,
  TokenBucketOptions,
  TokenBuckets,
  TokenBucketsOptions,
  Verdict,
  Waiting,
} from './gate/index.ts'
export * from './stream/index.ts'
export * from './observe/index.ts'
