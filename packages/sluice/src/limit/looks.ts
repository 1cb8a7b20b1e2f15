import type { Instant, Millis } from '../ground/index.ts'

/** The last look above the limit: when it ended, how long it took, and how many more of them are due soon. */
export interface Lifted {
  readonly at: Instant
  readonly took: Millis
  readonly soon: number
}

/** How deep a look below the knee goes. */
export const DIP = 0.65
/** How far a look above the limit goes. */
export const LIFT = 1.25

/** The pauses between two looks: at least so many ms, and so many times as long as the look took. */
const DIP_EVERY: Millis = 2000
const LIFT_EVERY: Millis = 5000
/** A look below gives up a third of what can be done, so less than one in a hundred … */
const DIP_COST = 50
/** … and 99 of 100 do not see one above that lasts for less than this part of all time, with the queue after it. */
const LIFT_COST = 200
/** But no longer than this above: capacity that was added is to be found. */
const LIFT_AT_LATEST: Millis = 20_000
/** Capacity that was lost is often lost for a time: so many looks come sooner, by the same factor. */
export const SOON = 8
/** Without queueing at the limit there may be room, and a look above it costs the less: then it is sooner. */
const CALM_EVERY: Millis = 700
const CALM_COST = 4

/** How long after a look below the knee the next one is due. */
export function pauseBelow(took: Millis): Millis {
  return Math.max(DIP_EVERY, took * DIP_COST)
}

/** How long after a look above the limit the next one is due. */
export function pauseAbove({ took, soon }: Lifted, calm: boolean): Millis {
  if (calm) return Math.max(CALM_EVERY, took * CALM_COST)
  return Math.min(LIFT_AT_LATEST, Math.max(LIFT_EVERY, took * LIFT_COST)) / (soon > 0 ? SOON : 1)
}
