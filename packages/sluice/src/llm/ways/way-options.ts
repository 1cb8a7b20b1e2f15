import type { WallClock, World } from '../../ground/index.ts'
import type { TokenEstimator } from '../estimator.ts'

/** What every way into a pool takes. */
export interface WayOptions extends World {
  /** Counts prompts, and learns from what the provider counts. Default: one for each pool. */
  readonly estimator?: TokenEstimator
  /**
   * What happens to a call of a model the pool has no limits for: `refuse` answers 404 with a message that says so, `pass`
   * lets it through uncounted. Default `refuse`.
   */
  readonly unknown?: 'refuse' | 'pass'
  /** The wall clock, for headers that name instants. Default: the platform's. */
  readonly wall?: WallClock
}
