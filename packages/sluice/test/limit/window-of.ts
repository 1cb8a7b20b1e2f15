import type { Window } from '../../src/index.ts'

export interface WindowParts extends Partial<Omit<Window, 'rtt'>> {
  /** What everybody took, in ms. Default 10. */
  readonly took?: number
  readonly count?: number
  /** Standard error of the typical time, as a share of it. Default 0. */
  readonly error?: number
}

/** A window in which everybody took the same time; the limit bound throughout unless it says otherwise. */
export function windowOf(parts: WindowParts = {}): Window {
  const { took = 10, count = parts.completed ?? 20, error = 0, ...rest } = parts
  const time = count === 0 ? 0 : took
  return {
    start: 1000,
    end: 1100,
    completed: count,
    dropped: 0,
    peakInflight: 1000,
    meanInflight: 1000,
    bound: 1,
    cut: false,
    ...rest,
    rtt: { count, min: time, mean: time, typical: time, error, p50: time, p90: time, p99: time },
  }
}
