import type { Instant, Outcome } from 'sluice'

/** What a worker tells of its part of a limit that is found for all of them. */
export interface PartTold {
  /** What began and ended since it last told: when, the number of the work, and {@link BEGAN} or a place in {@link OUTCOMES}. */
  readonly events: Float64Array
  /** It has told everything up to here. */
  readonly until: Instant
  readonly inflight: number
  readonly queued: number
  /** Which decision it goes by, and since when. */
  readonly era: number
  readonly since: Instant
  /** It is closed, and nothing is in progress there any more. */
  readonly leaves: boolean
}

/** What a part is told. */
export interface PartDecision {
  /** What may be in flight there. */
  readonly permits: number
  /** The decision this is of. */
  readonly era: number
  /** Told to one of them when the limit of all has moved. */
  readonly moved?: { readonly from: number; readonly to: number; readonly reason: string }
}

/** So long a worker keeps what has happened before it tells it, in ms. */
export const KEPT = 10

/** It began. */
export const BEGAN = -1

export const OUTCOMES: readonly Outcome[] = ['success', 'dropped', 'ignored']
