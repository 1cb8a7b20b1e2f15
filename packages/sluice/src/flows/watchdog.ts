import type { Clock, Instant, Millis, Timer } from '../ground/index.ts'

/**
 * Runs `due` once nothing has put it off for `delay` ms. Putting it off costs an assignment, not a timer: the one that
 * runs looks when it fires, and sets itself for the rest.
 */
export class Watchdog {
  readonly #clock: Clock
  readonly #delay: Millis
  readonly #due: () => void
  #since: Instant = 0
  #awake = false
  #timer: Timer | undefined

  /** @param delay `Infinity`: never */
  constructor(clock: Clock, delay: Millis, due: () => void) {
    this.#clock = clock
    this.#delay = delay
    this.#due = due
  }

  /** Counts from `since` on, whatever it did before. */
  watch(since: Instant): void {
    this.#since = since
    this.#awake = true
    // It keeps no process alive: the socket it watches does.
    if (this.#delay < Infinity) this.#timer ??= this.#clock.after(this.#delay, this.#fire, { background: true })
  }

  /** Nothing is due until it watches again. */
  rest(): void {
    this.#awake = false
  }

  stop(): void {
    this.rest()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #fire = (): void => {
    this.#timer = undefined
    if (!this.#awake) return
    const rest = this.#since + this.#delay - this.#clock.now()
    if (rest > 0) this.#timer = this.#clock.after(rest, this.#fire, { background: true })
    else {
      this.#awake = false
      this.#due()
    }
  }
}
