import { checkNumber, type Instant, type Millis } from '../ground/index.ts'

export interface RefillOptions {
  /** How many tokens come back in `per`. Above 0. */
  readonly tokens: number
  /** In ms. Above 0. Default 1000: `tokens` a second. */
  readonly per?: Millis
  /** How many can be saved up. At least 1. Default: `tokens`, though at least 1. */
  readonly capacity?: number
}

/**
 * How a bucket fills. What is in it is one number, kept elsewhere: the instant `fullAt` at which it would be full if
 * nobody came any more. That is the generic cell rate algorithm (ITU-T I.371): nothing is counted up as time passes, so
 * nothing drifts.
 */
export interface Refill {
  /** The most tokens that can be saved up. */
  readonly capacity: number
  /** Ms for one token to come back. */
  readonly interval: Millis
}

/** @throws RangeError for an option out of range, named after `field` */
export function refillOf(field: string, options: RefillOptions): Refill {
  const tokens = checkNumber(`${field}.tokens`, options.tokens, Number.MIN_VALUE)
  const per = checkNumber(`${field}.per`, options.per ?? 1000, Number.MIN_VALUE)
  const capacity = checkNumber(`${field}.capacity`, options.capacity ?? Math.max(1, tokens), 1)
  return { capacity, interval: per / tokens }
}

// These run at every arrival: written so that V8 inlines them wherever they stand.

/** Tokens at hand; below 0 while in debt. */
export function tokensAt(refill: Refill, fullAt: Instant, time: Instant): number {
  return fullAt > time ? refill.capacity - (fullAt - time) / refill.interval : refill.capacity
}

/** How long until so many are at hand, in ms. */
export function timeUntil(refill: Refill, fullAt: Instant, tokens: number, time: Instant): Millis {
  return Math.max(0, fullAt - time - (refill.capacity - tokens) * refill.interval)
}

/**
 * When it is full once so many more are taken; below 0 gives them back. One that has been full for a while owes from now
 * on: the time since then was lost to it, not saved.
 */
export function fullAfter(refill: Refill, fullAt: Instant, tokens: number, time: Instant): Instant {
  return (fullAt > time ? fullAt : time) + tokens * refill.interval
}

/** True where one that is full at `fullAt` is not overdrawn. A millionth of a token is rounding, not greed. */
export function isCovered(refill: Refill, fullAt: Instant, time: Instant): boolean {
  return fullAt <= time + (refill.capacity + 1e-6) * refill.interval
}

/**
 * What must be settled by: what was used beyond the estimate, below 0 what comes back. A figure that makes no sense
 * settles nothing: one NaN would open a bucket for ever, one Infinity close it; and a fair queue would stay unfair.
 */
export function overuse(estimated: number, actual: number): number {
  return actual >= 0 && actual <= Number.MAX_SAFE_INTEGER ? actual - estimated : 0
}
