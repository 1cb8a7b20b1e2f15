import { Heap, type Clock, type Instant, type Millis, type Timer } from '../../src/ground/index.ts'

interface Event {
  readonly at: Instant
  readonly order: number
  run: (() => void) | undefined
}

/** Virtual time for code that uses promises: between two events everything that was promised happens. */
export class StepClock implements Clock {
  #now: Instant
  #order = 0
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))

  constructor(start: Instant = 1e6) {
    this.#now = start
  }

  now(): Instant {
    return this.#now
  }

  after(delay: Millis, run: () => void): Timer {
    const event: Event = { at: this.#now + Math.max(0, delay), order: this.#order++, run }
    this.#events.push(event)
    const cancel = (): void => {
      event.run = undefined
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  /** A promise that is kept in so many ms. */
  sleep(delay: Millis): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve))
  }

  /** Lets so many ms pass. */
  async pass(duration: Millis): Promise<void> {
    const end = this.#now + duration
    await settled()
    for (;;) {
      const event = this.#events.first
      if (event === undefined || event.at > end) break
      this.#events.pop()
      const { run } = event
      if (run === undefined) continue
      this.#now = Math.max(this.#now, event.at)
      event.run = undefined
      run()
      await settled()
    }
    this.#now = end
  }
}

/** Everything that was promised has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
