import type { Instant, Millis } from '../ground/index.ts'
import { tokensAt, type Refill } from '../gate/index.ts'
import type { BucketsGrant, BucketsNews, BucketsPace, SharedRefill } from './buckets.ts'

/**
 * What a provider has said of one tenant's buckets. It holds here at once, and is told until the coordinator has heard it:
 * all of it are levels, so that telling it again changes nothing.
 */
export class BucketsFeedback {
  /** Until then nobody takes. */
  heldUntil: Instant = -Infinity
  /** The limits that hold now. */
  readonly refills: Refill[]
  #stamp = 0
  /** How often something was said here, and how much of that has been heard. */
  #said = 0
  #heard = 0
  #paced = false
  #urgent = false
  /** What was said to be left, as the instant at which the bucket would be full; `-Infinity` where nothing was. */
  readonly #fullAt: Instant[]

  constructor(buckets: readonly SharedRefill[]) {
    this.refills = buckets.map(({ capacity, interval }) => ({ capacity, interval }))
    this.#fullAt = buckets.map(() => -Infinity)
  }

  /** True where something is to be told. */
  get hasNews(): boolean {
    return this.#said > this.#heard
  }

  /** How much longer nobody takes, in ms. */
  heldFor(now: Instant): Millis {
    return Math.max(0, this.heldUntil - now)
  }

  holdUntil(until: Instant): void {
    if (until <= this.heldUntil) return
    this.heldUntil = until
    this.#urgent = true
    this.#said++
  }

  paceAt(at: number, refill: Refill): void {
    const { capacity, interval } = this.refills[at]!
    if (capacity === refill.capacity && interval === refill.interval) return
    this.refills[at] = refill
    this.#paced = true
    this.#urgent = true
    this.#said++
  }

  correctAt(at: number, left: number, now: Instant): void {
    const { capacity, interval } = this.refills[at]!
    if (left >= capacity) return
    // Of two figures the later is the truer one where it is the lower, and where it is not the earlier has been told.
    this.#fullAt[at] = Math.max(this.#fullAt[at]!, now + (capacity - left) * interval)
    this.#said++
  }

  /** What a statement says of it. */
  state(now: Instant): { readonly pace: BucketsPace; readonly hold: Millis; readonly news: BucketsNews | undefined } {
    const pace = { stamp: this.#stamp, refills: [...this.refills] }
    const hold = this.heldFor(now)
    if (!this.hasNews) return { pace, hold, news: undefined }
    const most = this.#fullAt.map((fullAt, at) => (fullAt > now ? tokensAt(this.refills[at]!, fullAt, now) : Infinity))
    return { pace, hold, news: { pace: this.#paced, urgent: this.#urgent, most } }
  }

  /** Marks what a statement says, for {@link heard}. */
  get mark(): number {
    return this.#said
  }

  /** The answer to a statement that said all up to `mark`. */
  heard(grant: BucketsGrant, mark: number, now: Instant): void {
    this.#heard = Math.max(this.#heard, mark)
    if (!this.hasNews) {
      this.#paced = false
      this.#urgent = false
      this.#fullAt.fill(-Infinity)
    }
    if (grant.hold > 0) this.heldUntil = Math.max(this.heldUntil, now + grant.hold)
    if (grant.pace === undefined) return
    this.#stamp = grant.pace.stamp
    if (!this.#paced) grant.pace.refills.forEach((refill, at) => (this.refills[at] = refill))
  }
}
