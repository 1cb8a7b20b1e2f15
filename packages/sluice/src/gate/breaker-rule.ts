import { checkNumber, checkWhole, type Instant, type Millis } from '../ground/index.ts'

/** What makes a breaker trip: the decision, apart from the state machine. */
export interface BreakerRule {
  /** Notes how a piece of work ended. True when that is enough. */
  record(ok: boolean, now: Instant): boolean
  /** Forgets everything: the breaker has closed. */
  reset(): void
  /** True where `record` needs to know the time: a rule that does not costs no clock reading. */
  readonly timed: boolean
}

/** So many failures in a row. @param failures a whole number of at least 1 @throws RangeError out of range */
export function consecutive(failures: number): BreakerRule {
  checkWhole('consecutive.failures', failures, 1)
  let inARow = 0
  return {
    timed: false,
    record: (ok) => {
      inARow = ok ? 0 : inARow + 1
      return inARow >= failures
    },
    reset: () => {
      inARow = 0
    },
  }
}

export interface FailureRateOptions {
  /** The share of failures that is too much. Above 0, at most 1. Default 0.5. */
  readonly threshold?: number
  /** Over the last so many ms. At least 1. Default 10,000. */
  readonly window?: Millis
  /** With at least so many endings: one of one is no rate. A whole number of at least 1. Default 20. */
  readonly minimum?: number
}

const SLICES = 10

/** Too large a share of failures over a sliding window of ten slices. @throws RangeError for an option out of range */
export function failureRate(options: FailureRateOptions = {}): BreakerRule {
  const threshold = checkNumber('failureRate.threshold', options.threshold ?? 0.5, Number.MIN_VALUE, 1)
  const slice = checkNumber('failureRate.window', options.window ?? 10_000, 1) / SLICES
  const minimum = checkWhole('failureRate.minimum', options.minimum ?? 20, 1)
  const all = new Float64Array(SLICES)
  const failed = new Float64Array(SLICES)
  // A clock's origin is anywhere: its instants may be below 0.
  let current = -Infinity
  let total = 0
  let failures = 0

  const clear = (at: number): void => {
    total -= all[at]!
    failures -= failed[at]!
    all[at] = 0
    failed[at] = 0
  }

  return {
    timed: true,
    record: (ok, now) => {
      const number = Math.floor(now / slice)
      for (let skipped = Math.max(current + 1, number - SLICES + 1); skipped <= number; skipped++) clear(mod(skipped))
      if (number > current) current = number
      const at = mod(current)
      all[at]!++
      total++
      if (!ok) {
        failed[at]!++
        failures++
      }
      return total >= minimum && failures >= threshold * total
    },
    reset: () => {
      for (let at = 0; at < SLICES; at++) clear(at)
    },
  }
}

function mod(number: number): number {
  return ((number % SLICES) + SLICES) % SLICES
}
