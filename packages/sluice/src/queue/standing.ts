import type { Instant, Millis } from '../ground/index.ts'

/** A burst may wait in as many places as there are slots, times this: it is served in as many times in service. */
const BURST = 2
/** But at least in so many: random arrivals at few slots need a longer line. */
const SMALLEST_BURST = 16
/** A standing queue keeps this share of the slots' number: enough that the next one is there when a slot falls free. */
const STANDING = 0.3
/** And at least so many where no more come than go: at few slots they come in fits and starts. */
const SHORTEST = 2
/** Idle for more than this share of the dispatches, the slots are worth a longer queue, up to so many times as long. */
const WASTED = 0.05
const MOST_GENEROUS = 16
/** A class with nobody waiting at this share of the dispatches is not the flood: its queue is a burst … */
const LEFT_OVER = 0.05
/** … that lasts, because the slots do less for a while, and it may wait in as many places as slots, times this. */
const LASTING_BURST = 16
/** What was left over is remembered for so many times in service: longer than such a while. */
const REMEMBERED = 32
/** What is judged at once: an interval of at least so many ms, times in service and dispatches. */
const INTERVAL: Millis = 100
const SERVICES = 2
const DISPATCHES = 30
/** A queue stands when it never became shorter than this share of the slots in so many intervals. */
const NEVER_SHORTER = 0.3
const PATIENCE = 2
/** … or at once when so many were turned away, and this share of those let in: no burst is that long. */
const FLOOD = 8
const FLOOD_SHARE = 0.5
/** It stands no more when it ran empty and hardly anybody was turned away. */
const HARDLY = 0.02
/** After so many intervals without a dispatch nothing is known. */
const OUT_OF_DATE = 4

/**
 * Tells a standing queue from a burst, and says how many may wait. A burst is gone in a moment, so it may wait; a queue
 * that stands makes everybody wait and serves nobody sooner. The distinction is CoDel's (Nichols and Jacobson, RFC
 * 8289); here it is measured in the gate's own slots and times in service instead of a fixed 5 ms, and a standing queue
 * is not cut off but kept just long enough to keep the slots busy.
 */
export class Standing {
  #slots = Infinity
  #stands = false
  /** Dispatches for each one turned away, in the last interval; at most 1. */
  #scarcity = 1
  /** Grows while slots stand idle although others are turned away: those who come may come in clumps. */
  #generosity = 1
  /** The share of the dispatches that went to those below because nobody waited, lately. */
  #leftOver = 0
  #last: Instant = -Infinity
  // The interval.
  #since: Instant = -Infinity
  #shortest = Infinity
  #dispatched = 0
  #turnedAway = 0
  #idle = 0

  /** How many may wait. */
  get room(): number {
    if (this.#modest) return Math.max(SMALLEST_BURST, LASTING_BURST * this.#slots)
    const burst = Math.max(SMALLEST_BURST, BURST * this.#slots)
    if (!this.#stands) return burst
    // The more there are who come, the sooner somebody stands there again.
    const enough = Math.max(1, this.#scarcity * Math.max(SHORTEST, STANDING * this.#slots))
    return Math.min(burst, Math.round(this.#generosity * enough))
  }

  /** The gate has so many slots now. */
  limited(slots: number): void {
    this.#slots = slots
  }

  /** Somebody was refused a place, or lost it to somebody more important. */
  turnedAway(): void {
    this.#turnedAway++
  }

  /** A slot fell free and nobody was there to take it. */
  idled(): void {
    this.#idle++
  }

  /** Somebody waits again after nobody did. @param gap time from dispatch to dispatch, in ms; 0 while unknown */
  resumed(now: Instant, gap: Millis): void {
    if (now - this.#last <= OUT_OF_DATE * this.#length(gap)) return
    this.#stands = false
    this.#leftOver = 0
    this.#restart(now, false)
  }

  /**
   * Somebody was let in and `left` others still wait.
   * @param gap as for `resumed`
   * @param below true where that was one of those below, whom this does not count
   */
  dispatched(now: Instant, left: number, gap: Millis, below = false): void {
    this.#dispatched++
    this.#leftOver += ((below && left === 0 ? 1 : 0) - this.#leftOver) / (REMEMBERED * this.#slots)
    this.#last = now
    if (left < this.#shortest) this.#shortest = left
    const stood = this.#stands
    const flood = this.#turnedAway >= FLOOD + FLOOD_SHARE * this.#dispatched
    // Even that many places did not do.
    if (flood && this.#modest) this.#leftOver = 0
    if (!stood) {
      if (!flood && !this.#over(now, gap, PATIENCE)) return
      this.#stands = flood || this.#shortest >= Math.max(1, NEVER_SHORTER * this.#slots)
    } else {
      if (!this.#over(now, gap, 1)) return
      const all = this.#dispatched + this.#turnedAway
      this.#stands = this.#shortest > 0 || this.#turnedAway > HARDLY * all
    }
    this.#restart(now, stood)
  }

  /** Whether the flood, if there is one, is of those below. */
  get #modest(): boolean {
    return this.#leftOver > LEFT_OVER
  }

  #over(now: Instant, gap: Millis, times: number): boolean {
    return this.#dispatched >= times * DISPATCHES && now - this.#since >= times * this.#length(gap)
  }

  /** Slots × gap is a time in service (Little's law). */
  #length(gap: Millis): Millis {
    return Math.max(INTERVAL, gap === 0 ? 0 : SERVICES * gap * this.#slots)
  }

  #restart(now: Instant, stood: boolean): void {
    const wasted = stood && this.#idle > WASTED * this.#dispatched
    this.#generosity = wasted ? Math.min(MOST_GENEROUS, this.#generosity * 2) : Math.max(1, this.#generosity * 0.9)
    this.#scarcity = Math.min(1, this.#dispatched / Math.max(1, this.#turnedAway))
    this.#since = now
    this.#shortest = Infinity
    this.#dispatched = 0
    this.#turnedAway = 0
    this.#idle = 0
  }
}
