import type { Instant, Millis, Rejection } from '../ground/index.ts'
import { Histogram } from '../measure/index.ts'
import { Fairness } from './fairness.ts'
import type { Job } from './job.ts'
import type { Figures, Point } from './report.ts'
import { Slice } from './slice.ts'

export interface RecorderOptions {
  readonly start: Instant
  /** An answer later than this is not good, in ms. */
  readonly bound: Millis
  /** How much of the beginning is left out of the totals, in ms. */
  readonly warmup: Millis
  readonly classes: readonly string[]
  readonly tenants: readonly string[]
}

/** How a plant and its gates stand. */
export type Standing = Pick<Point, 'limit' | 'inflight' | 'queued' | 'capacity'>

/** Notes what happens, in memory that does not grow with the number of arrivals. */
export class Recorder {
  readonly total: Slice = new Slice()
  readonly classes: readonly Slice[]
  readonly fairness: Fairness
  readonly points: Point[] = []
  offered = 0
  answered = 0
  refused = 0
  left = 0
  /** The present phase. */
  phase: Slice = new Slice()
  /** From when on it counts. */
  phaseFrom: Instant
  readonly #start: Instant
  readonly #from: Instant
  readonly #bound: Millis
  // The present interval of the series.
  readonly #spread = new Histogram()
  #longest = 0
  #reasons: Record<string, number> = {}
  #good = 0
  #goodBefore = 0
  #before = { offered: 0, refused: 0, left: 0 }

  constructor({ start, bound, warmup, classes, tenants }: RecorderOptions) {
    this.#start = start
    this.#from = start + warmup
    this.phaseFrom = start
    this.#bound = bound
    // The only class there is is everybody: noted once.
    this.classes = classes.length === 1 ? [this.total] : classes.map(() => new Slice())
    this.fairness = new Fairness(tenants)
  }

  sent(job: Job, now: Instant): void {
    this.offered++
    const { kind, tenant } = job.traits
    if (tenant >= 0 && now >= this.#from) this.fairness.offered[tenant]!++
    for (let part = 0; part < 3; part++) {
      const slice = this.#part(part, kind, now)
      if (slice === undefined) continue
      slice.offered++
      if (job.attempt > 0) slice.retried++
    }
  }

  admitted(job: Job, now: Instant): void {
    for (let part = 0; part < 3; part++) {
      const slice = this.#part(part, job.traits.kind, now)
      if (slice !== undefined) slice.admitted++
    }
  }

  /** The work of an attempt has ended. */
  done(job: Job, now: Instant): void {
    const { kind, tenant } = job.traits
    const took = now - job.since
    const wanted = !job.settled
    const good = wanted && took <= this.#bound
    this.#spread.record(took)
    if (took > this.#longest) this.#longest = took
    if (wanted) this.answered++
    if (good) this.#good++
    if (good && tenant >= 0 && now >= this.#from) this.fairness.good[tenant]!++
    for (let part = 0; part < 3; part++) {
      const slice = this.#part(part, kind, now)
      if (slice === undefined) continue
      slice.latency.record(took)
      if (wanted) slice.answered++
      else slice.wasted++
      if (good) {
        slice.good++
        slice.goodWork += job.work
      }
    }
  }

  rejected(job: Job, { code }: Rejection, now: Instant): void {
    if (job.settled) return
    this.refused++
    const { kind, tenant } = job.traits
    if (tenant >= 0 && now >= this.#from) this.fairness.refused[tenant]!++
    for (let part = 0; part < 3; part++) {
      const slice = this.#part(part, kind, now)
      if (slice === undefined) continue
      slice.refused++
      slice.rejected.set(code, (slice.rejected.get(code) ?? 0) + 1)
      slice.refusal.record(now - job.since)
    }
  }

  departed(job: Job, now: Instant): void {
    this.left++
    for (let part = 0; part < 3; part++) {
      const slice = this.#part(part, job.traits.kind, now)
      if (slice !== undefined) slice.left++
    }
  }

  limitMoved(reason: string): void {
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1
  }

  /** Ends an interval of the series. */
  tick(now: Instant, standing: Standing): void {
    const { offered, refused, left } = this
    this.points.push({
      at: now - this.#start,
      offered: offered - this.#before.offered,
      good: this.#good - this.#goodBefore,
      refused: refused - this.#before.refused,
      left: left - this.#before.left,
      p99: Math.min(this.#longest, this.#spread.at(0.99)),
      ...standing,
      reasons: this.#reasons,
    })
    this.#before = { offered, refused, left }
    this.#goodBefore = this.#good
    this.#reasons = {}
    this.#spread.clear()
    this.#longest = 0
  }

  /** Ends a phase. */
  phaseEnds(now: Instant, capacity: number): Figures {
    const figures = this.phase.figures(now - this.phaseFrom, capacity)
    this.phase = new Slice()
    return figures
  }

  /** The three parts everything belongs to: all, its phase, its class; or none, while that does not count yet. */
  #part(part: number, kind: number, now: Instant): Slice | undefined {
    if (part === 1) return now >= this.phaseFrom ? this.phase : undefined
    if (now < this.#from) return undefined
    if (part === 0) return this.total
    return this.classes.length === 1 ? undefined : this.classes[kind]
  }
}
