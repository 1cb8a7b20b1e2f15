import type { Gate } from 'sluice'
import { LANES } from 'sluice/http'
import type { Assembly } from '../assembly/index.ts'
import type { FleetLanes, LimitUnit } from '../gates/index.ts'
import { llmView } from './llm-view.ts'
import type { Recorder } from './recorder.ts'
import { stateOf, type Phase } from './state.ts'
import type {
  CacheView,
  FleetLaneView,
  FleetView,
  InstanceView,
  LimitView,
  ProcessView,
  Snapshot,
  TenantView,
  UpstreamView,
} from './snapshot.ts'

export interface CollectOptions {
  readonly assembly: Assembly
  readonly recorder: Recorder
  readonly phase: Phase
  /** How often a plan was taken over, the first included, and from which file. */
  readonly loads: number
  readonly file: string | undefined
  /** What was ordered, and is not over. */
  readonly orders: Snapshot['orders']
}

/** Takes everything together that is to be shown. */
export function collect({ assembly, recorder, phase, loads, file, orders }: CollectOptions): Snapshot {
  const { plan, parts, label, hash } = assembly
  const now = recorder.figures()
  const fleet = fleetViews(assembly)
  const upstreams = upstreamViews(assembly)
  const degradation = [...new Set(assembly.routes.flatMap(({ givingUp }) => givingUp?.steps ?? []))]
  const { dryRun } = plan
  const [state, because] = stateOf({ phase, dryRun, orders, now, fleet, upstreams, degradation })
  const last = recorder.history.at(-1)
  return {
    version: 1,
    at: Date.now(),
    uptime: Math.round(recorder.uptime),
    state,
    because,
    plan: { hash, loads, file: file ?? null },
    dryRun,
    orders,
    now,
    history: recorder.history,
    moves: recorder.moves,
    limits: [...parts.units.values()].map(limitView),
    lanes: recorder.lanes(plan.lanes?.shares),
    tenants: tenantViews(recorder, label),
    upstreams,
    fleet,
    degradation,
    cache: cacheView(assembly),
    llm: parts.door === undefined ? null : llmView(parts.door.status),
    rejections: recorder.rejections(label),
    process: processView(last?.loop ?? 0, last?.cpu ?? 0),
    instances: instanceViews(fleet, now),
  }
}

function limitView({ name, plan, gate }: LimitUnit): LimitView {
  const { limit, inflight, queued } = gate.stats
  return {
    name,
    kind: plan.kind,
    scope: plan.kind !== 'adaptive' && plan.fleet !== undefined ? 'fleet' : 'local',
    per: plan.by,
    limit: finite(limit),
    inflight,
    queued,
    pressure: finite(gate.pressure.value.level),
  }
}

function tenantViews(recorder: Recorder, label: (tenant: string) => string): readonly TenantView[] {
  const { total } = recorder.tenants
  return recorder.tenants.top(20).map(({ tenant, offered, rejected }) => ({
    tenant: label(tenant),
    offered: rounded(offered),
    rejected: rounded(rejected),
    share: total === 0 ? 0 : rounded((offered / total) * 100),
  }))
}

function upstreamViews({ plan, parts }: Assembly): readonly UpstreamView[] {
  return Object.keys(plan.upstreams).flatMap((upstream) => {
    const breaker = parts.breaker(upstream)?.state.value ?? null
    const { members, below } = parts.balancer(upstream)
    return members.map((member) => ({
      upstream,
      server: member.origin,
      healthy: member.condition.fit,
      because: member.condition.because,
      weight: member.weight,
      inflight: member.inflight,
      told: member.told ?? -1,
      link: member.link,
      refused: member.refused,
      mute: member.mute,
      narrowed: finite(below.cap),
      answered: member.answered,
      failed: member.failed,
      breaker,
    }))
  })
}

/** The limits that are shared through Redis. */
function fleetViews({ parts }: Assembly): readonly FleetView[] {
  return [...parts.units.values()].flatMap((unit) => fleetView(unit) ?? [])
}

function fleetView({ name, plan, slots, lanes, buckets, store }: LimitUnit): FleetView | undefined {
  if (slots !== undefined) {
    const { up, trouble, alone, policy, learning, held, inflight, queued, lapses, fleet } = slots.state
    const { sessions, used, queued: waiting, limit: total, oldest } = fleet
    const everywhere = { sessions, used, waiting, total, oldest }
    return {
      limit: name,
      ...answering(up, trouble, store),
      policy,
      policyInForce: alone,
      learning,
      ...everywhere,
      held,
      inflight,
      queued,
      lapses,
      lanes: lanes === undefined ? [] : fleetLanes(lanes, fleet.waiters),
    }
  }
  if (buckets === undefined) return undefined
  const { health, trouble, onDown, sessions } = buckets.state
  return {
    limit: name,
    ...answering(health === 'up', trouble, store),
    policy: onDown,
    policyInForce: health === 'down',
    learning: false,
    sessions,
    used: -1,
    waiting: -1,
    total: plan.kind === 'rate' ? plan.requests : -1,
    oldest: 0,
    held: -1,
    inflight: -1,
    queued: buckets.stats.queued,
    lapses: 0,
    lanes: [],
  }
}

/** A limit that has not asked yet, or not for long, does not know: its store does. */
function answering(up: boolean, trouble = '', store?: LimitUnit['store']): Pick<FleetView, 'up' | 'trouble'> {
  const why = up ? store?.trouble : trouble
  return { up: why === undefined, trouble: why ?? '' }
}

function fleetLanes(lanes: FleetLanes, waiters: readonly number[]): readonly FleetLaneView[] {
  const names = ['high', 'normal', 'low'] as const
  return names.map((lane) => ({ lane, share: lanes[lane], waiting: waiters[LANES[lane]] ?? 0 }))
}

function cacheView({ parts }: Assembly): CacheView | null {
  const { cache } = parts
  if (cache === undefined) return null
  const { entries, bytes, hits, misses, config } = cache
  return { entries, bytes, maxBytes: config.maxBytes, hits, misses }
}

function processView(loop: number, cpu: number): ProcessView {
  const { rss, heapUsed } = process.memoryUsage()
  return { pid: process.pid, node: process.version, rss, heapUsed, loop, cpu }
}

function instanceViews(fleet: readonly FleetView[], now: Snapshot['now']): readonly InstanceView[] {
  const own = { name: 'this', count: 1, inflight: now.inflight, queued: now.queued, held: sum(fleet, 'held') }
  const [busiest] = fleet.filter(({ used }) => used >= 0).sort((a, b) => b.sessions - a.sessions)
  if (busiest === undefined || busiest.sessions <= 1) return [own]
  const { sessions, used, waiting, inflight, queued } = busiest
  const rest = (all: number, here: number): number => Math.max(0, all - here)
  const others = { name: 'others', count: sessions - 1, inflight: rest(used, inflight), queued: rest(waiting, queued) }
  return [own, { ...others, held: rest(used, busiest.held) }]
}

function sum(fleet: readonly FleetView[], field: 'held'): number {
  return fleet.reduce((all, view) => all + Math.max(0, view[field]), 0)
}

/** What a plan's limits hold together, counted once for each request: at the innermost limit of each route. */
export function loadOf(assembly: Assembly): {
  readonly limit: number
  readonly inflight: number
  readonly queued: number
} {
  const innermost = new Set<Gate>()
  const all = new Set<Gate>()
  for (const { units } of assembly.routes) {
    for (const { gate } of units) all.add(gate)
    const last = units.findLast(({ plan }) => plan.kind !== 'rate') ?? units.at(-1)
    if (last !== undefined) innermost.add(last.gate)
  }
  let [limit, inflight, queued] = [0, 0, 0]
  for (const { stats } of innermost) {
    limit += stats.limit
    inflight += stats.inflight
  }
  for (const { stats } of all) queued += stats.queued
  return { limit: innermost.size === 0 ? Infinity : limit, inflight, queued }
}

function finite(value: number): number {
  return Number.isFinite(value) ? rounded(value) : -1
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
