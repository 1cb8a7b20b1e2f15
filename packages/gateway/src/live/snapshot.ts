import type { Millis, RejectionCode } from 'sluice'
import type { LlmView } from './llm-snapshot.ts'

/**
 * The state of a gateway in one word, causes before what they cause: it ends (`draining`), fewer healthy servers than there
 * are (`upstream-failing`), nobody is refused whatever happens, by an order (`paused`) or by the plan (`dry-run`), the
 * fleet's store is gone (`store-degraded`), refusals are made (`shedding`), the queue stands (`queueing`), all is well (`ok`).
 */
export type StateWord =
  | 'starting'
  | 'ok'
  | 'queueing'
  | 'shedding'
  | 'upstream-failing'
  | 'store-degraded'
  | 'paused'
  | 'dry-run'
  | 'draining'

/** All that the page, `sluice top` and scripts show of this instance. Plain JSON: no `undefined`, no `Infinity`. */
export interface Snapshot {
  /** Rises by one with every change of this shape that old readers cannot read. */
  readonly version: 1
  /** When it was taken, in ms since 1970. */
  readonly at: number
  /** Since the start of the process, in ms. */
  readonly uptime: Millis
  readonly state: StateWord
  /** One sentence for people that says why the state is what it is. */
  readonly because: string
  /** The first ten hexadecimal digits of the hash of the plan in force, and how often one was taken over. */
  readonly plan: { readonly hash: string; readonly loads: number; readonly file: string | null }
  /** Nobody is refused, by the plan or by an order. */
  readonly dryRun: boolean
  /** What was ordered on the admin port and holds now; the plan comes back when it is over. */
  readonly orders: readonly OrderView[]
  /** Figures of the last `over` ms (10 seconds once it has run that long). */
  readonly now: Figures
  /** The last ten minutes, one a second, the oldest first. The last of them is complete. */
  readonly history: readonly Tick[]
  /** Why limits moved, the latest last; at most 200. */
  readonly moves: readonly LimitMove[]
  readonly limits: readonly LimitView[]
  readonly lanes: readonly LaneView[]
  /** Who asked most lately, at most 20; `tenant` is a hash unless the configuration says names. */
  readonly tenants: readonly TenantView[]
  readonly upstreams: readonly UpstreamView[]
  /** Present where a limit is shared by a fleet. */
  readonly fleet: readonly FleetView[]
  /** Steps of degradation in force, mildest first. */
  readonly degradation: readonly string[]
  /** Present where answers are kept for degradation. */
  readonly cache: CacheView | null
  /** Present where there are language models behind the gateway. */
  readonly llm: LlmView | null
  /** The last 50, the latest first. */
  readonly rejections: readonly RejectionView[]
  readonly process: ProcessView
  /** Instances this one knows of: itself, and as many more as the fleet's store counts. */
  readonly instances: readonly InstanceView[]
}

/** An order that ends by itself, at `until`, in ms since 1970: nobody is refused, or a limit is forced. */
export type OrderView =
  | { readonly kind: 'pause'; readonly until: number }
  | { readonly kind: 'limit'; readonly limit: string; readonly to: number; readonly until: number }

/** What flowed, per second and in ms. Every figure is finite. */
export interface Figures {
  readonly over: Millis
  /** Requests that asked to come in, per second. */
  readonly offered: number
  /** Let in, per second. */
  readonly admitted: number
  /** Came to an end, per second, well or not. */
  readonly ended: number
  /** Ended well, per second: the goodput. */
  readonly good: number
  /**
   * Turned away, per second; clients that left while they waited are not counted. On trial (`dryRun`) who would have been,
   * and came in all the same.
   */
  readonly rejected: number
  /** Turned away as a share of offered, in percent. */
  readonly shedPercent: number
  /** From arrival to the end of the answer of those let in, in ms; 0 where there was none. */
  readonly p50: Millis
  readonly p90: Millis
  readonly p99: Millis
  /** The same of waiting alone. */
  readonly wait50: Millis
  readonly wait99: Millis
  /** In progress, what may be, waiting: now. `limit` is -1 where there is none. */
  readonly inflight: number
  readonly limit: number
  readonly queued: number
  /** In progress as a share of the limit, in percent; 0 where there is no limit. */
  readonly utilization: number
}

/** One second. */
export interface Tick extends Figures {
  /** When it ended, in ms since 1970. */
  readonly at: number
  /** Turned away by reason; only reasons that occurred. */
  readonly by: Readonly<Partial<Record<RejectionCode, number>>>
  /** Admitted and offered by lane; only lanes that occurred. */
  readonly lanes: Readonly<Record<string, readonly [admitted: number, offered: number]>>
  /** Busy share of the event loop, from 0 to 1, and of one processor, which may exceed 1. */
  readonly loop: number
  readonly cpu: number
}

/** A limit that moved by itself. */
export interface LimitMove {
  readonly at: number
  readonly limit: string
  readonly from: number
  readonly to: number
  /** The algorithm's own word: `headroom`, `latency`, … */
  readonly reason: string
}

/** One of the configured limits. */
export interface LimitView {
  readonly name: string
  readonly kind: 'adaptive' | 'fixed' | 'rate'
  readonly scope: 'local' | 'fleet'
  readonly per: 'all' | 'tenant'
  /** -1 where it does not count that. */
  readonly limit: number
  readonly inflight: number
  readonly queued: number
  /** 0 idle, 1 full, above 1 refusing. */
  readonly pressure: number
}

/** One lane of traffic, over the same time as `now`. */
export interface LaneView {
  readonly lane: 'critical' | 'high' | 'normal' | 'low'
  /** In percent of the limit; what it is guaranteed when others want more. */
  readonly share: number
  /** Per second. */
  readonly offered: number
  readonly admitted: number
  readonly rejected: number
  readonly p99: Millis
}

/** One of those who asked most. */
export interface TenantView {
  readonly tenant: string
  /** Per second, lately (the last minute weighs most). */
  readonly offered: number
  readonly rejected: number
  /** Its share of all that was offered, in percent. */
  readonly share: number
}

/** A server behind the gateway. */
export interface UpstreamView {
  readonly upstream: string
  /** Scheme, host and port. */
  readonly server: string
  readonly healthy: boolean
  /** Why it is not, in words; empty when it is. */
  readonly because: string
  readonly weight: number
  readonly inflight: number
  /** What it last said of its own utilisation (ORCA), from 0; -1 where it did not say. */
  readonly told: number
  /**
   * How it speaks of its load: `silent` (never, as most do), `heard`, or `broken`: it did and does no longer, or it refuses
   * without saying when to come back (something on the way strips the headers).
   */
  readonly link: 'silent' | 'heard' | 'broken'
  /** Refusals it has answered with (429, 503), and how many of these did not say when to come back. Since the start. */
  readonly refused: number
  readonly mute: number
  /** What its word has narrowed the upstream to, in requests at once; -1 where it has not. */
  readonly narrowed: number
  /** Since the start. */
  readonly answered: number
  readonly failed: number
  /** State of the breaker before this upstream, or null where there is none. */
  readonly breaker: 'closed' | 'open' | 'half-open' | null
}

/** A limit that is shared through Redis, as seen from here. */
export interface FleetView {
  readonly limit: string
  readonly up: boolean
  /** Why the store last did not answer; empty where it did. */
  readonly trouble: string
  /** What decides while the store is gone, and whether it decides now. */
  readonly policy: 'share' | 'open' | 'closed'
  readonly policyInForce: boolean
  readonly learning: boolean
  /** Instances, slots in use, waiters everywhere, the limit, and the longest wait: as the store last said. -1: unknown. */
  readonly sessions: number
  readonly used: number
  readonly waiting: number
  readonly total: number
  readonly oldest: Millis
  /** Slots held here, in use here, waiting here; -1 for buckets. */
  readonly held: number
  readonly inflight: number
  readonly queued: number
  /** Times a lease ran out here while slots were in use. */
  readonly lapses: number
  /** Its lanes, where they are told apart everywhere: their shares in percent, and who waits in them anywhere. */
  readonly lanes: readonly FleetLaneView[]
}

export interface FleetLaneView {
  readonly lane: 'high' | 'normal' | 'low'
  readonly share: number
  readonly waiting: number
}

export interface CacheView {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly hits: number
  readonly misses: number
}

/** One refusal. */
export interface RejectionView {
  readonly at: number
  readonly code: RejectionCode
  /** Who refused. */
  readonly gate: string
  readonly status: number
  /** One sentence: who refused, why, and what would have been needed. */
  readonly because: string
  readonly method: string
  /** Without its query, at most 200 characters. */
  readonly path: string
  readonly lane: string
  /** Hashed unless the configuration says names; empty where nobody is told apart. */
  readonly tenant: string
  /** How long it had waited, in ms. */
  readonly waited: Millis
  /** Of the answer, in seconds; -1 where coming back is pointless. */
  readonly retryAfter: number
}

export interface ProcessView {
  readonly pid: number
  readonly node: string
  /** Bytes. */
  readonly rss: number
  readonly heapUsed: number
  /** Busy share of the event loop, from 0 to 1. */
  readonly loop: number
  /** Of one processor; may exceed 1. */
  readonly cpu: number
}

export interface InstanceView {
  /** `this`, or of several processes `worker 1` and so on; and `others`. */
  readonly name: string
  readonly count: number
  readonly inflight: number
  readonly queued: number
  readonly held: number
}
