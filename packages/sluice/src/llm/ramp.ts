import type { Instant, Millis } from '../ground/index.ts'

/** Whoever is told to slow down begins with this part of what it did. */
const CUT = 0.5

/** Never slower than this part of the limit. */
const LEAST = 0.02

/** Parts that differ by less are the same. */
const SAME = 0.99

/** How long the limits are lower than there is a reason for here before they are raised from here, in ms. */
const PATIENCE: Millis = 60_000

/** What is told of is a change of at least this part. */
const STEP = 0.05

/**
 * How fast traffic may grow after the provider said that it grows too fast: from half of what it was, by a factor in so
 * many ms, until it is at the limit again.
 */
export class Ramp {
  readonly #factor: number
  readonly #per: Millis
  #from = 1
  #since: Instant = -Infinity
  #told = 1
  #low: Instant = Infinity

  constructor({ factor, per }: { readonly factor: number; readonly per: Millis }) {
    this.#factor = factor
    this.#per = per
  }

  /** @param rate the part of the limit that was used when it was told so */
  slow(rate: number, now: Instant): void {
    this.#begin(Math.max(LEAST, Math.min(this.at(now), Math.max(rate, LEAST)) * CUT), now)
  }

  /** The part of the limit that may be used now. */
  at(now: Instant): number {
    if (this.#from >= 1) return 1
    const part = this.#from * this.#factor ** ((now - this.#since) / this.#per)
    if (part < 1) return part
    this.#from = 1
    return 1
  }

  /**
   * What all processes go by. Whoever was told to slow down lowers and raises it for all; it may be gone by now. So what is
   * low for long without a reason that is known here is raised from here, just as fast; what others raised is raised.
   * @param seen the part of the limit that all go by, beside what is known here to lower it
   */
  follow(seen: number, now: Instant): void {
    const own = this.at(now)
    if (seen >= own * SAME) {
      this.#low = Infinity
      if (own < 1 && seen > own) this.#begin(seen, now)
      return
    }
    this.#low = Math.min(this.#low, now)
    if (now - this.#low < PATIENCE) return
    this.#low = Infinity
    this.#told = Math.max(LEAST, seen)
    this.#begin(this.#told, now)
  }

  #begin(part: number, now: Instant): void {
    this.#from = part
    this.#since = now
  }

  /** The part to go by from now on, where that is no longer the one told last. */
  news(now: Instant): number | undefined {
    const part = this.at(now)
    if (part === this.#told || (part < 1 && Math.abs(part - this.#told) < STEP * this.#told)) return undefined
    this.#told = part
    return part
  }
}
