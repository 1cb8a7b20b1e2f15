/** Slots that are asked for because of arrivals that would not wait, at most, where one needs no more. */
const MISSED = 16

/** Slots that arrivals which would not wait have missed since this was last asked. */
export class MissedSlots {
  #count = 0

  add(cost: number): void {
    this.#count = Math.min(Math.max(MISSED, cost), this.#count + cost)
  }

  take(): number {
    const count = this.#count
    this.#count = 0
    return count
  }
}
