import type { Clock, Instant, Millis, Timer } from '../ground/index.ts'

/** Pauses of a whole process, as data. */
export interface PausesData {
  /** From the beginning of one to that of the next, in ms. Above 0. */
  readonly every: Millis
  /** How long each lasts, in ms. Below `every`. */
  readonly lasts: Millis
  /** When the first begins, in ms from the start. At least 0. Default: anywhere in the first period, by chance. */
  readonly first?: Millis
}

/**
 * The clock of a process that stops now and then, as for garbage collection. It shows the true time, but what it is
 * asked to do takes only such time as the process has run, and nothing happens in a pause: it happens at its end.
 */
export class PausingClock implements Clock {
  readonly #clock: Clock
  readonly #every: Millis
  readonly #lasts: Millis
  readonly #first: Instant

  /** @param first when the first pause begins, on `clock` */
  constructor(clock: Clock, every: Millis, lasts: Millis, first: Instant) {
    this.#clock = clock
    this.#every = every
    this.#lasts = lasts
    this.#first = first
  }

  now(): Instant {
    return this.#clock.now()
  }

  /** Whether it stands still. */
  get paused(): boolean {
    const at = this.#clock.now() - this.#first
    return at >= 0 && at % this.#every < this.#lasts
  }

  after(delay: Millis, run: () => void): Timer {
    return this.#clock.after(this.#stretched(Math.max(0, delay)), run)
  }

  /** How long it takes to run for `delay` ms. */
  #stretched(delay: Millis): Millis {
    const at = this.#clock.now() - this.#first
    if (at + delay < 0) return delay
    // What has run since the last pause, and what is left of that pause; before the first one begins, all of it.
    let run = at
    let pauses = this.#lasts
    if (at >= 0) {
      const into = at % this.#every
      run = Math.max(0, into - this.#lasts)
      pauses = Math.max(0, this.#lasts - into)
    }
    pauses += Math.floor((run + delay) / (this.#every - this.#lasts)) * this.#lasts
    return delay + pauses
  }
}
