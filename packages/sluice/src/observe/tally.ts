import {
  REFUSALS,
  type Arrival,
  type Millis,
  type Outcome,
  type Rejection,
  type RejectionCode,
} from '../ground/index.ts'
import type { Observer } from '../gate/index.ts'

/** Upper bounds of the buckets of {@link Tally.waitCounts}, in seconds (requirement S3.8). */
export const WAIT_BUCKETS: readonly number[] = [0.01, 0.05, 0.1, 0.5, 1, 3, 5]

/** What came of the arrivals so far. */
export interface Tally extends Observer {
  /** Arrivals that began to wait, whatever came of it. */
  readonly waits: number
  /** Arrivals let in. */
  readonly admissions: number
  /** Arrivals turned away, whatever the reason. */
  readonly rejections: number
  /** The same by reason. */
  readonly rejectionsBy: Readonly<Record<RejectionCode, number>>
  /** Permits ended, by outcome. */
  readonly releasesBy: Readonly<Record<Outcome, number>>
  /** Waiting of all who were let in, added up, in ms. */
  readonly waitTotal: Millis
  /** How many of them waited how long: one count per bucket of {@link WAIT_BUCKETS}, and one for longer waits. */
  readonly waitCounts: readonly number[]
  /** Average wait of those let in, in ms: over all of them ever, not over those here now. 0 at first. */
  readonly averageWait: Millis
  /** How often the limit moved. */
  readonly limitChanges: number
  /**
   * A gauge of the longest wait of those let in since it was last read. Each reader has its own, so that none takes
   * from another. Dispose it when done.
   */
  longestWait(): LongestWait
  /**
   * Tells of everybody who is let in how long he had waited, in ms, 0 included, until the result is disposed: for
   * histograms that keep their own counts. The listener must not throw.
   */
  eachWait(listener: (waited: Millis) => void): Disposable
}

/** See {@link Tally.longestWait}. */
export interface LongestWait extends Disposable {
  /** The longest wait since the last `take`, in ms; 0 when nobody waited. */
  take(): Millis
}

/** Counts what a gate does. Hand it to a gate as `observer` and read it whenever you like. */
export function tally(): Tally {
  return new Counts()
}

class Counts implements Tally {
  waits = 0
  admissions = 0
  rejections = 0
  waitTotal: Millis = 0
  limitChanges = 0
  readonly rejectionsBy: Record<RejectionCode, number> = zeroes(Object.keys(REFUSALS) as RejectionCode[])
  readonly releasesBy: Record<Outcome, number> = zeroes(['success', 'failure', 'dropped', 'ignored'])
  readonly waitCounts: number[] = Array.from({ length: WAIT_BUCKETS.length + 1 }, () => 0)

  readonly #longest = new Set<Longest>()
  /** `undefined` while nobody listens: every admission passes here. */
  #listeners: ReadonlySet<(waited: Millis) => void> | undefined

  get averageWait(): Millis {
    return this.admissions === 0 ? 0 : this.waitTotal / this.admissions
  }

  admitted(_arrival: Arrival, waited: Millis): void {
    this.admissions++
    this.waitTotal += waited
    let bucket = 0
    // Most wait for nothing and land in the first bucket at once.
    while (bucket < WAIT_BUCKETS.length && waited > WAIT_BUCKETS[bucket]! * 1000) bucket++
    this.waitCounts[bucket]!++
    if (waited > 0) for (const longest of this.#longest) longest.see(waited)
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener(waited)
  }

  waiting(): void {
    this.waits++
  }

  rejected(_arrival: Arrival, rejection: Rejection): void {
    this.rejections++
    this.rejectionsBy[rejection.code]++
  }

  released(_arrival: Arrival, outcome: Outcome): void {
    this.releasesBy[outcome]++
  }

  limitChanged(): void {
    this.limitChanges++
  }

  longestWait(): LongestWait {
    const longest: Longest = new Longest(() => this.#longest.delete(longest))
    this.#longest.add(longest)
    return longest
  }

  eachWait(listener: (waited: Millis) => void): Disposable {
    // A function of its own, so that one who listens twice is told twice and ends each by itself.
    const own = (waited: Millis): void => listener(waited)
    this.#listeners = new Set([...(this.#listeners ?? []), own])
    return {
      [Symbol.dispose]: () => {
        const rest = new Set(this.#listeners)
        rest.delete(own)
        this.#listeners = rest.size === 0 ? undefined : rest
      },
    }
  }
}

class Longest implements LongestWait {
  #longest: Millis = 0
  readonly #leave: () => void

  constructor(leave: () => void) {
    this.#leave = leave
  }

  see(waited: Millis): void {
    if (waited > this.#longest) this.#longest = waited
  }

  take(): Millis {
    const longest = this.#longest
    this.#longest = 0
    return longest
  }

  [Symbol.dispose](): void {
    this.#leave()
  }
}

function zeroes<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>
}
