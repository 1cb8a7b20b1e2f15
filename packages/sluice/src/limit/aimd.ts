import { checkNumber, type Millis } from '../ground/index.ts'
import { bounds, type BoundsOptions } from './bounds.ts'
import type { LimitAlgorithm, Step, WindowEnd } from './limit.ts'

export interface AimdOptions extends BoundsOptions {
  /**
   * Work that takes longer than this counts as lost, in ms, above 0. Default 1000. Without losses it is all that keeps
   * the limit down: set it to what the slowest healthy answer takes, and some more.
   */
  readonly timeout?: Millis
  /** What is left of the limit after a loss, from 0.5 to 0.99. Default 0.9. */
  readonly backoff?: number
}

/** What the algorithm remembers between windows. Plain data. */
export interface AimdState {
  readonly limit: number
}

/** One round of service: whoever was let in under a limit says how that limit did. */
const ROUND: WindowEnd = { samples: 20, error: 1, atLeast: 20, atMost: 1000 }

/**
 * Additive increase, multiplicative decrease: widens by about one a round while the limit binds and all goes well, and
 * narrows to nine tenths when something was lost or late.
 *
 * - `limit += completed × bound ÷ limit`: one for as many successes as the limit is wide, of the time in which nine
 *   tenths of it were in use. An idle service never widens it.
 * - A loss, or a 99th percentile above `timeout`, narrows it once a window, however many there were.
 *
 * Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in computer networks", 1989;
 * the steps are those of TCP Reno and of Palantir's conjure-java-runtime. Netflix's `AIMDLimit` widens by one for each
 * success, at half of the limit in use, and narrows for each loss.
 * @throws RangeError for an option out of range
 */
export function aimd(options: AimdOptions = {}): LimitAlgorithm<AimdState> {
  const { initial, within } = bounds('aimd', options)
  const timeout = checkNumber('aimd.timeout', options.timeout ?? 1000, Number.MIN_VALUE)
  const backoff = checkNumber('aimd.backoff', options.backoff ?? 0.9, 0.5, 0.99)

  const decide = (wanted: number, reason: string): Step<AimdState> => {
    const limit = within(wanted)
    return { state: { limit }, limit, reason, until: ROUND }
  }

  return {
    name: 'aimd',
    init: () => decide(initial, 'initial'),
    step: ({ limit }, { dropped, completed, bound, rtt }) => {
      if (dropped > 0) return decide(limit * backoff, 'drops')
      if (rtt.count === 0) return decide(limit, 'no samples')
      if (rtt.p99 > timeout) return decide(limit * backoff, 'too late')
      if (bound === 0) return decide(limit, 'idle')
      return decide(limit + (completed * bound) / limit, 'headroom')
    },
  }
}
