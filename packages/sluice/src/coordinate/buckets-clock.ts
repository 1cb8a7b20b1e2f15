import type { Clock, Instant, Millis, Timer } from '../ground/index.ts'
import { ForwardTime } from '../gate/index.ts'

/**
 * A clock that never goes back: set back by ten seconds, it would make leases last ten seconds longer, and whoever may
 * not take wait for as long. What is ahead only asks more often.
 */
export class ForwardClock implements Clock {
  readonly #clock: Clock
  readonly #time = new ForwardTime()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): Instant {
    return this.#time.of(this.#clock.now())
  }

  after(delay: Millis, run: () => void, options?: { readonly background?: boolean }): Timer {
    return this.#clock.after(delay, run, options)
  }
}
