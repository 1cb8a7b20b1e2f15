import {
  checkNumber,
  checkWhole,
  refuseValue,
  systemClock,
  systemRandom,
  type Arrival,
  type Millis,
  type Signal,
  type World,
} from '../ground/index.ts'
import { defineGate, refillOf, type BucketOptions, type Entry, type Gate, type Observer } from '../gate/index.ts'
import type { BucketsCoordinator } from './buckets.ts'
import { AMOUNTS, FleetBucketsCore } from './buckets-core.ts'
import type { OnDown } from './buckets-down.ts'
import { BucketsLink } from './buckets-link.ts'
import type { FleetRefill } from './buckets-tenant.ts'

export interface FleetBucketsOptions<B extends string> extends World {
  /** The buckets of each tenant, by name, as for `tokenBuckets`. At least one. */
  readonly buckets: Readonly<Record<B, BucketOptions>>
  /** Where the buckets are: `redisBuckets`, `memoryBuckets`. */
  readonly coordinator: BucketsCoordinator
  /** Who comes in while the coordinator cannot be reached. */
  readonly onDown: OnDown
  /** How long tokens may be at hand here before they are used, in ms, from 0 to 1000. 0 asks every time. Default 200. */
  readonly lease?: Millis
  /** How long the coordinator may take to answer, in ms, from 1 to 60,000. Default 250. */
  readonly deadline?: Millis
  /** How many processes there are, as long as the coordinator has not said. A whole number of at least 1. Default 1. */
  readonly sessions?: number
  /** How many may wait, of all tenants together. A whole number of at least 0. Default 1000. */
  readonly capacity?: number
  /** The longest anybody waits, in ms. At least 0. Default 60,000. */
  readonly maxWait?: Millis
  /** How many tenants are remembered here. A whole number of at least 1. Default 10,000. */
  readonly maxTenants?: number
  /** Gates of the same name share. For people, metrics and refusals too. Default `fleet-buckets`. */
  readonly name?: string
  readonly observer?: Observer
}

/** What is left of a tenant's bucket, as far as is known here. */
export interface FleetBucketStatus {
  /** Left for everybody when last heard of, and come back since; below 0 while in debt. */
  readonly available: number
  /** At hand in this process, beside that. */
  readonly held: number
  readonly capacity: number
  /** How long until it is full if nobody takes any, in ms. */
  readonly fullIn: Millis
}

/** How it stands between a gate and its coordinator. */
export interface FleetBucketsState {
  readonly health: 'up' | 'down'
  readonly onDown: OnDown
  /** Processes that share a tenant's buckets, when last heard of. */
  readonly sessions: number
  /** Tenants remembered here. */
  readonly tenants: number
  /** How often the coordinator was asked, and how often in vain. */
  readonly calls: number
  readonly failures: number
}

/** Tokens of some of the buckets, by name. Where one is not named, what its `takes` says. */
export type FleetAmounts<B extends string> = Readonly<Partial<Record<B, number>>>

/** `tokenBuckets` for many processes, with buckets of its own for each tenant: the `flow` of an arrival. */
export interface FleetBuckets<B extends string> extends Gate {
  /** Whether the coordinator can be reached. */
  readonly health: Signal<'up' | 'down'>
  readonly state: FleetBucketsState
  /** What is left of a tenant's buckets, by name, as far as is known here. */
  status(flow?: string): Readonly<Record<B, FleetBucketStatus>>
  /** Takes all of it if it is at hand here, else nothing. @throws RangeError above a capacity */
  tryTake(amounts: FleetAmounts<B>, arrival?: Arrival): boolean
  /**
   * Waits its turn for all of it.
   * @throws RangeError above a capacity; RejectedError when refused; `signal.reason` when aborted
   */
  take(amounts: FleetAmounts<B>, entry?: Entry): Promise<void>
  /**
   * Puts tokens into a tenant's bucket; below 0 takes them out, into debt if need be. Told with the next call.
   * @throws RangeError for a bucket there is not, or a number that makes no sense
   */
  adjust(bucket: B, by: number, flow?: string): void
}

/**
 * Token buckets that many processes take from together: at one instant an arrival takes what it needs of all of its
 * tenant's, or nothing of any. Tokens are taken from the coordinator ahead of need, as many as are used in a lease, so
 * that most arrivals are answered here. Over any time W no more is let in than capacity + rate · (W + lease).
 *
 * `acquire`, `run`, `enter` and `take` wait, in the tenant's line. `tryEnter` and `tryTake` never ask and wait: with
 * nothing at hand they refuse, and ask ahead for whoever comes next.
 * @throws RangeError for an option out of range
 */
export function fleetBuckets<const B extends string>(options: FleetBucketsOptions<B>): FleetBuckets<B> {
  const { name = 'fleet-buckets', clock = systemClock, random = systemRandom, coordinator, onDown } = options
  if (onDown !== 'share' && onDown !== 'open' && onDown !== 'closed')
    refuseValue('fleetBuckets.onDown', onDown, "'share', 'open' or 'closed'")
  const buckets = Object.entries<BucketOptions>(options.buckets).map(refillNamed)
  if (buckets.length === 0) throw new RangeError('fleetBuckets.buckets: expected at least one bucket, got none')
  const deadline = checkNumber('fleetBuckets.deadline', options.deadline ?? 250, 1, 60_000)
  const sessions = checkWhole('fleetBuckets.sessions', options.sessions ?? 1, 1)
  const link = new BucketsLink({ clock, random, deadline, sessions })
  const core = new FleetBucketsCore({
    name,
    clock,
    random,
    coordinator,
    buckets,
    link,
    onDown,
    lease: checkNumber('fleetBuckets.lease', options.lease ?? 200, 0, 1000),
    maxWait: checkNumber('fleetBuckets.maxWait', options.maxWait ?? 60_000, 0),
    crowd: { size: 0, capacity: checkWhole('fleetBuckets.capacity', options.capacity ?? 1000, 0) },
    maxTenants: checkWhole('fleetBuckets.maxTenants', options.maxTenants ?? 10_000, 1),
  })
  const gate = defineGate(core, { clock, ...(options.observer && { observer: options.observer }) })
  const more = Object.getOwnPropertyDescriptors(extras<B>(core, link, onDown, gate))
  return Object.defineProperties(gate, more) as FleetBuckets<B>
}

function refillNamed([name, options]: readonly [string, BucketOptions]): FleetRefill {
  const field = `fleetBuckets.buckets.${name}`
  const { takes = 'cost' } = options
  if (takes !== 'cost' && takes !== 'one') refuseValue(`${field}.takes`, takes, "'cost' or 'one'")
  return { ...refillOf(field, options), name, takesOne: takes === 'one' }
}

/** More than this is no count of tokens. */
const MOST = Number.MAX_SAFE_INTEGER

/** What it has beyond a gate. */
function extras<B extends string>(
  core: FleetBucketsCore,
  link: BucketsLink,
  onDown: OnDown,
  gate: Gate,
): Omit<FleetBuckets<B>, keyof Gate> {
  const { buckets } = core
  const placeOf = (field: string, name: string): number => {
    const at = buckets.findIndex((bucket) => bucket.name === name)
    return at >= 0 ? at : refuseValue(field, name, `one of ${buckets.map((bucket) => bucket.name).join(', ')}`)
  }
  /** A copy, so that changing it while somebody waits changes nothing. */
  const own = (amounts: FleetAmounts<B>): Record<string, number> => {
    const copy: Record<string, number> = {}
    for (const [name, amount] of Object.entries<number | undefined>(amounts)) {
      placeOf('amounts', name)
      if (amount !== undefined) copy[name] = checkNumber(`amounts.${name}`, amount, 0)
    }
    return copy
  }
  return {
    health: link.health,
    get state(): FleetBucketsState {
      const { sessions, calls, failures } = link
      return { health: link.health.value, onDown, sessions, tenants: core.tenants, calls, failures }
    },
    status(flow) {
      const now = core.clock.now()
      const hold = core.known(flow)?.hold
      const rows = buckets.map(({ name, capacity, interval }, at) => {
        const available = hold?.available(at, now) ?? capacity
        return [name, { available, held: hold?.held(at) ?? 0, capacity, fullIn: (capacity - available) * interval }]
      })
      return Object.fromEntries(rows) as Record<B, FleetBucketStatus>
    },
    tryTake: (amounts, arrival) => gate.tryEnter({ ...arrival, [AMOUNTS]: own(amounts) } as Arrival).admitted,
    async take(amounts, entry) {
      await gate.acquire({ ...entry, [AMOUNTS]: own(amounts) } as Entry)
    },
    adjust(bucket, by, flow) {
      const at = placeOf('fleetBuckets.adjust', bucket)
      core.tenantOf(flow)?.owe(at, -checkNumber(`fleetBuckets.adjust.${bucket}`, by, -MOST, MOST))
    },
  }
}
