import { checkNumber, type Instant, type Millis } from '../ground/index.ts'
import { boundsOf, type QueueOptions } from './options.ts'

export interface ControlledDelayOptions extends QueueOptions {
  /** A wait that is fine, in ms. Above 0. Default 5. */
  readonly target?: Millis
  /** For how long everybody must wait longer than that before the queue counts as standing, in ms. Default 100. */
  readonly interval?: Millis
}

/** The options, checked. @throws RangeError naming the field */
export function delayOptions(
  name: string,
  options: ControlledDelayOptions,
): { capacity: number; maxWait: Millis; target: Millis; interval: Millis } {
  return {
    ...boundsOf(name, options),
    target: checkNumber(`${name}.target`, options.target ?? 5, Number.MIN_VALUE),
    interval: checkNumber(`${name}.interval`, options.interval ?? 100, Number.MIN_VALUE),
  }
}

/**
 * Tells a standing queue from a burst, as CoDel does (Nichols and Jacobson, RFC 8289): a burst is gone within an
 * interval, so somebody in it waits only briefly; when even the shortest wait of an interval is over the target, the
 * queue stands. The rule for requests instead of packets, judged interval by interval, is that of Facebook's folly
 * (Maurer, "Fail at Scale", 2015).
 */
export class ControlledDelay {
  readonly target: Millis
  readonly #interval: Millis
  #end: Instant = -Infinity
  #shortest: Millis = 0
  #standing = false

  constructor(target: Millis, interval: Millis) {
    this.target = target
    this.#interval = interval
  }

  /** Notes the wait of whoever is next, and says whether the queue stands. */
  observe(wait: Millis, now: Instant): boolean {
    if (now >= this.#end) {
      // After a pause of several intervals nothing is known of the last one.
      this.#standing = now < this.#end + this.#interval && this.#shortest > this.target
      this.#shortest = wait
      this.#end = now + this.#interval
    } else if (wait < this.#shortest) this.#shortest = wait
    return this.#standing
  }

  /** The queue ran empty: it does not stand. */
  emptied(): void {
    this.#shortest = 0
    this.#standing = false
  }
}
