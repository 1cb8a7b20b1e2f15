import type { Clock, Instant, Millis, Timer } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** A virtual clock whose timers can be late, as those of a blocked event loop are. */
export class StallingClock implements Clock {
  readonly #inner: VirtualClock = new VirtualClock(1e6)
  #lost: Millis = 0
  /** Timers set with `background: true`. */
  background = 0
  /** All timers set. */
  timers = 0

  get pending(): number {
    return this.#inner.pending
  }

  now(): Instant {
    return this.#inner.now() + this.#lost
  }

  after(delay: Millis, run: () => void, options?: { readonly background?: boolean }): Timer {
    this.timers++
    if (options?.background === true) this.background++
    return this.#inner.after(delay, run)
  }

  advance(duration: Millis): void {
    this.#inner.advance(duration)
  }

  /** Time passes in which nothing runs: every timer pending now will be this much late. */
  stall(duration: Millis): void {
    this.#lost += duration
  }
}
