import { throwLater, type Clock, type Millis, type Timer } from '../ground/index.ts'
import type { Lease } from './lease.ts'

/** A connection that somebody holds. */
export interface HeldConnection {
  /** For how long, in ms. */
  readonly heldFor: Millis
  /** For whom it was taken, where the arrival said so. */
  readonly flow: string | undefined
  /** Where in the code it was taken: the lines of a stack. Empty for single queries. */
  readonly stack: string
}

/** Knows which connections are out, and tells of each that stays out too long. One timer for all of them. */
export class Held {
  readonly #clock: Clock
  readonly #tooLong: Millis
  readonly #tell: (held: HeldConnection) => void
  /** Oldest first: a set keeps the order of its members' coming. */
  readonly #quiet = new Set<Lease<object>>()
  readonly #told = new Set<Lease<object>>()
  #timer: Timer | undefined

  constructor(clock: Clock, tooLong: Millis, tell: (held: HeldConnection) => void) {
    this.#clock = clock
    this.#tooLong = tooLong
    this.#tell = tell
  }

  get size(): number {
    return this.#quiet.size + this.#told.size
  }

  /** Oldest first. */
  get leases(): readonly Lease<object>[] {
    return [...this.#told, ...this.#quiet]
  }

  get list(): readonly HeldConnection[] {
    return this.leases.map((lease) => this.#describe(lease))
  }

  add(lease: Lease<object>): void {
    this.#quiet.add(lease)
    if (this.#timer === undefined && this.#tooLong < Infinity) this.#arm(this.#tooLong)
  }

  remove(lease: Lease<object>): void {
    if (!this.#quiet.delete(lease)) this.#told.delete(lease)
  }

  #arm(delay: Millis): void {
    this.#timer = this.#clock.after(delay, this.#look, { background: true })
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    for (const lease of this.#quiet) {
      const rest = lease.since + this.#tooLong - now
      if (rest > 0) return this.#arm(rest)
      this.#quiet.delete(lease)
      this.#told.add(lease)
      try {
        this.#tell(this.#describe(lease))
      } catch (error) {
        throwLater(this.#clock, error)
      }
    }
  }

  #describe({ since, flow, stack }: Lease<object>): HeldConnection {
    return { heldFor: this.#clock.now() - since, flow, stack }
  }
}
