import type { Millis, RejectionCode } from '../ground/index.ts'
import { Histogram } from '../measure/index.ts'
import type { Figures, LatencyFigures } from './report.ts'

/** Latencies in fixed memory. */
class Latencies {
  readonly #histogram = new Histogram()
  #instant = 0
  #sum = 0
  #max = 0

  record(value: Millis): void {
    // Most refusals take no time at all: those are only counted.
    if (value === 0) {
      this.#instant++
      return
    }
    this.#histogram.record(value)
    this.#sum += value
    if (value > this.#max) this.#max = value
  }

  figures(): LatencyFigures {
    const total = this.#instant + this.#histogram.total
    // The middle of the last bucket may lie beyond the longest there was.
    const at = (quantile: number): Millis => Math.min(this.#max, this.#at(Math.ceil(quantile * total)))
    const mean = total === 0 ? 0 : this.#sum / total
    return { count: total, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: this.#max }
  }

  /** The value so many are at or below. */
  #at(rank: number): Millis {
    return rank <= this.#instant ? 0 : this.#histogram.at((rank - this.#instant) / this.#histogram.total)
  }
}

/** Counts what happens in a part of a run. */
export class Slice {
  offered = 0
  retried = 0
  admitted = 0
  answered = 0
  good = 0
  goodWork = 0
  refused = 0
  left = 0
  wasted = 0
  readonly rejected: Map<RejectionCode, number> = new Map()
  readonly latency: Latencies = new Latencies()
  readonly refusal: Latencies = new Latencies()

  figures(lasts: Millis, capacity: number): Figures {
    const seconds = lasts / 1000
    return {
      lasts,
      offered: this.offered,
      retried: this.retried,
      admitted: this.admitted,
      answered: this.answered,
      good: this.good,
      refused: this.refused,
      rejected: Object.fromEntries([...this.rejected].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      left: this.left,
      wasted: this.wasted,
      goodput: seconds === 0 ? 0 : this.good / seconds,
      share: capacity === Infinity || seconds === 0 ? null : this.goodWork / (capacity * seconds),
      latency: this.latency.figures(),
      refusal: this.refusal.figures(),
    }
  }
}
