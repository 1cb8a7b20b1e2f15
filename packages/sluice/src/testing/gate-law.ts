import type { Random } from '../ground/index.ts'
import type { GateCore } from '../gate/index.ts'
import type { VirtualClock } from '../sim/index.ts'

/** What every gate is held to. */
export const GATE_LAWS = {
  1: 'every arrival gets exactly one answer',
  2: 'tryEnter, and enter with maxWait 0, answer before they return',
  3: 'what is in flight is known, at least 0, and at most the limit whenever somebody is let in',
  4: 'ending a permit again, in whatever way, does nothing; ending it never throws',
  5: 'cancel() answers `cancelled` before it returns; after the answer it does nothing',
  6: 'when all has ended every part of the gate holds nothing, and `queued` is always how many wait',
  7: 'no timer outlives the waiting it was for',
  8: 'a later answer runs in the async context of whoever asked',
  9: 'the same seed and the same script give the same answers',
  10: 'nobody waits longer than it said, is let in after that, or is refused for its deadline before it',
  11: 'answers that throw, or use the gate while it answers, break nothing',
  12: 'a closed gate refuses everybody with `closed`, and nothing else does; permits in use end as usual',
  13: 'nobody waits while there is room; where first come is first served, nobody gets past those who wait',
  14: 'an arrival that makes no sense throws a RangeError that names the field, and takes nothing',
  15: 'whoever listens to its pressure hears of every arrival and ending that changes it',
} as const

/** What a gate under test is made with. */
export interface LawWorld {
  readonly clock: VirtualClock
  readonly random: Random
}

/** What a play needs to know of its gate. */
export interface GateTraits {
  /** An `AsyncLocalStorage`. Without one law 8 is not tried. */
  readonly context?: AsyncContext
  /** True where first come is first served. Default false: the gate may choose whom it serves. */
  readonly fifo?: boolean
}

/** An `AsyncLocalStorage`, or what is like one. */
export interface AsyncContext {
  run<T>(store: unknown, body: () => T): T
  getStore(): unknown
}

/** The gates that a gate is made of in the end, where something may be held. */
export function leavesOf(core: GateCore): GateCore[] {
  return core.parts === undefined || core.parts.length === 0 ? [core] : core.parts.flatMap(leavesOf)
}
