import type { Instant, Outcome } from '../ground/index.ts'
import type { LimitAlgorithm, Step, Window } from '../limit/index.ts'
import { Histogram, Moments } from '../measure/index.ts'

/** Watches what goes in and out of a limiter, closes windows, and asks the algorithm for the next limit. */
export class Meter {
  /** The present limit, as the algorithm put it. */
  limit: number
  /** Why it is what it is. */
  reason: string
  readonly #algorithm: LimitAlgorithm
  #step: Step<unknown>
  #start: Instant
  /** Only what began since then is a sample: what began under another limit tells of that one. */
  #epoch: Instant
  #completed = 0
  #dropped = 0
  #peak = 0
  readonly #rtt = new Moments()
  readonly #spread = new Histogram()
  // For the averages over time.
  #since: Instant
  #inflight = 0
  #binding = false
  #area = 0
  #bound = 0

  constructor(algorithm: LimitAlgorithm, now: Instant) {
    this.#algorithm = algorithm
    this.#step = algorithm.init()
    this.limit = this.#step.limit
    this.reason = this.#step.reason
    this.#start = now
    this.#epoch = now
    this.#since = now
  }

  /** Notes how things stand from `now` on. */
  mark(now: Instant, inflight: number, waiting: boolean): void {
    const lasted = now - this.#since
    if (lasted > 0) {
      this.#area += lasted * this.#inflight
      if (this.#binding) this.#bound += lasted
      this.#since = now
    }
    this.#inflight = inflight
    this.#binding = waiting || inflight >= 0.9 * this.limit
    if (inflight > this.#peak) this.#peak = inflight
  }

  /** Notes an ending, and decides if the window is full. True when the limit moved. */
  ended(start: Instant, now: Instant, outcome: Outcome): boolean {
    if (outcome === 'dropped') this.#dropped++
    else if (outcome === 'success') {
      this.#completed++
      if (start >= this.#epoch) {
        this.#rtt.add(now - start)
        this.#spread.record(now - start)
      }
    }
    return this.#full(now) && this.#decide(now)
  }

  #full(now: Instant): boolean {
    const { until } = this.#step
    const age = now - this.#start
    if (age < until.atLeast) return false
    const { count } = this.#rtt
    if (count >= until.samples && count > 0 && this.#rtt.error <= until.error) return true
    return age >= until.atMost && count + this.#dropped > 0
  }

  #decide(now: Instant): boolean {
    const before = this.limit
    this.#step = this.#algorithm.step(this.#step.state, this.#window(now))
    this.limit = this.#step.limit
    this.reason = this.#step.reason
    this.#start = now
    this.#completed = 0
    this.#dropped = 0
    this.#peak = this.#inflight
    this.#rtt.clear()
    this.#spread.clear()
    this.#area = 0
    this.#bound = 0
    if (this.limit === before) return false
    this.#epoch = now
    return true
  }

  #window(now: Instant): Window {
    const length = now - this.#start
    const { count, min, mean, error } = this.#rtt
    const spread = this.#spread
    return {
      start: this.#start,
      end: now,
      completed: this.#completed,
      dropped: this.#dropped,
      peakInflight: this.#peak,
      meanInflight: length > 0 ? this.#area / length : this.#inflight,
      bound: length > 0 ? this.#bound / length : 0,
      rtt: {
        count,
        min: count === 0 ? 0 : min,
        mean,
        error: error === Infinity ? 1 : error,
        p50: spread.at(0.5),
        p90: spread.at(0.9),
        p99: spread.at(0.99),
      },
    }
  }
}
