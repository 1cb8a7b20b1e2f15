import type { Clock, Random, WallClock } from '../ground/index.ts'
import type { FleetBuckets } from '../coordinate/index.ts'
import type { Charges } from './charges.ts'
import type { ModeDoubt } from './mode-doubt.ts'
import type { ModelLimits } from './provider.ts'

/** What `Feedback` is made of. */
export interface FeedbackParts {
  readonly limits: ModelLimits
  readonly charges: Charges
  readonly gate: FleetBuckets<string>
  readonly clock: Clock
  readonly random: Random
  readonly wall: WallClock
  /** True where another way of counting is used as soon as the provider's headers say that it fits. */
  readonly switches: boolean
  /** Told that one way of counting does not fit what the provider's headers say, and which one does. */
  readonly doubted: (doubt: ModeDoubt) => void
}
