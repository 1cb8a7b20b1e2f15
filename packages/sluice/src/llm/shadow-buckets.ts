import type { Millis } from '../ground/index.ts'
import type { BucketOptions } from '../gate/index.ts'
import type { Budget, ModelLimits } from './provider.ts'

/** How much later than another a request may arrive at the provider, in ms of refill that are kept free for it. */
export const JITTER: Millis = 300

/** How long tokens may be at hand in a process, in ms, at most and as a part of the shortest window. */
const [LEASE, PART]: readonly [Millis, number] = [200, 0.02]

/** How long tokens may lie at hand, so that what several processes have there is little beside what a bucket holds. */
export function leaseOf({ budgets }: ModelLimits): Millis {
  return Math.min(LEASE, ...budgets.map(({ profile }) => profile.window * PART))
}

/**
 * The bucket kept for one limit of the provider. It refills as fast as the provider's, so that nothing is lost in the long
 * run; it holds less, so that requests which arrive closer together than they were sent still find room there. What a
 * provider lets through at one instant is `window` ms of refill; of that at most the part `share` is used, and no more than
 * leaves room for what refills during {@link JITTER} and a lease. Money has no jitter: all of it may be used.
 * @param limit what is let through in `per`, where that is no longer what was declared
 */
export function shadowOf(budget: Budget, limits: ModelLimits, limit: number = budget.limit): BucketOptions {
  const { name, profile } = budget
  const { per, window } = profile
  const full = (limit * window) / per
  const capacity =
    name === 'money' ? full : Math.min(limits.share * full, full - (limit * (JITTER + leaseOf(limits))) / per)
  return { tokens: limit, per, capacity: Math.max(1, capacity) }
}

/** What the provider can let through at one instant: a request above that never fits. */
export function mostOf({ profile, limit }: Budget): number {
  return Math.max(1, limit * Math.max(1, profile.window / profile.per))
}
