import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Millis } from 'sluice'
import type { Latency } from './load.ts'

/** The longest time told apart from longer ones. */
const LONGEST: Millis = 60_000

/** Latencies in an HdrHistogram (Node's own), in steps of a microsecond or 0.1 %, whichever is coarser. */
export class Stopwatch {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: LONGEST * 1000, figures: 3 })

  record(latency: Millis): void {
    this.#histogram.record(Math.min(LONGEST * 1000, Math.max(1, Math.round(latency * 1000))))
  }

  /** The latency that a share of `percent` (above 0, to 100) does not exceed; 0 when nothing was recorded. */
  at(percent: number): Millis {
    return this.#histogram.count === 0 ? 0 : this.#histogram.percentile(percent) / 1000
  }

  reset(): void {
    this.#histogram.reset()
  }

  get latency(): Latency {
    const { count, mean, max } = this.#histogram
    if (count === 0) return { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }
    return { count, mean: mean / 1000, p50: this.at(50), p90: this.at(90), p99: this.at(99), max: max / 1000 }
  }
}
