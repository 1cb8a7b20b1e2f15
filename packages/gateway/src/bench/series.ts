import type { Millis } from 'sluice'
import type { Scenario } from './scenario.ts'
import type { Tape } from './tape.ts'

/** What happened in one short stretch of a run. */
export interface Moment {
  /** Its middle, in seconds since the start. */
  readonly at: number
  readonly users: number
  /** A second. */
  readonly served: number
  readonly rejected: number
  /** Losses of patience, errors and other failures, a second. */
  readonly lost: number
  /** Since first asked, in ms, of what was served and of every loss of patience; nothing where there was neither. */
  readonly p50: Millis | undefined
  readonly p95: Millis | undefined
  /** Waiting at the gate, and behind the pool, at its end, where that can be seen. */
  readonly queued: number | undefined
  readonly backlog: number | undefined
}

/** Pictures of a minute and of three seconds should both have some fifty points. */
const POINTS = 50

/** A run, moment by moment. */
export function seriesOf(tape: Tape, { duration, users }: Scenario): readonly Moment[] {
  const step = Math.max(250, Math.ceil(duration / POINTS / 250) * 250)
  const moments: Moment[] = []
  for (let from = 0; from + step <= duration + 1; from += step) {
    const { served, rejected, timeouts, errors, failed, latency } = tape.figures({ from, to: from + step })
    const rate = (count: number): number => (count / step) * 1000
    const held = tape.samples.findLast(({ at }) => at <= from + step)
    const timed = served + timeouts > 0
    moments.push({
      at: (from + step / 2) / 1000,
      users: Math.round(users(from + step / 2)),
      served: rate(served),
      rejected: rate(rejected),
      lost: rate(timeouts + errors + failed),
      p50: timed ? latency.p50 : undefined,
      p95: timed ? latency.p95 : undefined,
      queued: held?.queued,
      backlog: held?.backlog,
    })
  }
  return moments
}
