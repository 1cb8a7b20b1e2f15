import type { Instant, Millis } from '../ground/index.ts'

/** What happened between two decisions of a limit algorithm. */
export interface Window {
  readonly start: Instant
  readonly end: Instant
  /** Arrivals that ended as `success`. */
  readonly completed: number
  /** Arrivals that ended as `dropped`; where most of a cohort left late and without an answer, they as well. */
  readonly dropped: number
  /** The most that was in flight at once. */
  readonly peakInflight: number
  /** What was in flight on average over time. */
  readonly meanInflight: number
  /** The share of the time, 0 to 1, in which the limit held somebody back: 90 % of it in flight, or a queue. */
  readonly bound: number
  /** Ended early because work took twice as long as before: not yet a measure of how long it takes now. */
  readonly cut: boolean
  /**
   * Time in service (waiting in our own queue not counted) of the successes among one cohort: everybody who was let in
   * from the start of the window until there were enough, whether quick or slow.
   */
  readonly rtt: {
    readonly count: number
    readonly min: Millis
    readonly mean: Millis
    /**
     * The geometric mean: a few that take fifty times as long hardly move it, and everybody taking twice as long
     * doubles it. Those that have not ended yet count with the time they have taken so far. 0 without samples.
     */
    readonly typical: Millis
    /** Standard error of `typical`, as a share of it; 1 while unknown. */
    readonly error: number
    readonly p50: Millis
    readonly p90: Millis
    readonly p99: Millis
  }
}

/** How large the next window's cohort is. */
export interface WindowEnd {
  /** It has at least so many members … */
  readonly samples: number
  /** … and, where service times vary, enough for a mean this certain (relative standard error), up to 8 × `samples`. */
  readonly error: number
  /** The window lasts at least this long, in ms. */
  readonly atLeast: Millis
  /** With fewer members than that the window ends after this long, in ms, when all it has have ended. */
  readonly atMost: Millis
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
