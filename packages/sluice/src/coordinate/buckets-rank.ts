import type { Arrival, Instant, Priority } from '../ground/index.ts'
import type { Refill } from '../gate/index.ts'
import type { BucketsCharge, BucketsDemand, BucketsStanding } from './buckets.ts'

/** Where an arrival carries whose line it stands in, if that is not its process's. */
export const RANK: unique symbol = Symbol('rank')

/** Whose line an arrival stands in, among those of all processes; and who keeps account of the lines here. */
export interface BucketsRank extends Pick<BucketsDemand, 'line' | 'charge'> {
  /** What lines were charged here, called when the store is told: it will not be told again. */
  told(): Pick<BucketsDemand, 'told' | 'abreast'>
  /**
   * What came of it.
   * @param standing how the lines of `told` stand; none where nobody else waits
   * @param granted true where it has been charged to its line
   */
  heard(told: readonly BucketsCharge[], standing: BucketsStanding | undefined, granted: boolean): void
}

/** Looked up only where somebody has to ask: most arrivals need not. */
export function rankOf(arrival: Arrival & { readonly [RANK]?: BucketsRank }): BucketsRank | undefined {
  return arrival[RANK]
}

const NOTHING_TOLD: Pick<BucketsDemand, 'told' | 'abreast'> = { told: [], abreast: 0 }

/** One for whom tokens are asked. */
export interface Asker {
  readonly amounts: readonly number[]
  readonly priority: Priority
  readonly since: Instant
  readonly rank: BucketsRank | undefined
  /** False where it is asked ahead, and nobody waits for it. */
  readonly waits: boolean
}

/**
 * What the store is told of one who asks. Without a rank its line is its process's, charged in ms of refill of the bucket
 * of which it takes most.
 */
export function demandOf(asker: Asker, process: string, refills: readonly Refill[], now: Instant): BucketsDemand {
  const { amounts, priority, since, rank, waits } = asker
  let charge = rank?.charge ?? 0
  if (rank === undefined)
    for (let at = 0; at < amounts.length; at++) charge = Math.max(charge, amounts[at]! * refills[at]!.interval)
  const age = Math.max(0, now - since)
  return { priority, line: rank?.line ?? process, charge, age, waits, ...(rank?.told() ?? NOTHING_TOLD) }
}
