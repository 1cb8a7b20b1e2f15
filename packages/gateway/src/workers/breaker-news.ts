import type { BreakerState, Instant, Outcome } from 'sluice'

/** What a worker tells of its part of a breaker that is the same for all of them. */
export interface BreakerTold {
  /** While it was closed: when something ended, and 1 where it failed. */
  readonly events: Float64Array
  /** Under which state of the breaker that was. */
  readonly era: number
  /** Somebody asks to be a probe, by this number. */
  readonly asks?: number
  /** What came of the probe with a number. */
  readonly probed?: { readonly number: number; readonly outcome: Outcome }
  /** It is closed, and asks and tells no more. */
  readonly leaves: boolean
}

/** What all parts are told when it changes. */
export interface BreakerDecision {
  readonly state: BreakerState
  /** Counts the changes of state. */
  readonly era: number
  /** Not closed: nobody need ask to be a probe before. */
  readonly until: Instant
  /** To the one who asked. */
  readonly answer?: { readonly number: number; readonly admitted: boolean }
}
