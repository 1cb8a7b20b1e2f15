import { checkWhole } from '../ground/index.ts'
import type { LimitAlgorithm, Step } from './limit.ts'

/**
 * A limit that does not move: right when the capacity is known and never changes, wrong otherwise.
 * @param limit a whole number of at least 1
 * @throws RangeError for a limit out of range
 */
export function fixed(limit: number): LimitAlgorithm<null> {
  checkWhole('fixed.limit', limit, 1)
  const step: Step<null> = {
    state: null,
    limit,
    reason: 'fixed',
    until: { samples: 1, error: 1, atLeast: 1000, atMost: 1000 },
  }
  return { name: 'fixed', init: () => step, step: () => step }
}
