import type { Clock, Instant, Millis, WallClock } from '../ground/index.ts'

/** A point on the wall clock, as grpc-js hands deadlines around: ms since 1970, or a `Date`. `Infinity` is none. */
export type WallInstant = Date | number

/** Later than that on arrival, in ms, a deadline is not late but told by another clock: it cannot be read. */
const OTHER_CLOCK: Millis = 1000

/** How long it is until a deadline, in ms; at least 0. `Infinity` without one, and for one no clock here can have set. */
export function timeUntil(deadline: WallInstant, wall: WallClock): Millis {
  const left = Number(deadline) - wall()
  return left > -OTHER_CLOCK ? Math.max(0, left) : Infinity
}

/** The same deadline on a gate's clock; the earlier of the two where there is another. */
export function soonest(clock: Clock, left: Millis, other: Instant | undefined): Instant | undefined {
  if (left === Infinity) return other
  const deadline = clock.now() + left
  return other === undefined ? deadline : Math.min(deadline, other)
}
