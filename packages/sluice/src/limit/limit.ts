import type { Instant, Millis } from '../ground/index.ts'

/** What happened between two decisions of a limit algorithm. */
export interface Window {
  readonly start: Instant
  readonly end: Instant
  /** Arrivals that ended as `success`. */
  readonly completed: number
  /** Arrivals that ended as `dropped`. */
  readonly dropped: number
  /** The most that was in flight at once. */
  readonly peakInflight: number
  /** What was in flight on average over time. */
  readonly meanInflight: number
  /** The share of the time, 0 to 1, in which the limit held somebody back: 90 % of it in flight, or a queue. */
  readonly bound: number
  /**
   * Time in service (waiting in our own queue not counted) of those successes that began under the present limit:
   * what began under another one says nothing about this one.
   */
  readonly rtt: {
    readonly count: number
    readonly min: Millis
    readonly mean: Millis
    /** Relative standard error of the mean. */
    readonly error: number
    readonly p50: Millis
    readonly p90: Millis
    readonly p99: Millis
  }
}

/** When a window is full enough to decide upon. */
export interface WindowEnd {
  /** It lasts at least this long, in ms. */
  readonly atLeast: Millis
  /** It ends after this long with whatever it has, in ms, though never without a single sample or drop. */
  readonly atMost: Millis
  /** Between the two it ends with this many samples … */
  readonly samples: number
  /** … once the mean is at least this certain (relative standard error). */
  readonly error: number
}

/** A decision: the next limit and why. */
export interface Step<S> {
  /** Whatever the algorithm needs next time. Plain data: it survives JSON. */
  readonly state: S
  /** The new limit: finite, at least 1. Enforced rounded down. */
  readonly limit: number
  /** One or two words for people: `headroom`, `queueing`, `idle`. */
  readonly reason: string
  readonly until: WindowEnd
}

/**
 * A way to find a limit: a pure fold over windows. No clock, no chance, no mutation, so a recorded run can be
 * replayed, a limit restarted warm, and every decision explained. The laws in `sluice/testing` hold for each of them.
 */
export interface LimitAlgorithm<S = unknown> {
  readonly name: string
  init(): Step<S>
  step(state: S, window: Window): Step<S>
}
