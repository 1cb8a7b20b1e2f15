import { tokenEstimator, type TokenEstimator } from '../estimator.ts'
import type { LlmPool } from '../pool.ts'

const estimators = new WeakMap<LlmPool, TokenEstimator>()

/** What counts for a pool where nothing else is given: it learns from all ways into it. */
export function estimatorOf(pool: LlmPool): TokenEstimator {
  const known = estimators.get(pool) ?? tokenEstimator()
  estimators.set(pool, known)
  return known
}
