import type { Instant, Millis } from '../ground/index.ts'

/** Share of each new interval in the average: some thirty dispatches are remembered. */
const SHARE = 1 / 16

/** How fast a queue is being worked off, from the time between dispatches while somebody was waiting. */
export class DrainRate {
  #last: Instant | undefined
  #interval: Millis = 0

  /** Somebody was let out, and others wait or do not. */
  dispatched(now: Instant, othersWait: boolean): void {
    if (this.#last !== undefined) {
      const took = now - this.#last
      this.#interval = this.#interval === 0 ? took : this.#interval + SHARE * (took - this.#interval)
    }
    // With nobody waiting the time to the next dispatch is the arrivals', not ours.
    this.#last = othersWait ? now : undefined
  }

  /** Somebody waits again, after nobody did: they may have given up, which ends the measuring just as well. */
  resumed(): void {
    this.#last = undefined
  }

  /** How long it takes until `ahead` others have been let out, in ms; 0 while unknown. */
  wait(ahead: number): Millis {
    return ahead * this.#interval
  }
}
