import {
  explain,
  REFUSALS,
  retryAfterOf,
  systemClock,
  type Instant,
  type Millis,
  type Observer,
  type Rejection,
  type RejectionCode,
} from 'sluice'
import type { Lane, Refusals } from 'sluice/http'
import type { LaneShares } from '../config/index.ts'
import { TopTenants } from '../tenants/index.ts'
import { OwnUsage } from './own-usage.ts'
import { Second } from './second.ts'
import type { Figures, LaneView, LimitMove, RejectionView, Tick } from './snapshot.ts'

/** What the recorder knows of a request. */
export interface Recorded {
  readonly lane: Lane
  /** When it came, on the system clock. */
  readonly began: Instant
  readonly tenant: string | undefined
  readonly method: string
  /** With its query. */
  readonly target: string
  /** True where nobody is refused: it comes in all the same. */
  readonly trial?: boolean
}

/** What a gateway holds now. */
export interface Load {
  /** `Infinity` where there is no limit. */
  readonly limit: number
  readonly inflight: number
  readonly queued: number
}

/** Over so many seconds the present is judged. */
const PRESENT = 10
const BY_IMPORTANCE = ['critical', 'high', 'normal', 'low'] as const
const MOST = { history: 600, moves: 200, rejections: 50, path: 200 } as const

/** Without the request itself, which would keep its connection. */
interface Refused extends Omit<Recorded, 'began' | 'trial'> {
  readonly at: number
  readonly rejection: Rejection
  readonly waited: Millis
}

/** Watches what comes of requests and remembers it for the page: ten minutes by the second, in fixed memory. */
export class Recorder {
  readonly tenants: TopTenants = new TopTenants()
  #load: () => Load = () => ({ limit: Infinity, inflight: 0, queued: 0 })
  readonly #started: Instant = systemClock.now()
  readonly #history: Tick[] = []
  readonly #moves: LimitMove[] = []
  readonly #refused: Refused[] = []
  readonly #recent: Second[] = []
  /** All seconds that are over. */
  readonly #past = new Second()
  #now = new Second()
  readonly #usage = new OwnUsage()
  #ticked: Instant = systemClock.now()
  #timer: NodeJS.Timeout | undefined
  /** In progress where there is no gate. */
  #ungated = 0

  /**
   * From now on a second is a second.
   * @param load what is in progress and waiting, read once in each
   * @param alone false where somebody else says when a second is over, with {@link tick}
   */
  start(load: () => Load, alone = true): void {
    this.#load = load
    this.#ticked = systemClock.now()
    if (!alone) return
    this.#timer = setInterval(() => this.tick(), 1000)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get uptime(): Millis {
    return systemClock.now() - this.#started
  }

  get history(): readonly Tick[] {
    return this.#history
  }

  get moves(): readonly LimitMove[] {
    return this.#moves
  }

  /** For a gate through which requests pass that `of` knows. */
  observer(of: (arrival: object) => Recorded): Observer {
    return {
      admitted: (arrival, waited) => {
        const { lane, tenant } = of(arrival)
        this.#now.letIn(lane, waited)
        if (tenant !== undefined) this.tenants.offered(tenant)
      },
      rejected: (arrival, rejection) => {
        // Whoever left was not turned away.
        if (rejection.code !== 'cancelled') this.refused(of(arrival), rejection)
      },
      released: (arrival, outcome) => {
        const { lane, began } = of(arrival)
        this.#now.end(lane, systemClock.now() - began, outcome === 'success')
      },
    }
  }

  /** What happened elsewhere is added to the present second. */
  receive(second: Second): void {
    this.#now.addAll(second)
  }

  /** Somebody is let in where there is no gate. @returns tells that it ended, and whether well */
  ungated(): (good: boolean) => void {
    const ended = this.passed('normal')
    this.#ungated++
    return (good) => {
      this.#ungated--
      ended(good)
    }
  }

  /** Somebody goes round the gate. @returns tells that it ended, and whether well */
  passed(lane: Lane): (good: boolean) => void {
    const began = systemClock.now()
    this.#now.letIn(lane, 0)
    return (good) => this.#now.end(lane, systemClock.now() - began, good)
  }

  /** Somebody was turned away, or would have been. */
  refused(visitor: Recorded, rejection: Rejection): void {
    const came = visitor.trial !== true
    this.#now.turnAway(visitor.lane, rejection.code, came)
    if (visitor.tenant !== undefined) {
      if (came) this.tenants.offered(visitor.tenant)
      this.tenants.rejected(visitor.tenant)
    }
    const { lane, tenant, method, target, began } = visitor
    this.#refused.push({ at: Date.now(), rejection, lane, tenant, method, target, waited: systemClock.now() - began })
    if (this.#refused.length > 2 * MOST.rejections) this.#refused.splice(0, MOST.rejections)
  }

  moved(move: LimitMove): void {
    this.#moves.push(move)
    if (this.#moves.length > MOST.moves) this.#moves.shift()
  }

  /** The last refusals, the latest first. */
  rejections(label: (tenant: string | undefined) => string): readonly RejectionView[] {
    return this.#refused
      .slice(-MOST.rejections)
      .reverse()
      .map(({ at, rejection, lane, tenant, method, target, waited }) => {
        const { code, gate } = rejection
        const retry = retryAfterOf(rejection)
        return {
          at,
          code,
          gate,
          status: REFUSALS[code].status,
          because: explain(rejection),
          method,
          path: target.split('?', 1)[0]!.slice(0, MOST.path),
          lane,
          tenant: label(tenant),
          waited: rounded(waited),
          retryAfter: retry === undefined ? -1 : Math.ceil(retry / 1000),
        }
      })
  }

  /** The last ten seconds. */
  figures(): Figures {
    return this.#figures(this.#present(), this.#over())
  }

  /** What has come of each lane since the start. */
  get counted(): Second['lanes'] {
    const all = new Second()
    all.addAll(this.#past)
    all.addAll(this.#now)
    return all.lanes
  }

  /** What was let in since the start, and turned away for want of room: nobody's own allowance, and nobody who left. */
  get refusals(): Refusals {
    const all = [this.#past, this.#now]
    const counts = all.flatMap(({ by }) => Object.entries(by))
    return {
      admissions: all.reduce((sum, { admitted }) => sum + admitted, 0),
      rejections: counts.reduce(
        (sum, [code, count]) => sum + (REFUSALS[code as RejectionCode].status === 503 ? count : 0),
        0,
      ),
    }
  }

  /** The last ten seconds of each lane, the most important first; without shares only of those that had any. */
  lanes(shares: LaneShares | undefined): readonly LaneView[] {
    const [{ lanes }, seconds] = [this.#present(), this.#over() / 1000]
    return BY_IMPORTANCE.flatMap((lane) => {
      const { offered = 0, admitted = 0, rejected = 0, latency } = lanes[lane] ?? {}
      if (shares === undefined && lanes[lane] === undefined) return []
      return {
        lane,
        share: shares?.[lane] ?? 0,
        offered: rounded(offered / seconds),
        admitted: rounded(admitted / seconds),
        rejected: rounded(rejected / seconds),
        p99: latency?.percentile(0.99) ?? 0,
      }
    })
  }

  /**
   * Ends the present second, and returns it.
   * @param usage of those whose second it is. Default: that of this process
   */
  tick(usage?: Pick<Tick, 'loop' | 'cpu'>): Second {
    const now = systemClock.now()
    const took = Math.max(1, now - this.#ticked)
    this.#ticked = now
    const { loop, cpu } = usage ?? this.#usage.since(took)
    const second = this.#now
    this.#now = new Second()
    const lanes = Object.entries(second.lanes).map(
      ([lane, { admitted, offered }]) => [lane, [admitted, offered]] as const,
    )
    this.#history.push({
      ...this.#figures(second, took),
      at: Date.now(),
      by: second.by,
      lanes: Object.fromEntries(lanes),
      loop: rounded(loop),
      cpu: rounded(cpu),
    })
    if (this.#history.length > MOST.history) this.#history.shift()
    this.#past.addAll(second)
    this.#recent.push(second)
    if (this.#recent.length > PRESENT) this.#recent.shift()
    this.tenants.fade()
    return second
  }

  #present(): Second {
    const sum = new Second()
    for (const second of this.#recent) sum.addAll(second)
    sum.addAll(this.#now)
    return sum
  }

  #over(): Millis {
    return this.#recent.length * 1000 + Math.max(1, systemClock.now() - this.#ticked)
  }

  #figures(second: Second, over: Millis): Figures {
    const { offered, admitted, ended, good, rejected, latency, wait } = second
    const { limit, inflight: gated, queued } = this.#load()
    const inflight = gated + this.#ungated
    const perSecond = (count: number): number => rounded((count * 1000) / over)
    return {
      over: Math.round(over),
      offered: perSecond(offered),
      admitted: perSecond(admitted),
      ended: perSecond(ended),
      good: perSecond(good),
      rejected: perSecond(rejected),
      shedPercent: offered === 0 ? 0 : rounded((rejected / offered) * 100),
      p50: latency.percentile(0.5),
      p90: latency.percentile(0.9),
      p99: latency.percentile(0.99),
      wait50: wait.percentile(0.5),
      wait99: wait.percentile(0.99),
      inflight,
      limit: Number.isFinite(limit) ? limit : -1,
      queued,
      utilization: Number.isFinite(limit) && limit > 0 ? rounded((inflight / limit) * 100) : 0,
    }
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
