import type { Instant, Millis } from '../ground/index.ts'

/** When something is so, and when it no longer is. */
export interface EpisodeOptions {
  /** It is so once the value has been above this for `for` ms. */
  readonly above: number
  /** It is over when the value is at or below this. At most `above`, which is the default. */
  readonly below?: number
  /** How long the value must stay above before it is so, in ms. Default 0. */
  readonly for?: Millis
}

/**
 * Turns a value that wavers into episodes: one begins when the value has stayed above one figure for a time, and ends
 * when it is at or below another. Between the two nothing changes, so nothing flaps.
 */
export class Episode {
  readonly #above: number
  readonly #below: number
  readonly #for: Millis
  #since: Instant | undefined
  #on = false

  /** @throws RangeError for `below` over `above`, or a time below 0 */
  constructor(options: EpisodeOptions) {
    const { above, below = above } = options
    if (!(below <= above)) throw new RangeError(`below: expected at most ${above} (above), got ${below}`)
    this.#above = above
    this.#below = below
    this.#for = options.for ?? 0
    if (!(this.#for >= 0)) throw new RangeError(`for: expected at least 0 ms, got ${this.#for}`)
  }

  /** True during an episode. */
  get on(): boolean {
    return this.#on
  }

  /** Takes the next value. Says what it changed, if anything. */
  take(value: number, now: Instant): 'began' | 'ended' | undefined {
    if (this.#on) {
      if (value > this.#below) return undefined
      this.#on = false
      this.#since = undefined
      return 'ended'
    }
    if (!(value > this.#above)) {
      this.#since = undefined
      return undefined
    }
    this.#since ??= now
    if (now - this.#since < this.#for) return undefined
    this.#on = true
    return 'began'
  }
}
