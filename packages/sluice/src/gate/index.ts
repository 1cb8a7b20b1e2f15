export { algorithmOf } from './algorithm-of.ts'
export { breaker, type Breaker, type BreakerOptions, type BreakerState } from './breaker.ts'
export { consecutive, failureRate, type BreakerRule, type FailureRateOptions } from './breaker-rule.ts'
export { coreOf } from './core-of.ts'
export { defineGate, type DefineGateOptions } from './define.ts'
export { ForwardTime } from './forward-time.ts'
export type { Answer, Entry, Gate, GateCore, GateStats, Observer, RunOptions, Verdict, Waiting } from './gate.ts'
export { keyed, type KeyedOptions } from './keyed.ts'
export { limiter, type LimiterOptions } from './limiter.ts'
export { Meter } from './meter.ts'
export {
  fullAfter,
  isCovered,
  overuse,
  refillOf,
  timeUntil,
  tokensAt,
  type Refill,
  type RefillOptions,
} from './refill.ts'
export { retryBudget, type RetryBudget, type RetryBudgetOptions } from './retry-budget.ts'
export { semaphore, type Semaphore, type SemaphoreOptions } from './semaphore.ts'
export { series } from './series.ts'
export { shadow } from './shadow.ts'
export { BY_CPU, BY_UTILIZATION, shedder, type ShedderOptions, type ShedThresholds } from './shedder.ts'
export { isThenable } from './thenable.ts'
export { leakyBucket, tokenBucket, type TokenBucket, type TokenBucketOptions } from './token-bucket.ts'
export {
  tokenBuckets,
  type BucketOptions,
  type BucketStatus,
  type TokenAmounts,
  type TokenBuckets,
  type TokenBucketsOptions,
} from './token-buckets.ts'
export { TokenPermit, type Settler } from './token-permit.ts'
export { costOf, isLate, priorityOf } from './waiter.ts'
export { when } from './when.ts'
