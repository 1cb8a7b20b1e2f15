import {
  checkAble,
  checkNumber,
  checkOptions,
  checkWhole,
  refuseValue,
  systemClock,
  systemRandom,
  type Millis,
  type World,
} from '../ground/index.ts'
import { defineGate, refillOf, type BucketOptions, type Gate, type Observer } from '../gate/index.ts'
import type { BucketsCoordinator } from './buckets.ts'
import { ForwardClock } from './buckets-clock.ts'
import { FleetBucketsCore } from './buckets-core.ts'
import type { OnDown } from './buckets-down.ts'
import { bucketsExtras, type FleetBucketsExtras } from './buckets-extras.ts'
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
  /** What part of each bucket only arrivals of priority 3 may take, from 0 to 0.9. Default 0. */
  readonly reserve?: number
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

/** `tokenBuckets` for many processes, with buckets of its own for each tenant: the `flow` of an arrival. */
export interface FleetBuckets<B extends string> extends Omit<Gate, 'close'>, FleetBucketsExtras<B> {
  /**
   * Refuses everybody who waits and comes, gives back what is at hand, and tells what is owed. Settles once that is done,
   * at the latest after the `deadline`: what nobody could be told stays charged. Never rejects.
   */
  close(): Promise<void>
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
  const { name = 'fleet-buckets', coordinator, onDown } = checkOptions('fleetBuckets', options)
  const { clock: deadlines = systemClock, random = systemRandom } = options
  if (onDown !== 'share' && onDown !== 'open' && onDown !== 'closed')
    refuseValue('fleetBuckets.onDown', onDown, "'share', 'open' or 'closed'")
  checkAble('fleetBuckets.coordinator', coordinator, 'redisBuckets(…) or memoryBuckets()', 'open')
  const buckets = Object.entries<BucketOptions>(checkOptions('fleetBuckets.buckets', options.buckets)).map(refillNamed)
  if (buckets.length === 0) throw new RangeError('fleetBuckets.buckets: expected at least one bucket, got none')
  const deadline = checkNumber('fleetBuckets.deadline', options.deadline ?? 250, 1, 60_000)
  const sessions = checkWhole('fleetBuckets.sessions', options.sessions ?? 1, 1)
  const clock = new ForwardClock(deadlines)
  const link = new BucketsLink({ clock, random, deadline, sessions })
  const core = new FleetBucketsCore({
    name,
    clock,
    deadlines,
    random,
    coordinator,
    buckets,
    link,
    onDown,
    reserve: checkNumber('fleetBuckets.reserve', options.reserve ?? 0, 0, 0.9),
    lease: checkNumber('fleetBuckets.lease', options.lease ?? 200, 0, 1000),
    maxWait: checkNumber('fleetBuckets.maxWait', options.maxWait ?? 60_000, 0),
    crowd: { size: 0, capacity: checkWhole('fleetBuckets.capacity', options.capacity ?? 1000, 0) },
    maxTenants: checkWhole('fleetBuckets.maxTenants', options.maxTenants ?? 10_000, 1),
  })
  const gate = defineGate(core, { clock: deadlines, ...(options.observer && { observer: options.observer }) })
  const close = (): Promise<void> => {
    core.close()
    return core.ended
  }
  const more = Object.getOwnPropertyDescriptors(bucketsExtras<B>(core, link, onDown, gate))
  return Object.defineProperties(gate, { ...more, close: { value: close } }) as FleetBuckets<B>
}

function refillNamed([name, options]: readonly [string, BucketOptions]): FleetRefill {
  const field = `fleetBuckets.buckets.${name}`
  const { takes = 'cost' } = checkOptions(field, options)
  if (takes !== 'cost' && takes !== 'one') refuseValue(`${field}.takes`, takes, "'cost' or 'one'")
  return { ...refillOf(field, options), name, takesOne: takes === 'one' }
}
