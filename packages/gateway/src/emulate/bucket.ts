import type { Instant, Millis } from 'sluice'

/**
 * How much may come at once: `full`, the whole limit; a length of time in ms, what that long refills (10,000 for a
 * limit checked over ten seconds); `fixed`, no refill at all, but a fresh limit in every window of the wall clock.
 */
export type Capacity = 'full' | 'fixed' | Millis

export interface BucketOptions {
  /** So much in one window. Above 0. */
  readonly limit: number
  /** In ms. Above 0. */
  readonly window: Millis
  /** Default `full`. */
  readonly capacity?: Capacity
  /** Time at its making. */
  readonly now: Instant
  /** Wall clock at instant 0, in ms: where fixed windows begin. Default 0. */
  readonly epoch?: number
}

/** What rounding may cost: waiting exactly as long as told must be enough. */
const GRAIN = 1e-6

/**
 * A bucket that refills continuously, or once in a window. It may go below zero: what is counted only after it was
 * used is a debt that must refill first.
 */
export class Bucket {
  readonly window: Millis
  readonly capacity: Capacity
  readonly #epoch: number
  #limit: number
  #level: number
  #at: Instant

  constructor({ limit, window, capacity = 'full', now, epoch = 0 }: BucketOptions) {
    if (!(limit > 0 && limit < Infinity)) throw new RangeError(`limit must be above 0, not ${limit}`)
    if (!(window > 0)) throw new RangeError(`window must be above 0 ms, not ${window}`)
    if (typeof capacity === 'number' && !(capacity > 0 && capacity <= window))
      throw new RangeError(`capacity must be above 0 and at most the window of ${window} ms, not ${capacity}`)
    this.window = window
    this.capacity = capacity
    this.#epoch = epoch
    this.#limit = limit
    this.#level = this.most
    this.#at = now
  }

  get limit(): number {
    return this.#limit
  }

  /** What there is at once when it is full; at least 1, or nobody could ever come. */
  get most(): number {
    return typeof this.capacity === 'number'
      ? Math.max(1, (this.#limit * this.capacity) / this.window)
      : Math.max(1, this.#limit)
  }

  get level(): number {
    return this.#level
  }

  get continuous(): boolean {
    return this.capacity !== 'fixed'
  }

  /** Brings it to this instant. Time that runs backwards changes nothing. */
  advance(now: Instant): void {
    if (now <= this.#at) return
    if (this.continuous) this.#level = Math.min(this.most, this.#level + ((now - this.#at) * this.#limit) / this.window)
    else if (this.#windowAt(now) !== this.#windowAt(this.#at)) this.#level = this.most
    this.#at = now
  }

  fits(amount: number): boolean {
    return this.#level + GRAIN >= amount
  }

  take(amount: number): void {
    this.#level -= amount
  }

  give(amount: number): void {
    this.#level = Math.min(this.most, this.#level + amount)
  }

  /** Takes as much of it as there is, without leaving a debt, and says how much that was. */
  drain(amount: number): number {
    const taken = Math.max(0, Math.min(amount, this.#level))
    this.#level -= taken
    return taken
  }

  /** In ms; `Infinity` when it never will. */
  wait(amount: number): Millis {
    if (this.fits(amount)) return 0
    if (amount > this.most + GRAIN) return Infinity
    return this.continuous ? ((amount - this.#level) * this.window) / this.#limit : this.#untilNextWindow()
  }

  /** In ms, at this instant. */
  get untilFull(): Millis {
    if (this.#level >= this.most) return 0
    return this.continuous ? ((this.most - this.#level) * this.window) / this.#limit : this.#untilNextWindow()
  }

  /** A new limit from now on. What is there beyond it is gone. */
  resize(limit: number): void {
    if (!(limit > 0 && limit < Infinity)) throw new RangeError(`limit must be above 0, not ${limit}`)
    this.#limit = limit
    this.#level = Math.min(this.#level, this.most)
  }

  #windowAt(now: Instant): number {
    return Math.floor((this.#epoch + now) / this.window)
  }

  #untilNextWindow(): Millis {
    return (this.#windowAt(this.#at) + 1) * this.window - this.#epoch - this.#at
  }
}
