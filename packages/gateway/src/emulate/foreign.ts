import type { Instant, Millis, Random } from 'sluice'
import type { Bucket } from './bucket.ts'

export interface ForeignOptions {
  /** Share of every limit, 0 to 1, that it wants. */
  readonly share: number
  /**
   * Time between two of its calls, in ms, on average; each comes up to half of it early or late. The shorter, the more
   * it gets in the crush. Default 20.
   */
  readonly every?: Millis
}

/** Somebody else with the same key, of whom a caller sees nothing but smaller remainders. The limits hold for it, too. */
export class Foreign {
  readonly #share: number
  readonly #every: Millis
  readonly #random: Random
  #turn: Instant
  #next: Instant

  constructor({ share, every = 20 }: ForeignOptions, random: Random, now: Instant) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`share must be 0 to 1, not ${share}`)
    if (!(every > 0)) throw new RangeError(`every must be above 0 ms, not ${every}`)
    this.#share = share
    this.#every = every
    this.#random = random
    this.#turn = now
    this.#next = now
  }

  /** Lets it do what it did until now. */
  advance(buckets: readonly Bucket[], now: Instant): void {
    while (this.#next <= now) {
      for (const bucket of buckets) bucket.advance(this.#next)
      const wants = buckets.map(({ limit, window }) => (this.#share * limit * this.#every) / window)
      if (buckets.every((bucket, index) => bucket.fits(wants[index]!)))
        for (const [index, bucket] of buckets.entries()) bucket.take(wants[index]!)
      this.#turn += this.#every
      this.#next = Math.max(this.#next, this.#turn + (this.#random() - 0.5) * this.#every)
    }
  }
}
