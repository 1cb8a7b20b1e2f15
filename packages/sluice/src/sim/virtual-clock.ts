import { Heap, type Clock, type Instant, type Millis, type Timer } from '../ground/index.ts'

class Event implements Timer {
  readonly at: Instant
  readonly order: number
  run: (() => void) | undefined

  constructor(at: Instant, order: number, run: () => void) {
    this.at = at
    this.order = order
    this.run = run
  }

  cancel(): void {
    this.run = undefined
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

/**
 * Time that passes only when told to. Production code runs on it unchanged, and a run is the same every time: events of
 * the same instant happen in the order they were asked for.
 */
export class VirtualClock implements Clock {
  #now: Instant
  #order = 0
  /** Timers that have run. */
  happened = 0
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))

  /** @param start where the axis begins, in ms; anything but 0 finds code that takes it for an origin */
  constructor(start: Instant = 0) {
    this.#now = start
  }

  /** Timers that have been neither run nor cancelled. */
  get pending(): number {
    let count = 0
    for (const event of this.#events) if (event.run !== undefined) count++
    return count
  }

  now(): Instant {
    return this.#now
  }

  after(delay: Millis, run: () => void): Timer {
    const event = new Event(this.#now + Math.max(0, delay), this.#order++, run)
    this.#events.push(event)
    return event
  }

  /** Lets `duration` ms pass, and everything that is due meanwhile happen. */
  advance(duration: Millis): void {
    this.advanceTo(this.#now + duration)
  }

  /** The same up to an instant. Time never goes back: an earlier one does nothing. */
  advanceTo(end: Instant): void {
    for (;;) {
      const event = this.#events.first
      if (event === undefined || event.at > end) break
      this.#events.pop()
      if (event.at > this.#now) this.#now = event.at
      const { run } = event
      if (run === undefined) continue
      event.run = undefined
      this.happened++
      run()
    }
    if (end > this.#now) this.#now = end
  }
}
