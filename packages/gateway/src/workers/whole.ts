import { Registry } from 'prom-client'
import { backpressureReport, shownMetrics, type BackpressureReport } from '../admin/index.ts'
import type { GatewayPlan } from '../config/index.ts'
import { Recorder, Second, stateOf, type Load, type Phase, type Snapshot, type Tick } from '../live/index.ts'
import { LoadReadiness } from '../readiness/index.ts'
import { mergedSnapshot } from './merged-snapshot.ts'
import { usageOf } from './usage.ts'
import { added, counted, ofWorker, sumOf } from './merged-metrics.ts'
import type { MetricsData, WorkerFigures } from './message.ts'

export interface WholeOptions {
  /** The plan in force. */
  readonly plan: () => GatewayPlan
  readonly hash: () => string
  readonly phase: () => Phase
  /** How often a plan was taken over, the first included, and from which file. */
  readonly loads: () => number
  readonly file: string | undefined
  /** What was ordered, and is not over. */
  readonly orders: () => Snapshot['orders']
  /** Has all workers tell their figures, which are then heard. */
  readonly tell: (ends: boolean) => Promise<void>
}

/** How often a second ends, in ms. */
const SECOND = 1000
/** So many of those who have ended are kept one by one. */
const MOST_GONE = 8

/** All workers as one gateway: what each tells is added up, and what one had counted when it ended stays. */
export class Whole {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #options: WholeOptions
  readonly #recorder = new Recorder()
  readonly #readiness: LoadReadiness
  readonly #snapshots = new Map<number, Snapshot>()
  readonly #metrics = new Map<number, MetricsData>()
  /** What those had counted who have ended. */
  #gone: readonly MetricsData[] = []
  #timer: NodeJS.Timeout | undefined
  #fresh: Promise<void> | undefined

  constructor(options: WholeOptions) {
    this.#options = options
    // Each can use all processors there are: what matters is what they use together.
    this.#readiness = new LoadReadiness({
      refusals: () => this.#recorder.refusals,
      usage: usageOf(() => mergedSnapshot(this.#snapshots, options.plan()).process),
    })
  }

  /** From now on a second is a second, everywhere at the same time. */
  start(): void {
    this.#recorder.start(() => this.#load(), false)
    this.follow()
    this.#timer = setInterval(() => void this.#beat(), SECOND)
    this.#timer.unref()
  }

  /** The plan may be another. */
  follow(): void {
    this.#readiness.follow(this.#options.plan())
  }

  /** What load has against the whole. */
  get causes(): readonly string[] {
    return this.#readiness.causes
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#readiness.stop()
  }

  hear(number: number, { snapshot, metrics, second }: WorkerFigures): void {
    this.#snapshots.set(number, snapshot)
    this.#metrics.set(number, ofWorker(metrics, number))
    if (second !== undefined) this.#recorder.receive(Second.of(second))
  }

  /** A worker has ended. One that follows it counts from nothing, which must not show. */
  gone(number: number): void {
    const last = this.#metrics.get(number)
    this.#snapshots.delete(number)
    this.#metrics.delete(number)
    if (last === undefined) return
    this.#gone = [...this.#gone, counted(last)]
    if (this.#gone.length > MOST_GONE) void this.#condense()
  }

  async #condense(): Promise<void> {
    const all = this.#gone
    const sum = await added(all).getMetricsAsJSON()
    if (this.#gone === all) this.#gone = [sum]
  }

  /** Settles when what is known is of now, or can be of no other time. Whoever asks at once is told the same. */
  fresh(): Promise<void> {
    this.#fresh ??= this.#options.tell(false).finally(() => (this.#fresh = undefined))
    return this.#fresh
  }

  tick(): Tick | undefined {
    return this.#recorder.history.at(-1)
  }

  snapshot(): Snapshot {
    const { plan, hash, phase, loads, file, orders } = this.#options
    const { dryRun, lanes } = plan()
    const merged = mergedSnapshot(this.#snapshots, plan())
    const now = this.#recorder.figures()
    const [state, because] = stateOf({ ...merged, phase: phase(), dryRun, now, orders: orders() })
    return {
      version: 1,
      at: Date.now(),
      uptime: Math.round(this.#recorder.uptime),
      state,
      because,
      plan: { hash: hash(), loads: loads(), file: file ?? null },
      dryRun,
      orders: orders(),
      now,
      history: this.#recorder.history,
      lanes: this.#recorder.lanes(lanes?.shares),
      ...merged,
    }
  }

  /** What `/metrics` tells. */
  async metrics(): Promise<string> {
    const { limit } = this.#load()
    const snapshot = this.snapshot()
    // Of a limit that is shared each sees only what it holds of it.
    const shown = new Registry()
    shownMetrics(shown, () => snapshot)
    const whole = (await added(this.#all).getMetricsAsJSON()).map((metric) =>
      metric.name === 'backpressure_limit' ? { ...metric, values: [{ labels: {}, value: limit }] } : metric,
    )
    return await added([whole], await shown.getMetricsAsJSON()).metrics()
  }

  /** What `/metrics/backpressure` tells. */
  async report(): Promise<BackpressureReport> {
    const whole = await added(this.#all).getMetricsAsJSON()
    const wait = (part: string): number =>
      sumOf(whole, 'backpressure_wait_time_seconds', ({ metricName }) => metricName?.endsWith(part) === true)
    const rejected = (code?: string): number =>
      sumOf(whole, 'backpressure_rejected_total', ({ labels }) => code === undefined || labels.code === code)
    const admitted = wait('_count')
    const tally = {
      rejections: rejected(),
      rejectionsBy: { cancelled: rejected('cancelled') },
      averageWait: admitted === 0 ? 0 : (1000 * wait('_sum')) / admitted,
    }
    return backpressureReport({ stats: this.#load() }, tally, { active: 0 })
  }

  get #all(): readonly MetricsData[] {
    return [...this.#gone, ...this.#metrics.values()]
  }

  async #beat(): Promise<void> {
    await this.#options.tell(true)
    const { loop, cpu } = mergedSnapshot(this.#snapshots, this.#options.plan()).process
    this.#recorder.tick({ loop, cpu })
    // Now that what came of the last second is known.
    this.#readiness.judge()
  }

  /** What is in progress and waiting, and what may be: at the innermost limit of each route, as one process counts it. */
  #load(): Load {
    const plan = this.#options.plan()
    const { limits } = mergedSnapshot(this.#snapshots, plan)
    const innermost = new Set(
      plan.routes.flatMap((route) => {
        const last = route.limits.findLast((name) => plan.limits[name]?.kind !== 'rate') ?? route.limits.at(-1)
        return last ?? []
      }),
    )
    const counts = limits.filter(({ name }) => innermost.has(name))
    const endless = innermost.size === 0 || counts.some(({ limit }) => limit < 0)
    const now = [...this.#snapshots.values()].map((snapshot) => snapshot.now)
    return {
      limit: endless ? Infinity : counts.reduce((sum, { limit }) => sum + limit, 0),
      inflight: now.reduce((sum, { inflight }) => sum + inflight, 0),
      queued: now.reduce((sum, { queued }) => sum + queued, 0),
    }
  }
}
