import type { Clock, Instant, Millis } from '../ground/index.ts'

/** What is this long ago counts a third. */
const MEMORY: Millis = 10_000
/** So long there must have been a queue before it is believed. */
const LEAST: Millis = 200

/**
 * How much is served while somebody waits: only then what is served is all that can be. A mean over time whose weights fall
 * exponentially.
 */
export class ServiceRate {
  readonly #clock: Clock
  #served = 0
  #time: Millis = 0
  #last: Instant
  #busy = false
  /** Time with a queue, not weighted. */
  #seen: Millis = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#last = clock.now()
  }

  /** Whether somebody waits from now on. */
  busy(busy: boolean): void {
    if (busy === this.#busy) return
    this.#pass()
    this.#busy = busy
  }

  served(service: number): void {
    this.#pass()
    if (this.#busy) this.#served += service
  }

  /** Service per ms; undefined while nothing is known. */
  get value(): number | undefined {
    this.#pass()
    return this.#seen >= LEAST && this.#served > 0 ? this.#served / this.#time : undefined
  }

  #pass(): void {
    const now = this.#clock.now()
    const passed = now - this.#last
    if (passed <= 0) return
    this.#last = now
    // While nobody waits nothing is learned, and nothing forgotten.
    if (!this.#busy) return
    const kept = Math.exp(-passed / MEMORY)
    this.#served *= kept
    this.#time = this.#time * kept + MEMORY * (1 - kept)
    this.#seen += passed
  }
}
