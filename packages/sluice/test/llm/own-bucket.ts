import type { StepClock } from './step-clock.ts'

/** A bucket of one's own, as everybody writes it once. */
export class OwnBucket {
  readonly #rate: number
  readonly #capacity: number
  readonly #clock: StepClock
  #left: number
  #at: number
  #turn: Promise<void> = Promise.resolve()

  constructor(limit: number, clock: StepClock) {
    this.#rate = limit / 60_000
    this.#capacity = limit
    this.#left = limit
    this.#clock = clock
    this.#at = clock.now()
  }

  take(amount: number): Promise<void> {
    this.#turn = this.#turn.then(() => this.#take(amount))
    return this.#turn
  }

  async #take(amount: number): Promise<void> {
    for (;;) {
      const now = this.#clock.now()
      this.#left = Math.min(this.#capacity, this.#left + (now - this.#at) * this.#rate)
      this.#at = now
      if (this.#left >= Math.min(amount, this.#capacity)) break
      await this.#clock.sleep(Math.max(1, (Math.min(amount, this.#capacity) - this.#left) / this.#rate))
    }
    this.#left -= amount
  }
}
