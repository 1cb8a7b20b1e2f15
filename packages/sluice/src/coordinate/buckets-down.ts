import type { Instant, Millis } from '../ground/index.ts'
import { fullAfter, isCovered, timeUntil, type Refill } from '../gate/index.ts'

/**
 * What becomes of arrivals while the coordinator is down and nothing is at hand: each process lets in its part of the rate
 * (`share`), everybody comes in (`open`), nobody does (`closed`).
 */
export type OnDown = 'share' | 'open' | 'closed'

/** How much of its part a process takes: how many share it is not known for sure. */
export const PART = 0.8

/** The part of one tenant's buckets that this process has to itself while nobody can be asked. */
export class OwnShare {
  readonly #buckets: readonly Refill[]
  readonly #fullAt: Instant[]

  /** @param available what was left for everybody when last heard of */
  constructor(buckets: readonly Refill[], available: readonly number[], sessions: number, now: Instant) {
    const part = PART / Math.max(1, sessions)
    this.#buckets = buckets.map(({ capacity, interval }) => ({ capacity: capacity * part, interval: interval / part }))
    this.#fullAt = this.#buckets.map((bucket, at) =>
      fullAfter(bucket, now, Math.max(0, bucket.capacity - Math.max(0, available[at]! * part)), now),
    )
  }

  take(amounts: readonly number[], now: Instant): boolean {
    const after = this.#buckets.map((bucket, at) => fullAfter(bucket, this.#fullAt[at]!, amounts[at]!, now))
    if (this.#buckets.some((bucket, at) => amounts[at]! > 0 && !isCovered(bucket, after[at]!, now))) return false
    after.forEach((fullAt, at) => (this.#fullAt[at] = fullAt))
    return true
  }

  /** How long until there is so much, in ms; `Infinity` where there never is. */
  timeUntil(amounts: readonly number[], now: Instant): Millis {
    return Math.max(
      ...this.#buckets.map((bucket, at) => {
        if (amounts[at]! > bucket.capacity) return Infinity
        return amounts[at] === 0 ? 0 : timeUntil(bucket, this.#fullAt[at]!, amounts[at]!, now)
      }),
    )
  }
}
