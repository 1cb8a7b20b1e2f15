import type { Millis } from 'sluice'
import type { Counts, Phase, PhaseReport } from './load.ts'
import { Stopwatch } from './stopwatch.ts'

/** More than this share sent late and the run is marked. */
const MOST_LATE = 0.02

export function noCounts(): Counts {
  return { offered: 0, late: 0, good: 0, slow: 0, rejected: 0, unexplained: 0, failed: 0, timeouts: 0, errors: 0 }
}

/** Collects what becomes of the requests that were due in one phase. */
export class Score {
  readonly counts: Counts = noCounts()
  readonly seconds: Counts[] = []
  readonly admitted: Stopwatch = new Stopwatch()
  readonly refused: Stopwatch = new Stopwatch()
  readonly statuses: Record<string, number> = {}
  readonly reasons: Record<string, number> = {}
  readonly causes: Record<string, number> = {}

  /** The counts of the second that `since` ms after the phase's beginning falls into. */
  second(since: Millis): Counts {
    const index = Math.floor(since / 1000)
    while (this.seconds.length <= index) this.seconds.push(noCounts())
    return this.seconds[index]!
  }

  report({ name, rate, duration }: Phase): PhaseReport {
    const { counts, seconds, statuses, reasons, causes } = this
    return {
      name,
      rate,
      duration,
      ...counts,
      punctual: counts.late <= MOST_LATE * counts.offered,
      statuses,
      reasons,
      causes,
      admitted: this.admitted.latency,
      refused: this.refused.latency,
      seconds,
    }
  }
}

/** Adds one to a count by name. */
export function count(counts: Record<string, number>, name: string | number): void {
  counts[name] = (counts[name] ?? 0) + 1
}
