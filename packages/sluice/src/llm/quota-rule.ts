import type { Clock, Millis, Random, WallClock } from '../ground/index.ts'
import type { BucketsCoordinator, OnDown, SlotCoordinator } from '../coordinate/index.ts'
import type { LlmLease } from './lease.ts'
import type { ModeDoubt } from './mode-doubt.ts'
import type { ServiceWeights } from './service.ts'

/** What all models of a pool have in common. */
export interface QuotaRule {
  readonly clock: Clock
  readonly random: Random
  readonly wall: WallClock
  readonly buckets: BucketsCoordinator
  readonly slots: ((name: string) => SlotCoordinator) | undefined
  readonly onDown: OnDown
  /** How many may wait for one model, and the longest they do, in ms. */
  readonly max: number
  readonly maxWait: Millis
  readonly weightOf: (tenant: string) => number
  readonly service: Required<ServiceWeights>
  readonly switches: boolean
  /** How long nothing may be heard of a call, in ms; what becomes of it then; who is told. */
  readonly overdue: {
    readonly after: Millis
    readonly policy: 'hold' | 'release'
    readonly told: (lease: LlmLease) => void
  }
  readonly doubted: (doubt: ModeDoubt) => void
  /** Told that the pressure may have changed. */
  readonly changed: () => void
}
