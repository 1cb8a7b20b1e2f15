import type { Window } from './limit.ts'

/** The most a limit is cut at once, and the least where there were losses: to so much of it. */
export const DEEPEST_CUT = 0.4
const LEAST_CUT = 0.9

/** What share of a limit is kept after losses: as much as was answered all the same. 1 where there were none to speak of. */
export function keptOf({ dropped, completed }: Window): number {
  // Several and at least one in ten: one stray error is no evidence.
  if (dropped < 2 || dropped < 0.1 * (completed + dropped)) return 1
  return Math.max(DEEPEST_CUT, Math.min(LEAST_CUT, completed / (completed + dropped)))
}
