import type { Millis } from 'sluice'
import type { Phase } from '../load/index.ts'

/** The shortest demo that can show all three phases. */
export const SHORTEST_DEMO: Millis = 10_000
/** At the very beginning, left out of what is judged: a process that has just started is slow at everything. */
export const WARMING: Millis = 1000
/** At the beginning of the spike, left out of what is judged: the limit has to be found first. */
export const SETTLING: Millis = 2000

/** What the demo does: the upstream, and the load that is offered to it. */
export interface Plan {
  readonly slots: number
  /** Time in a slot, in ms. */
  readonly service: Millis
  /** What the upstream can do, in answers a second. */
  readonly capacity: number
  /** `warm-up` and `before` at 0.8 of capacity, `onset` and `spike` at 3, `after` at 0.8. */
  readonly phases: readonly Phase[]
}

/**
 * A quarter of the time at 0.8 of capacity, 45 % at 3, and the rest at 0.8 again.
 * @throws RangeError below {@link SHORTEST_DEMO}
 */
export function plan(duration: Millis, slots = 20, service: Millis = 50): Plan {
  if (!(duration >= SHORTEST_DEMO))
    throw new RangeError(`the demo needs at least ${SHORTEST_DEMO / 1000}s, not ${duration / 1000}s`)
  const capacity = (slots / service) * 1000
  const calm = 0.8 * capacity
  const before = 0.25 * duration
  const spike = 0.45 * duration
  return {
    slots,
    service,
    capacity,
    phases: [
      { name: 'warm-up', rate: calm, duration: WARMING },
      { name: 'before', rate: calm, duration: before - WARMING },
      { name: 'onset', rate: 3 * capacity, duration: SETTLING },
      { name: 'spike', rate: 3 * capacity, duration: spike - SETTLING },
      { name: 'after', rate: calm, duration: duration - before - spike },
    ],
  }
}
