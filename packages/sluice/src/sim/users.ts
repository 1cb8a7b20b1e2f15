import type { Clock, Instant, Millis, Random } from '../ground/index.ts'
import type { ServiceTime } from './service.ts'

/** Between two questions of the same user there is more than no time. */
const BREATH: Millis = 1

/** A closed loop: each user thinks, asks, waits until that is settled, and thinks again. */
export class Users {
  readonly #clock: Clock
  readonly #random: Random
  readonly #think: ServiceTime
  readonly #ask: () => void
  #wanted = 0
  #present = 0

  /** @param ask makes a request for one of them; `finished` must be called once for each */
  constructor(clock: Clock, random: Random, think: ServiceTime, ask: () => void) {
    this.#clock = clock
    this.#random = random
    this.#think = think
    this.#ask = ask
  }

  /** Brings users in, who begin by thinking, or lets them go when they have finished. */
  resize(wanted: number): void {
    this.#wanted = wanted
    while (this.#present < wanted) {
      this.#present++
      this.#pause()
    }
  }

  /**
   * A request of one of them is settled.
   * @param asked when it was asked for the last time
   */
  finished(asked: Instant): void {
    this.#pause(asked)
  }

  #pause(asked: Instant = -Infinity): void {
    const now = this.#clock.now()
    const think = this.#think(this.#random)
    // Whoever takes no time at all would ask for ever, and the clock never get on.
    this.#clock.after(now + think === asked ? BREATH : think, this.#thought)
  }

  readonly #thought = (): void => {
    if (this.#present > this.#wanted) this.#present--
    else this.#ask()
  }
}
