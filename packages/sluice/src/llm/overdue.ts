import type { Clock, Instant, Millis, Timer } from '../ground/index.ts'
import type { Lease } from './lease.ts'

/** It is looked so often within the time that is allowed: silence is noticed when it has lasted up to a half longer. */
const LOOKS = 2

/** Notices calls of which nothing is heard any more: no head, no token, no end. Looks only while there are any. */
export class OverdueWatch {
  readonly #clock: Clock
  readonly #every: Millis
  readonly #overdue: (lease: Lease) => void
  readonly #leases = new Set<Lease>()
  #timer: Timer | undefined

  /** @param after so much silence is too much @param overdue told once of each lease */
  constructor(clock: Clock, after: Millis, overdue: (lease: Lease) => void) {
    this.#clock = clock
    this.#every = after / LOOKS
    this.#overdue = overdue
  }

  add(lease: Lease): void {
    this.#leases.add(lease)
    this.#timer ??= this.#clock.after(this.#every, () => this.#look(), { background: true })
  }

  remove(lease: Lease): void {
    this.#leases.delete(lease)
  }

  /** When the one began that is longest in progress; undefined where none is. */
  get oldest(): Instant | undefined {
    for (const { parts } of this.#leases) return parts.since
    return undefined
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    this.stop()
    for (const lease of this.#leases) if (lease.silentLooks++ === LOOKS) this.#overdue(lease)
    if (this.#leases.size > 0) this.#timer = this.#clock.after(this.#every, () => this.#look(), { background: true })
  }
}
