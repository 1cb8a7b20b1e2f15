import type { Instant, Millis } from '../ground/index.ts'

interface Stretch {
  readonly end: Instant
  readonly length: Millis
  readonly level: number
}

/**
 * The mean level of the last `window` ms, each reading weighted by how long it stood for. What is older has no weight
 * at all: a long calm cannot hide a spike, and a spike is forgotten in a known time.
 */
export class Recent {
  readonly #window: Millis
  readonly #stretches: Stretch[] = []

  constructor(window: Millis) {
    this.#window = window
  }

  /** Adds the level of the `length` ms up to `end`. Returns the mean. */
  add(end: Instant, length: Millis, level: number): number {
    const stretches = this.#stretches
    stretches.push({ end, length, level })
    const start = end - this.#window
    // Never more than a thousand, so moving them up costs next to nothing.
    while (stretches[0]!.end <= start) stretches.shift()
    let weighted = 0
    let total = 0
    for (const stretch of stretches) {
      // Of a stretch that began before the window only the part within it counts.
      const weight = Math.min(stretch.length, stretch.end - start)
      weighted += weight * stretch.level
      total += weight
    }
    return weighted / total
  }
}
