import type { Instant, Millis, Outcome } from '../ground/index.ts'
import type { LimitAlgorithm, Step, Window } from '../limit/index.ts'
import { Histogram, Moments } from '../measure/index.ts'

/** The most samples a spread-out service may ask for, as a multiple of what the algorithm asks for. */
const MOST_SAMPLES = 8
/** The slowest tenth of a cohort is not waited for: it counts with the time it has taken so far. */
const ENDED_ENOUGH = 0.9
/** After this many mean times in service even fewer are enough. */
const PATIENCE = 4
/** Work taking so many times as long as in the window before is news that cannot wait … */
const ALARM = Math.log(2)
/** … once so many show it … */
const WITNESSES = 6
/** … and, where service times vary, so many for each of their variance: enough for it to be 3.5 standard errors. */
const WITNESSES_BY_VARIANCE = 25
/** The share of the last cohort in what is known of how much service times vary … */
const NEWS = 0.1
/** … and the variance taken for granted before the first: a few samples alike are no proof that all are. */
const GRANTED = 0.125
/** Bound for less than this share of its time, a window began with room to spare. */
const SPARE = 0.1
/** Shorter than any real service, in ms: keeps the logarithm finite. */
const INSTANTLY = 0.001
/** Where nine in ten take less than this, in ms (a hello world among others), timing each of them would be felt … */
const BRISK = 0.1
/** … so while there is room only one in so many is timed. */
const ONE_IN = 3

/**
 * Watches what goes in and out of a limiter and asks the algorithm for the next limit.
 *
 * Its samples are a cohort: everybody let in from one instant to another, judged when they have ended. Taking
 * whatever ends within a time instead would count the quick and miss the slow, and the shorter the window the more so;
 * taking what began under an earlier limit would judge this limit by that one.
 */
export class Meter {
  /** The present limit, as the algorithm put it. */
  limit: number
  /** Why it is what it is. */
  reason: string
  readonly #algorithm: LimitAlgorithm
  #step: Step<unknown>
  #start: Instant
  // The cohort.
  #cohort = 1
  #open = true
  #began = 0
  #running = 0
  /** The limit was raised, and what is in flight has not reached it yet: latency does not show it either. */
  #filling = false
  /** This window has begun anew already. */
  #renewed = false
  #cut = false
  /** Logarithm of what was typical in the window before; `Infinity` while nothing is known. */
  #before = Infinity
  /** Sum of the beginnings of those still running, counted from the window's start. */
  #beginnings = 0
  readonly #rtt: Moments = new Moments()
  readonly #logs: Moments = new Moments()
  readonly #spread: Histogram = new Histogram()
  /** The same of those who were answered; the rest left without, after longer than usual. */
  readonly #answered: Moments = new Moments()
  /** What was typical of those when it was last known; `Infinity` until it is. */
  #usual = Infinity
  /** Variance of the logarithms in the cohorts so far: says how many samples make a mean. */
  #variance: number = GRANTED
  #brisk = false
  /** How many more are not timed. */
  #spared = 0
  // The window.
  #completed = 0
  #dropped = 0
  #peak = 0
  // Averages over time.
  #since: Instant
  #inflight = 0
  #binding = false
  #area = 0
  #bound: Millis = 0

  constructor(algorithm: LimitAlgorithm, now: Instant) {
    this.#algorithm = algorithm
    this.#step = algorithm.init()
    this.limit = this.#step.limit
    this.reason = this.#step.reason
    this.#start = now
    this.#since = now
  }

  /** True for an arrival that need not be timed: it says nothing here but, at its end, what came of it. */
  skips(): boolean {
    if (!this.#brisk) return false
    this.#spared = this.#spared === 0 ? ONE_IN - 1 : this.#spared - 1
    return this.#spared > 0
  }

  /** Notes what came of one, timed or not. */
  count(outcome: Outcome): void {
    if (outcome === 'dropped') this.#dropped++
    else if (outcome === 'success') this.#completed++
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

  /** Notes a beginning. Returns the cohort it belongs to, to be handed back at its end; 0 for none. */
  began(now: Instant): number {
    if (!this.#open) return 0
    if (this.#filling) {
      if (this.#inflight < this.limit - 1 && now - this.#start < Math.exp(this.#before)) return 0
      this.#filling = false
    }
    if (this.#reachesLimit(now)) {
      // Who came in while there was room says nothing of how it is at the limit.
      this.#renewed = true
      this.#restart(now)
    }
    if (this.#began >= this.#wanted() && now - this.#start >= this.#step.until.atLeast) {
      this.#open = false
      return 0
    }
    this.#began++
    this.#running++
    this.#beginnings += now - this.#start
    return this.#cohort
  }

  /** Notes an ending, and decides if the cohort is complete. True when the limit moved. */
  ended(cohort: number, start: Instant, now: Instant, outcome: Outcome): boolean {
    this.count(outcome)
    if (cohort === this.#cohort) {
      this.#running--
      this.#beginnings -= start - this.#start
      // Whoever left would have taken longer still. Leaving early says nothing, leaving late that it takes so long.
      const log = Math.log(Math.max(INSTANTLY, now - start))
      if (outcome === 'success') this.#answered.add(log)
      if (outcome === 'success' || (outcome === 'ignored' && log > this.#usual)) {
        this.#rtt.add(now - start)
        this.#logs.add(log)
        this.#spread.record(now - start)
      }
    }
    return this.#complete(now) && this.#decide(now)
  }

  /**
   * Most got no answer: then how long it takes is not known any more, only how long they wait. That is the same at any
   * limit, which would pass for a dependency that does not mind.
   */
  #isLost(): boolean {
    return this.#logs.count > 2 * this.#answered.count
  }

  #reachesLimit(now: Instant): boolean {
    return (
      !this.#renewed && this.#began > 0 && this.#inflight >= this.limit - 1 && this.#bound < SPARE * (now - this.#start)
    )
  }

  #wanted(): number {
    const { samples, error } = this.#step.until
    return Math.min(Math.max(samples, this.#variance / error ** 2), samples * MOST_SAMPLES)
  }

  #complete(now: Instant): boolean {
    const age = now - this.#start
    if (age < this.#step.until.atLeast) return false
    const witnesses = Math.max(WITNESSES, this.#variance * WITNESSES_BY_VARIANCE)
    if (!this.#isLost() && this.#began >= witnesses && this.#logTypical(age) > this.#before + ALARM) {
      this.#cut = true
      return true
    }
    const enough = !this.#open || this.#began >= this.#wanted() || age >= this.#step.until.atMost
    if (enough && this.#running <= this.#began * (1 - ENDED_ENOUGH)) return true
    // Some may never end.
    const { count, mean } = this.#rtt
    return age >= Math.max(this.#step.until.atMost, PATIENCE * mean) && count > 0 && count >= this.#running
  }

  #decide(now: Instant): boolean {
    const before = this.limit
    const window = this.#window(now)
    if (this.#logs.count > 1) this.#variance += NEWS * (this.#logs.deviation ** 2 - this.#variance)
    if (this.#logs.count > 0 && !this.#isLost()) {
      this.#before = this.#logTypical(now - this.#start)
      this.#usual = this.#answered.mean
    }
    this.#brisk = window.rtt.count > 0 && window.rtt.p90 < BRISK
    this.#step = this.#algorithm.step(this.#step.state, window)
    this.limit = this.#step.limit
    this.reason = this.#step.reason
    this.#renewed = false
    this.#cut = false
    this.#filling = this.limit > before
    this.#restart(now)
    return this.limit !== before
  }

  #restart(now: Instant): void {
    this.#start = now
    this.#cohort++
    this.#open = true
    this.#began = 0
    this.#running = 0
    this.#beginnings = 0
    this.#rtt.clear()
    this.#answered.clear()
    this.#logs.clear()
    this.#spread.clear()
    this.#completed = 0
    this.#dropped = 0
    this.#peak = this.#inflight
    this.#area = 0
    this.#bound = 0
  }

  #window(now: Instant): Window {
    const length = now - this.#start
    const { count, mean, min } = this.#rtt
    return {
      start: this.#start,
      end: now,
      completed: this.#completed,
      dropped: this.#dropped + (this.#isLost() ? this.#logs.count - this.#answered.count : 0),
      peakInflight: this.#peak,
      meanInflight: length > 0 ? this.#area / length : this.#inflight,
      cut: this.#cut,
      bound: length > 0 ? this.#bound / length : 0,
      rtt: {
        count,
        min: count === 0 ? 0 : min,
        mean,
        typical: Math.exp(this.#logTypical(length)),
        error: count > 1 ? Math.sqrt(Math.max(this.#logs.deviation ** 2, this.#variance) / count) : 1,
        p50: this.#spread.at(0.5),
        p90: this.#spread.at(0.9),
        p99: this.#spread.at(0.99),
      },
    }
  }

  /** Logarithm of the geometric mean. Those still running have taken at least this long: leaving them out would flatter. */
  #logTypical(length: Millis): number {
    const { count, mean } = this.#logs
    const running = this.#running
    if (running === 0 || count === 0) return count === 0 ? -Infinity : mean
    const soFar = Math.log(Math.max(INSTANTLY, length - this.#beginnings / running))
    return (mean * count + Math.max(mean, soFar) * running) / (count + running)
  }
}
