/** Buckets per doubling: neighbours are 1/32 apart, so a percentile is at most about 3 % off. */
const STEPS = 32
/** 2^-10 (about 1 µs when the unit is ms) to 2^24 (about 4.6 hours). */
const LOWEST = -10
const OCTAVES = 34

/**
 * Counts of values in log-linear buckets: fixed memory (8.5 KiB), one array increment a value, percentiles to 3 %.
 * The layout follows HdrHistogram (Gil Tene): linear steps within each power of two.
 */
export class Histogram {
  readonly #counts = new Float64Array(STEPS * OCTAVES)
  #total = 0
  // Where values have been, so that clearing and reading need not walk what was never touched.
  #low = STEPS * OCTAVES
  #high = -1

  /** How many values were recorded. */
  get total(): number {
    return this.#total
  }

  /** Records one value of at least 0; what lies outside the range counts in the first or last bucket. */
  record(value: number): void {
    const index = indexOf(value)
    this.#counts[index]!++
    this.#total++
    if (index < this.#low) this.#low = index
    if (index > this.#high) this.#high = index
  }

  /** The value at or below which a share `quantile` (0 to 1) of the values lies; 0 when there are none. */
  at(quantile: number): number {
    let rank = Math.max(1, Math.ceil(quantile * this.#total))
    for (let index = this.#low; index <= this.#high; index++) {
      rank -= this.#counts[index]!
      if (rank <= 0) return valueOf(index)
    }
    return 0
  }

  clear(): void {
    if (this.#high >= 0) this.#counts.fill(0, this.#low, this.#high + 1)
    this.#total = 0
    this.#low = STEPS * OCTAVES
    this.#high = -1
  }
}

function indexOf(value: number): number {
  if (!(value > 2 ** LOWEST)) return 0
  const octave = Math.floor(Math.log2(value))
  const index = (octave - LOWEST) * STEPS + Math.floor((value / 2 ** octave - 1) * STEPS)
  return index < STEPS * OCTAVES ? index : STEPS * OCTAVES - 1
}

/** The middle of a bucket. */
function valueOf(index: number): number {
  const octave = Math.floor(index / STEPS)
  return 2 ** (octave + LOWEST) * (1 + ((index % STEPS) + 0.5) / STEPS)
}
