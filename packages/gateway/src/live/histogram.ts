import type { Millis } from 'sluice'

/** Buckets to a doubling: what is read off is at most 4.5 % too high. */
const FINE = 16
/** The shortest and the longest that are told apart, in ms, as powers of two. */
const [LOWEST, HIGHEST] = [-7, 23]
const BUCKETS = (HIGHEST - LOWEST) * FINE

/** Durations by their logarithm, for percentiles. 2 kB, whatever comes. */
export class Histogram {
  count = 0
  readonly #counts = new Uint32Array(BUCKETS)

  /** @param data of one of another process */
  static of(data: Uint32Array): Histogram {
    const histogram = new Histogram()
    histogram.#counts.set(data)
    histogram.count = data.reduce((sum, count) => sum + count, 0)
    return histogram
  }

  /** To be sent to another process. */
  get data(): Uint32Array {
    return this.#counts
  }

  add(value: Millis): void {
    const bucket = Math.floor((Math.log2(value) - LOWEST) * FINE)
    this.#counts[bucket < 0 || Number.isNaN(bucket) ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1]!++
    this.count++
  }

  addAll(other: Histogram): void {
    for (let i = 0; i < BUCKETS; i++) this.#counts[i]! += other.#counts[i]!
    this.count += other.count
  }

  /** The upper end of the bucket that holds it, in ms; 0 where there is nothing. @param share from 0 to 1 */
  percentile(share: number): Millis {
    const rank = Math.max(1, Math.ceil(this.count * share))
    let seen = 0
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#counts[i]!
      // Everything too short to be told apart is nothing.
      if (seen >= rank) return i === 0 ? 0 : Math.round(2 ** ((i + 1) / FINE + LOWEST) * 100) / 100
    }
    return 0
  }
}
