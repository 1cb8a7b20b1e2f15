import type { Millis } from 'sluice'
import type { Fate } from '../load/index.ts'
import { Stopwatch } from '../load/stopwatch.ts'
import type { Stretch } from './scenario.ts'

/** What a gate and the service behind it held at a moment. */
export interface Sample {
  /** In ms since the start of the load. */
  readonly at: Millis
  readonly users: number
  /** In progress and waiting at the gate. */
  readonly inflight: number
  readonly queued: number
  /** Waiting behind the pool, those whose user has left included. */
  readonly backlog: number
  /** Let in so far, and what they waited at the gate, added up, in ms. */
  readonly admissions: number
  readonly waitTotal: Millis
}

/** Times, in ms. All 0 where there was nothing to time. */
export interface Times {
  readonly mean: Millis
  readonly p50: Millis
  readonly p95: Millis
  readonly max: Millis
}

/** What was answered in a stretch of time. */
export interface Figures {
  /** Answers of every kind, and users' losses of patience. */
  readonly total: number
  readonly served: number
  readonly rejected: number
  /** Of these, without `retry-after` or without a code. */
  readonly unexplained: number
  readonly failed: number
  readonly errors: number
  readonly timeouts: number
  /** Served, a second. */
  readonly rate: number
  /** Rejected, of all. */
  readonly share: number
  /** Of what was served, and of every loss of patience, since first asked. */
  readonly latency: Times
  /** Of what was served, at the gate. */
  readonly wait: Times
  /** Of what was served, without the wait its answer admits to. */
  readonly work: Times
  /** How the mean wait is known: by the gate itself, or by the answers. */
  readonly waitBy: 'gate' | 'answers'
  /** Reasons of whatever was not served, most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[]
}

/** Keeps what happened in a run and says what it came to, for any stretch of it. */
export class Tape {
  readonly fates: Fate[] = []
  readonly samples: Sample[] = []
  /** What a request takes when nobody else asks, in ms. */
  readonly unloaded: Millis

  constructor(unloaded: Millis) {
    this.unloaded = unloaded
  }

  /** What a served request waited: as its answer says, and else, at most, what it took beyond the unloaded time. */
  waitOf({ waited, latency }: Fate): Millis {
    return waited ?? Math.max(0, latency - this.unloaded)
  }

  figures(stretch: Stretch): Figures {
    const [latency, wait, work] = [new Stopwatch(), new Stopwatch(), new Stopwatch()]
    const counts = { served: 0, rejected: 0, failed: 0, error: 0, timeout: 0 }
    const reasons = new Map<string, number>()
    let unexplained = 0
    for (let index = this.#firstFrom(stretch.from); index < this.fates.length; index++) {
      const fate = this.fates[index]!
      if (fate.at >= stretch.to) break
      counts[fate.kind]++
      if (fate.reason !== undefined) reasons.set(fate.reason, (reasons.get(fate.reason) ?? 0) + 1)
      if (!fate.explained) unexplained++
      if (fate.kind === 'served' || fate.kind === 'timeout') latency.record(fate.latency)
      if (fate.kind !== 'served') continue
      wait.record(this.waitOf(fate))
      work.record(fate.latency - (fate.waited ?? 0))
    }
    const { served, rejected, failed, error: errors, timeout: timeouts } = counts
    const total = served + rejected + failed + errors + timeouts
    const asked = this.#gateWait(stretch)
    return {
      total,
      served,
      rejected,
      unexplained,
      failed,
      errors,
      timeouts,
      rate: (served / (stretch.to - stretch.from)) * 1000,
      share: total === 0 ? 0 : rejected / total,
      latency: times(latency),
      wait: asked === undefined ? times(wait) : { ...times(wait), mean: asked },
      work: times(work),
      waitBy: asked === undefined ? 'answers' : 'gate',
      reasons: [...reasons].sort(([, one], [, other]) => other - one),
    }
  }

  /** They are in the order they became known. */
  #firstFrom(from: Millis): number {
    let [low, high] = [0, this.fates.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.fates[middle]!.at < from) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Mean wait by the gate's own books. */
  #gateWait({ from, to }: Stretch): Millis | undefined {
    const within = this.samples.filter(({ at }) => at >= from && at <= to)
    const [first, last] = [within[0], within.at(-1)]
    if (first === undefined || last === undefined || last.admissions === first.admissions) return undefined
    return (last.waitTotal - first.waitTotal) / (last.admissions - first.admissions)
  }
}

function times(watch: Stopwatch): Times {
  const { mean, p50, max } = watch.latency
  return { mean, p50, p95: watch.at(95), max }
}
