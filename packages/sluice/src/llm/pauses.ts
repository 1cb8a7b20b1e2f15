import type { Instant, Millis, Random } from '../ground/index.ts'

/**
 * How long it is paused where a provider refuses and does not say, in ms: doubled each time in a row, up to a minute. Where a
 * limit has run out, as long as what was asked for takes to come back, and no shorter than the first.
 */
const [SOON, SHORT, LONG]: readonly [Millis, Millis, Millis] = [250, 1000, 60_000]

/** How long to leave a provider alone that does not say it. */
export class Pauses {
  readonly #random: Random
  #inARow = 0
  /** When the last refusal came that was not on its way together with others. */
  #since: Instant = -Infinity
  #factor = 1

  constructor(random: Random) {
    this.#random = random
  }

  /** It has answered. */
  answered(): void {
    this.#inARow = 0
  }

  /** It has refused. @param sent when that request was: those that were sent before the last refusal are one with it */
  refused(sent: Instant, now: Instant): void {
    if (sent >= this.#since) {
      this.#inARow++
      this.#since = now
    }
    this.#factor = 2 ** (this.#inARow - 1) * (1 + this.#random() / 4)
  }

  /** Where nothing is known. */
  get blind(): Millis {
    return Math.min(LONG, SHORT * this.#factor)
  }

  /** Where a limit has run out. @param back how long what was asked for takes to come back, in ms */
  until(back: Millis): Millis {
    return Math.min(LONG, Math.max(SOON, back) * this.#factor)
  }
}
