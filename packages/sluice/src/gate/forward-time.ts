import type { Instant, Millis } from '../ground/index.ts'

/**
 * A clock's instants, made never to go back: where they do, time goes on from where it was. Else a bucket could not tell
 * a clock that went back from a debt, and one of the two would be wrong: locked for as long as it went, or forgiven.
 */
export class ForwardTime {
  #latest: Instant = -Infinity
  #lost: Millis = 0

  /** @param now just read from the clock: an older one would be taken for a clock that goes back */
  of(now: Instant): Instant {
    const time = now + this.#lost
    if (time < this.#latest) this.#lost += this.#latest - time
    else this.#latest = time
    return this.#latest
  }
}
