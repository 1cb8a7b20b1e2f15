import type { Instant, Millis } from '../ground/index.ts'

/** How long after the store is back other processes may still have to tell what they let in without it, in ms. */
const GRACE: Millis = 3000

/** The part of the rate that is let in without the store, all processes together, at most. */
const PART = 0.8

/**
 * A store that was away knows nothing of what was let in meanwhile until each process has told it. What the provider says is
 * left knows it all at once: taken at its word, the same would be charged twice.
 */
export class Outage {
  #from: Instant | undefined
  #to: Instant = -Infinity

  /**
   * What may be told twice now, in ms of refill; 0 where nothing is. Called at each answer, be the store away or not.
   * @param isAway true while the store cannot be reached: then `Infinity`
   */
  untold(isAway: boolean, now: Instant): Millis {
    if (isAway) {
      this.#from ??= now
      this.#to = now
      return Infinity
    }
    if (this.#from === undefined) return 0
    if (now - this.#to <= GRACE) return PART * (this.#to - this.#from)
    this.#from = undefined
    return 0
  }
}
