import type { IncomingMessage } from 'node:http'
import { breaker, consecutive, type Breaker, type Gate, type Observer } from 'sluice'
import { ResponseCache } from '../cache/index.ts'
import { begunAt, type BreakerConfig, type GatewayPlan, type LimitPlan, type RedisConfig } from '../config/index.ts'
import type { FleetStore } from '../fleet/index.ts'
import type { MachineStore } from '../workers/index.ts'
import { limitUnit, type LimitUnit } from '../gates/index.ts'
import { Balancer } from '../upstreams/index.ts'
import { visitorOf } from '../routing/index.ts'
import { llmKey, type LlmPart, type LlmPartOptions } from './llm-part.ts'

/** The breaker before an upstream, of this process alone or of several. */
export interface UpstreamBreaker {
  readonly gate: Gate
  readonly state: Pick<Breaker['state'], 'value'>
  close(): void
}

/** What runs, by what it was made of: what was made of the same is the same, and goes on as it is. */
export interface Running {
  readonly units: ReadonlyMap<string, LimitUnit>
  readonly balancers: ReadonlyMap<string, Balancer>
  readonly breakers: ReadonlyMap<string, UpstreamBreaker>
  readonly caches: ReadonlyMap<string, ResponseCache>
  readonly stores: ReadonlyMap<string, FleetStore>
  readonly doors: ReadonlyMap<string, LlmPart>
}

/** The same with its names in a plan. */
export interface Parts extends Running {
  unit(name: string): LimitUnit
  balancer(name: string): Balancer
  breaker(name: string): UpstreamBreaker | undefined
  readonly cache: ResponseCache | undefined
  /** To language models. */
  readonly door: LlmPart | undefined
}

/** What of a door to language models is known here. */
export type DoorNeeds = Pick<LlmPartOptions, 'balancer' | 'store' | 'cache' | 'figures'>

/** Nothing runs yet. */
export const NOTHING: Running = {
  units: new Map(),
  balancers: new Map(),
  breakers: new Map(),
  caches: new Map(),
  stores: new Map(),
  doors: new Map(),
}

/**
 * Makes what a plan needs, and takes over what runs already. Should anything fail, what was made for it is ended again
 * and what ran before has noticed nothing.
 * @param moved hears when a limit moves
 * @param store makes the connection to the store of the fleet, where limits ask for one
 * @param door makes the door to language models, where there is one
 * @param machine what several processes of this gateway share
 */
export function partsOf(
  plan: GatewayPlan,
  before: Running,
  moved: (limit: string) => Observer,
  store: ((config: RedisConfig) => FleetStore) | undefined,
  door?: (needs: DoorNeeds) => LlmPart,
  machine?: MachineStore,
): Parts {
  const stores = new Map<string, FleetStore>()
  const units = new Map<string, LimitUnit>()
  const balancers = new Map<string, Balancer>()
  const breakers = new Map<string, UpstreamBreaker>()
  const caches = new Map<string, ResponseCache>()
  const doors = new Map<string, LlmPart>()
  const names = {
    units: new Map<string, LimitUnit>(),
    balancers: new Map<string, Balancer>(),
    breakers: new Map<string, UpstreamBreaker>(),
  }
  const made = { units, balancers, breakers, caches, stores, doors }
  try {
    const { redis, lanes, tenants } = plan
    const shared =
      redis === undefined || store === undefined
        ? undefined
        : kept(before.stores, stores, keyOf(redis), () => store(redis))
    for (const [name, limit] of Object.entries(plan.limits)) {
      const fleet = limit.kind !== 'adaptive' && limit.fleet !== undefined ? redis : undefined
      const key = keyOf(name, limit, lanes?.shares, tenants?.fair, tenants?.max, fleet)
      // What several processes share is begun by the first of them.
      const begun = machine === undefined ? continued(name, limit, before) : limit
      const unit = kept(before.units, units, key, () =>
        limitUnit(name, begun, { lanes, tenants, store: shared, machine, observer: moved(name) }),
      )
      names.units.set(name, unit)
    }
    for (const [name, upstream] of Object.entries(plan.upstreams)) {
      const { breaker: rule, ...config } = upstream
      names.balancers.set(
        name,
        kept(
          before.balancers,
          balancers,
          keyOf(name, config),
          () => new Balancer(upstream, { name: `upstream ${name}`, keyOf: whose }),
        ),
      )
      if (rule === undefined) continue
      const make = (): UpstreamBreaker => upstreamBreaker(`${name} breaker`, rule, machine)
      names.breakers.set(name, kept(before.breakers, breakers, keyOf(name, rule), make))
    }
    const { cache: config } = plan
    const cache = config && kept(before.caches, caches, keyOf(config), () => new ResponseCache(config))
    const balancer = (name: string): Balancer => names.balancers.get(name)!
    const [counted] = before.doors.values()
    const needs = { balancer, store: shared, cache, figures: counted?.figures }
    return {
      ...made,
      door: door && kept(before.doors, doors, llmKey(plan), () => door(needs)),
      unit: (name) => names.units.get(name)!,
      balancer,
      breaker: (name) => names.breakers.get(name),
      cache,
    }
  } catch (error) {
    void closeParts(made, before)
    throw error
  }
}

function upstreamBreaker(name: string, config: BreakerConfig, machine: MachineStore | undefined): UpstreamBreaker {
  if (machine !== undefined) return machine.breaker(name, config)
  const { failures, openFor, probes } = config
  const gate = breaker({ name, rule: consecutive(failures), openFor, probes })
  return { gate, state: gate.state, close: () => gate.close() }
}

/**
 * A limit that finds itself is new where something about it has changed, as it is when an order ends that had forced it; to
 * begin from nothing would refuse most of those who were let in a moment ago.
 */
function continued(name: string, limit: LimitPlan, { units }: Running): LimitPlan {
  if (limit.kind !== 'adaptive' || limit.by !== 'all') return limit
  const last = [...units.values()].findLast((unit) => unit.name === name)
  if (last === undefined || last.plan.by !== 'all' || last.plan.kind === 'rate' || last.slots !== undefined)
    return limit
  return begunAt(limit, last.gate.stats.limit)
}

/** Ends what runs, save what goes on with a successor. */
export async function closeParts(parts: Running, next: Running = NOTHING): Promise<void> {
  for (const breaker of onlyIn(parts.breakers, next.breakers)) breaker.close()
  await Promise.all([
    ...onlyIn(parts.doors, next.doors).map((door) => door.close()),
    ...onlyIn(parts.units, next.units).map((unit) => unit.close()),
    ...onlyIn(parts.balancers, next.balancers).map((balancer) => balancer.close()),
  ])
}

/** Those that are in one and not in the other. */
export function onlyIn<T>(these: ReadonlyMap<string, T>, those: ReadonlyMap<string, T>): readonly T[] {
  return [...these].filter(([key, value]) => those.get(key) !== value).map(([, value]) => value)
}

/** By tenant, or where nobody is told apart by address. */
function whose(client: object): string | undefined {
  const req = client as IncomingMessage
  return visitorOf(req)?.flow ?? req.socket.remoteAddress
}

function keyOf(...made: readonly unknown[]): string {
  return JSON.stringify(made)
}

function kept<T>(before: ReadonlyMap<string, T>, now: Map<string, T>, key: string, make: () => T): T {
  const part = before.get(key) ?? make()
  now.set(key, part)
  return part
}

/** True where a plan has a limit that instances share. */
export function isShared({ limits, llm }: GatewayPlan): boolean {
  if (llm?.scope === 'fleet' && llm.limits !== undefined) return true
  return Object.values(limits).some((limit) => limit.kind !== 'adaptive' && limit.fleet !== undefined)
}
