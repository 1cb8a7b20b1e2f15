import type { Millis } from 'sluice'

/** Durations by bounds that never change, counted for ever: what Prometheus calls a histogram. */
export class DurationCounts {
  /** Upper ends, in seconds. */
  readonly bounds: readonly number[]
  /** One for each bound, and one for what is longer. */
  readonly counts: number[]
  /** All durations together, in ms. */
  total: Millis = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  add(duration: Millis): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && duration > bounds[at]! * 1000) at++
    this.counts[at]!++
    this.total += duration
  }
}
