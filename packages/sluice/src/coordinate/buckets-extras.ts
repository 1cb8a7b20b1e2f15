import {
  checkNumber,
  refuseValue,
  type Arrival,
  type Millis,
  type Permit,
  type Rejection,
  type Signal,
} from '../ground/index.ts'
import { refillOf, type Entry, type Gate, type RefillOptions } from '../gate/index.ts'
import { AMOUNTS, type FleetBucketsCore } from './buckets-core.ts'
import type { OnDown } from './buckets-down.ts'
import type { BucketsLink } from './buckets-link.ts'
import { Reservation, type FleetAmounts, type FleetReservation } from './buckets-reservation.ts'

/** What is left of a tenant's bucket, as far as is known here. */
export interface FleetBucketStatus {
  /** Left for everybody when last heard of, and come back since; below 0 while in debt. */
  readonly available: number
  /** At hand in this process, beside that. */
  readonly held: number
  /** As it is paced now. */
  readonly capacity: number
  /** How long one token takes to come back, as it is paced now, in ms. */
  readonly interval: Millis
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
  /** Why it last was. */
  readonly trouble: string | undefined
}

/** What `fleetBuckets` has beyond a gate. */
export interface FleetBucketsExtras<B extends string> {
  /** Whether the coordinator can be reached. */
  readonly health: Signal<'up' | 'down'>
  readonly state: FleetBucketsState
  /** What is left of a tenant's buckets, by name, as far as is known here. */
  status(flow?: string): Readonly<Record<B, FleetBucketStatus>>
  /** How much longer nobody takes of a tenant's buckets, as far as is known here, in ms; 0 where everybody may. */
  heldFor(flow?: string): Millis
  /** Takes all of it if it is at hand here, else nothing. @throws RangeError above a capacity */
  tryTake(amounts: FleetAmounts<B>, arrival?: Arrival): boolean
  /**
   * Waits its turn for all of it.
   * @throws RangeError above a capacity; RejectedError when refused; `signal.reason` when aborted
   */
  take(amounts: FleetAmounts<B>, entry?: Entry): Promise<void>
  /** As `tryTake`, and it can be settled. `admitted` tells a refusal. @throws RangeError above a capacity */
  tryReserve(amounts: FleetAmounts<B>, arrival?: Arrival): FleetReservation<B> | Rejection
  /**
   * As `take`, and it can be settled, each bucket by itself, in both directions.
   * @throws RangeError above a capacity; RejectedError when refused; `signal.reason` when aborted
   */
  reserve(amounts: FleetAmounts<B>, entry?: Entry): Promise<FleetReservation<B>>
  /**
   * Puts tokens into a tenant's bucket; below 0 takes them out, into debt if need be. Told with the next call.
   * @throws RangeError for a bucket there is not, or a number that makes no sense
   */
  adjust(bucket: B, by: number, flow?: string): void
  /**
   * From now on nobody takes of a tenant's buckets for so long, in any process: what a provider's `retry-after` says.
   * The longest that was said counts; a shorter one changes nothing, and nothing ends it sooner.
   *
   * Here at once. Once the coordinator has it, nobody is granted anything until its own clock has passed the end. What is
   * at hand in other processes is not used any more as soon as they hear of it, which is a message away, and at the latest
   * when the lease ends for which they hold it (with `lease: 0` nothing is ever at hand). While the coordinator is down it
   * holds here, whatever `onDown` says, and is told once it is up again. Debts and refunds are settled meanwhile, and
   * tokens come back: there may be as much as a capacity afterwards, unless `correct` says otherwise. Who waits goes on
   * waiting, within its patience; who does not is refused as `rate_limited` with the time that is left.
   * @param duration in ms, from 0 to 30 days
   * @throws RangeError for a duration out of range
   */
  hold(flow: string | undefined, duration: Millis): void
  /**
   * From now on these are the limits of a tenant's buckets, in all processes: what a provider's headers say. Buckets that
   * are not named stay as they are; what is left of one stays too, as far as it fits into the new capacity.
   *
   * Here at once; everywhere as with `hold`. What was said last counts, in the order in which the coordinator heard it.
   * It is remembered for as long as the tenant's buckets are, which is at least a minute after anybody was last heard of,
   * and brought back after a loss of data by any process that knew it; then the limits of the options hold again.
   * Who waits for more than there will ever be is refused as `rate_limited`, without a time to come back at.
   * @throws RangeError for a bucket there is not, or a limit that makes no sense
   */
  pace(flow: string | undefined, limits: Readonly<Partial<Record<B, RefillOptions>>>): void
  /**
   * No more than so much is left of a tenant's buckets for everybody: what a provider's headers say. It pulls down at once
   * (into this process's view, and into the coordinator's with a call made now), never up: for that there is `adjust`.
   * Figures that are no lower than what is known to be left here cost nothing and say nothing.
   *
   * It bounds what is left with the coordinator. What other processes have at hand (at most what they use in a lease), and
   * what is on its way to the provider and not counted there yet, comes on top: subtract it where it is known.
   * @param left tokens by name; below 0 for a debt, that nobody takes before it is made good
   * @throws RangeError for a bucket there is not, or a number that makes no sense
   */
  correct(flow: string | undefined, left: FleetAmounts<B>): void
}

/** More than this is no count of tokens. */
const MOST = Number.MAX_SAFE_INTEGER

/** The longest that nobody takes, in ms: 30 days. */
const LONGEST: Millis = 30 * 24 * 3_600_000

/** What `fleetBuckets` has beyond a gate. */
export function bucketsExtras<B extends string>(
  core: FleetBucketsCore,
  link: BucketsLink,
  onDown: OnDown,
  gate: Gate,
): FleetBucketsExtras<B> {
  const { buckets } = core
  const placeOf = (field: string, name: string): number => {
    const at = buckets.findIndex((bucket) => bucket.name === name)
    return at >= 0 ? at : refuseValue(field, name, `one of ${buckets.map((bucket) => bucket.name).join(', ')}`)
  }
  /** What is said of each, in their order: a copy, so that changing it later changes nothing. */
  const inOrder = <T, R>(
    field: string,
    named: Readonly<Partial<Record<B, T>>>,
    read: (name: string, value: T) => R,
  ): (R | undefined)[] => {
    const values: (R | undefined)[] = buckets.map(() => undefined)
    for (const [name, value] of Object.entries<T | undefined>(named)) {
      const at = placeOf(field, name)
      if (value !== undefined) values[at] = read(`${field}.${name}`, value)
    }
    return values
  }
  const own = (amounts: FleetAmounts<B>): Record<string, number> => {
    const values = inOrder('amounts', amounts, (field, amount: number) => checkNumber(field, amount, 0))
    const copy: Record<string, number> = {}
    buckets.forEach(({ name }, at) => values[at] !== undefined && (copy[name] = values[at]))
    return copy
  }
  const reservation = (
    permit: Permit,
    amounts: Record<string, number>,
    { flow, cost = 1 }: Arrival,
  ): Reservation<B> => {
    const taken = buckets.map(({ name, takesOne }) => ({
      name,
      takesOne,
      amount: amounts[name] ?? (takesOne ? 1 : cost),
    }))
    return new Reservation(permit, core.tenantOf(flow), taken)
  }
  return {
    health: link.health,
    get state(): FleetBucketsState {
      const { sessions, calls, failures, trouble } = link
      return { health: link.health.value, onDown, sessions, tenants: core.tenants, calls, failures, trouble }
    },
    status(flow) {
      const now = core.time.now()
      const hold = core.known(flow)?.hold
      const rows = buckets.map((bucket, at) => {
        const { capacity, interval } = hold?.feedback.refills[at] ?? bucket
        const available = hold?.available(at, now) ?? capacity
        const fullIn = (capacity - available) * interval
        return [bucket.name, { available, held: hold?.held(at) ?? 0, capacity, interval, fullIn }]
      })
      return Object.fromEntries(rows) as Record<B, FleetBucketStatus>
    },
    heldFor: (flow) => core.known(flow)?.hold.feedback.heldFor(core.time.now()) ?? 0,
    tryTake: (amounts, arrival) => gate.tryEnter({ ...arrival, [AMOUNTS]: own(amounts) } as Arrival).admitted,
    async take(amounts, entry) {
      await gate.acquire({ ...entry, [AMOUNTS]: own(amounts) } as Entry)
    },
    tryReserve(amounts, arrival = {}) {
      const taken = own(amounts)
      const verdict = gate.tryEnter({ ...arrival, [AMOUNTS]: taken } as Arrival)
      return verdict.admitted ? reservation(verdict, taken, arrival) : verdict
    },
    async reserve(amounts, entry = {}) {
      const taken = own(amounts)
      return reservation(await gate.acquire({ ...entry, [AMOUNTS]: taken } as Entry), taken, entry)
    },
    adjust(bucket, by, flow) {
      const at = placeOf('fleetBuckets.adjust', bucket)
      core.tenantOf(flow)?.owe(at, -checkNumber(`fleetBuckets.adjust.${bucket}`, by, -MOST, MOST))
    },
    hold(flow, duration) {
      core.tenantOf(flow)?.holdFor(checkNumber('fleetBuckets.hold', duration, 0, LONGEST))
    },
    pace(flow, limits) {
      core.tenantOf(flow)?.pace(inOrder('fleetBuckets.pace', limits, refillOf))
    },
    correct(flow, left) {
      const read = (field: string, amount: number): number => checkNumber(field, amount, -MOST, MOST)
      core.tenantOf(flow)?.correct(inOrder('fleetBuckets.correct', left, read))
    },
  }
}
