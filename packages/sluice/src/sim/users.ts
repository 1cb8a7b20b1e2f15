import type { Clock, Random } from '../ground/index.ts'
import type { ServiceTime } from './service.ts'

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

  /** A request of one of them is settled. */
  finished(): void {
    this.#pause()
  }

  #pause(): void {
    this.#clock.after(this.#think(this.#random), this.#thought)
  }

  readonly #thought = (): void => {
    if (this.#present > this.#wanted) this.#present--
    else this.#ask()
  }
}
