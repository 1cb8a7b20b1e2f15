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
import type { Lane } from 'sluice/http'
import { fleetBuckets, fleetSlots, type FleetBuckets, type FleetSlots, type FleetSlotsOptions } from 'sluice/redis'
import { algorithmOf, type LanesConfig, type LimitPlan, type QueuePlan, type TenantsConfig } from '../config/index.ts'
import type { LimitStore, MachineStore } from '../workers/index.ts'
import { flowless } from './flowless.ts'
import { inLanes } from './in-lanes.ts'
import { knownEmpty } from './known-empty.ts'
import { laneQueue } from './lane-queue.ts'

/** What stands around a limit. */
export interface LimitContext {
  readonly lanes: LanesConfig | undefined
  readonly tenants: TenantsConfig | undefined
  readonly store: LimitStore | undefined
  /** What several processes of this gateway share; `undefined` where there is one. */
  readonly machine?: MachineStore | undefined
  /** Hears when the limit moves. */
  readonly observer: Observer
}

/** One configured limit, running. */
export interface LimitUnit {
  readonly name: string
  readonly plan: LimitPlan
  readonly gate: Gate
  readonly slots?: FleetSlots
  /** What its lanes are sure of over all instances, in percent; left out where they are not told apart there. */
  readonly lanes?: FleetLanes
  readonly buckets?: FleetBuckets<'requests'>
  /** Where it is kept; left out where that is here. */
  readonly store?: LimitStore
  /** Lets nobody in any more, and gives back what is held of the fleet. */
  close(): Promise<void>
}

/** Of those lanes that meet a limit. */
export type FleetLanes = Readonly<Record<Exclude<Lane, 'critical'>, number>>

/** Where tenants take turns before a limit that finds itself, a queue that stands would be all anybody sees. */
const FAIR_WAIT = 250

/** For a slot that another instance does not use to come here, in ms. */
const HANDING_OVER = 25

/** For a bucket of the fleet to answer, in ms. */
const ASKING = 300

/** Builds a limit. @throws RangeError for a plan out of range */
export function limitUnit(name: string, plan: LimitPlan, context: LimitContext): LimitUnit {
  const { store, machine } = context
  if (plan.kind !== 'adaptive' && plan.fleet !== undefined && store !== undefined)
    return { name, plan, ...fleetUnit(name, plan, store, context) }
  if (machine !== undefined) {
    const shared = overProcesses(plan, machine.processes)
    if (shared !== undefined) return { name, plan, ...fleetUnit(name, shared, machine, context) }
    if (plan.kind === 'adaptive' && plan.by === 'all') {
      const { threshold } = plan
      const queue = queueOf(plan, context) ?? priority({ capacity: 1000, maxWait: 1000, standing: false })
      const options = { queue, observer: context.observer, ...(threshold !== undefined && { threshold }) }
      const part = machine.learned(name, plan, options)
      return { name, plan, gate: part.gate, close: async () => part.close() }
    }
  }
  const own = machine === undefined ? plan : partOf(plan, machine.processes)
  const make = (): Gate => localGate(name, own, context)
  const gate =
    plan.by === 'tenant' ? keyed(({ flow }) => flow, make, { name, maxKeys: context.tenants?.max ?? 10_000 }) : make()
  return { name, plan, gate, close: async () => gate.close() }
}

/**
 * A limit as one that the store of all processes keeps; `undefined` for others: those that find themselves, and one of each
 * tenant, which each process has for itself.
 */
function overProcesses(plan: LimitPlan, instances: number): Exclude<LimitPlan, { kind: 'adaptive' }> | undefined {
  const fleet = { onDown: 'share', order: 'share', instances } as const
  if (plan.kind === 'adaptive' || (plan.kind === 'fixed' && plan.by === 'tenant')) return undefined
  if (plan.kind === 'rate') return { ...plan, fleet }
  const { permits, threshold = Infinity, queue } = plan
  const capacity = Math.max(0, Math.min(queue.capacity, threshold - permits))
  if (capacity === 0) return { ...plan, queue: { ...queue, capacity }, fleet }
  return { ...plan, queue: { ...queue, capacity }, fleet: { ...fleet, queue: capacity } }
}

/** What a process has of a limit that cannot be shared. */
function partOf(plan: LimitPlan, processes: number): LimitPlan {
  if (plan.kind !== 'fixed') return plan
  return { ...plan, permits: Math.max(1, Math.floor(plan.permits / processes)) }
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
  store: LimitStore,
  { lanes, tenants }: LimitContext,
): Omit<LimitUnit, 'name' | 'plan'> {
  const { onDown, order, queue, instances } = plan.fleet!
  const close = (gate: Gate) => async (): Promise<void> => {
    gate.close()
    await store.release()
  }
  if (plan.kind === 'fixed') {
    const { permits: limit } = plan
    // What nobody uses lies where it was used last: who may not wait at all has to wait for it to be asked for.
    const waiting = plan.queue.capacity === 0 ? { capacity: limit, maxWait: HANDING_OVER } : plan.queue
    const fleet = { onDown, order, instances, ...(queue !== undefined && queue > 0 && { queue }) }
    const slots = fleetSlots({ name, coordinator: store.slots(name), limit, ...waiting, ...fleet, ...sharesOf(lanes) })
    const whole = tenants?.fair === false ? flowless(slots) : slots
    if (lanes === undefined) return { gate: whole, slots, store, close: close(slots) }
    return { gate: inLanes(whole), slots, store, lanes: lanes.shares, close: close(slots) }
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
  return { gate: knownEmpty(whole, patience), buckets, store, close: close(buckets) }
}

/** Lanes as the classes of a fleet: low is class 0, and what is kept for `critical` goes to the best that waits. */
function sharesOf(lanes: LanesConfig | undefined): Pick<FleetSlotsOptions, 'shares'> {
  if (lanes === undefined) return {}
  const { high, normal, low } = lanes.shares
  return { shares: [low / 100, 0, normal / 100, high / 100] }
}
