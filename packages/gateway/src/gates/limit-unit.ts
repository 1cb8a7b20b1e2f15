import {
  fair,
  fifo,
  keyed,
  limiter,
  priority,
  semaphore,
  tokenBucket,
  type Gate,
  type Observer,
  type QueueDiscipline,
} from 'sluice'
import { fleetBuckets, fleetSlots, type FleetBuckets, type FleetSlots } from 'sluice/redis'
import { algorithmOf, type LanesConfig, type LimitPlan, type QueuePlan, type TenantsConfig } from '../config/index.ts'
import type { FleetStore } from '../fleet/index.ts'
import { flowless } from './flowless.ts'
import { knownEmpty } from './known-empty.ts'
import { laneQueue } from './lane-queue.ts'

/** What stands around a limit. */
export interface LimitContext {
  readonly lanes: LanesConfig | undefined
  readonly tenants: TenantsConfig | undefined
  readonly store: FleetStore | undefined
  /** Hears when the limit moves. */
  readonly observer: Observer
}

/** One configured limit, running. */
export interface LimitUnit {
  readonly name: string
  readonly plan: LimitPlan
  readonly gate: Gate
  readonly slots?: FleetSlots
  readonly buckets?: FleetBuckets<'requests'>
  /** Lets nobody in any more, and gives back what is held of the fleet. */
  close(): Promise<void>
}

/** Where tenants take turns before a limit that finds itself, a queue that stands would be all anybody sees. */
const FAIR_WAIT = 250

/** For a bucket of the fleet to answer, in ms. */
const ASKING = 300

/** Builds a limit. @throws RangeError for a plan out of range */
export function limitUnit(name: string, plan: LimitPlan, context: LimitContext): LimitUnit {
  const { store, tenants } = context
  if (plan.kind !== 'adaptive' && plan.fleet !== undefined && store !== undefined)
    return { name, plan, ...fleetUnit(name, plan, store, tenants) }
  const make = (): Gate => localGate(name, plan, context)
  const gate =
    plan.by === 'tenant' ? keyed(({ flow }) => flow, make, { name, maxKeys: tenants?.max ?? 10_000 }) : make()
  return { name, plan, gate, close: async () => gate.close() }
}

function localGate(name: string, plan: LimitPlan, context: LimitContext): Gate {
  if (plan.kind === 'rate') {
    const { requests, per, burst, wait } = plan
    const queue = wait === 0 ? undefined : fifo({ capacity: 1000, maxWait: wait })
    return tokenBucket({ name, tokens: requests, per, capacity: burst, ...(queue && { queue }) })
  }
  const threshold = plan.threshold === undefined ? {} : { threshold: plan.threshold }
  const common = { name, observer: limitMoves(context.observer), ...threshold }
  const queue = queueOf(plan, context)
  if (plan.kind === 'fixed') return semaphore({ ...common, permits: plan.permits, queue: queue ?? fifo(plan.queue) })
  const limit = algorithmOf(plan)
  return limiter({ ...common, ...(limit && { limit }), ...(queue && { queue }) })
}

/** Of a part of a route only the moves of its limit are news: who comes and goes is told of the route as a whole. */
function limitMoves(observer: Observer): Observer {
  return { limitChanged: (from, to, reason) => observer.limitChanged?.(from, to, reason) }
}

/** `undefined`: the gate's own. */
function queueOf(
  plan: Exclude<LimitPlan, { kind: 'rate' }>,
  { lanes, tenants }: LimitContext,
): QueueDiscipline | undefined {
  // One tenant's own limit has nobody to be fair to.
  const turns = tenants?.fair === true && plan.by === 'all'
  if (lanes === undefined && !turns) {
    if (plan.queue === undefined) return undefined
    return plan.kind === 'fixed' ? fifo(plan.queue) : priority({ ...plan.queue, standing: false })
  }
  const queue: QueuePlan = plan.queue ?? { capacity: 1000, maxWait: turns ? FAIR_WAIT : 1000 }
  const within = turns ? fair(queue) : plan.kind === 'fixed' ? fifo(queue) : priority({ ...queue, standing: false })
  if (lanes === undefined) return within
  const { high, normal, low } = lanes.shares
  return laneQueue({
    shares: { high: high / 100, normal: normal / 100, low: low / 100 },
    capacity: queue.capacity,
    within,
  })
}

function fleetUnit(
  name: string,
  plan: Exclude<LimitPlan, { kind: 'adaptive' }>,
  store: FleetStore,
  tenants: TenantsConfig | undefined,
): Omit<LimitUnit, 'name' | 'plan'> {
  const { onDown, order, queue, instances } = plan.fleet!
  const close = (gate: Gate) => async (): Promise<void> => {
    gate.close()
    await store.release()
  }
  if (plan.kind === 'fixed') {
    const { permits: limit, queue: waiting } = plan
    const fleet = { onDown, order, instances, ...(queue !== undefined && { queue }) }
    const slots = fleetSlots({ name, coordinator: store.slots(name), limit, ...waiting, ...fleet })
    return { gate: slots, slots, close: close(slots) }
  }
  const { requests, per, burst, wait } = plan
  // Asking takes a moment: who may not wait at all would never be let in.
  const patience = Math.max(wait, ASKING)
  const buckets = fleetBuckets({
    name: store.nameOf(name),
    coordinator: store.buckets(),
    buckets: { requests: { tokens: requests, per, capacity: burst } },
    maxWait: patience,
    onDown,
    maxTenants: tenants?.max ?? 10_000,
  })
  const whole = plan.by === 'tenant' ? buckets : flowless(buckets)
  return { gate: knownEmpty(whole, patience), buckets, close: close(buckets) }
}
