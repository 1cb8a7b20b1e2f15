import type {
  CacheView,
  FleetView,
  InstanceView,
  LimitView,
  ProcessView,
  Snapshot,
  TenantView,
  UpstreamView,
} from '../live/index.ts'
import type { GatewayPlan } from '../config/index.ts'
import { mergedLlm } from './merged-llm.ts'
import { each, isSome, most, rounded, total, type Views } from './merging.ts'

/** The snapshots of all workers, by their numbers. */
export type Snapshots = ReadonlyMap<number, Snapshot>

/** What of a snapshot of the whole is made of those of its workers. The rest is known where they come together. */
export type Merged = Pick<
  Snapshot,
  | 'limits'
  | 'tenants'
  | 'upstreams'
  | 'fleet'
  | 'degradation'
  | 'cache'
  | 'llm'
  | 'moves'
  | 'rejections'
  | 'process'
  | 'instances'
>

/** How many are shown. */
const MOST = { tenants: 20, moves: 200, rejections: 50 } as const

/** The whole, of its workers. */
export function mergedSnapshot(snapshots: Snapshots, plan: GatewayPlan): Merged {
  const all = [...snapshots.values()]
  // What workers share on this machine looks like a fleet to each of them.
  const fleet = each(all, 'fleet', ({ limit }) => limit, fleetView).filter(({ limit }) => isFleet(plan, limit))
  return {
    limits: each(all, 'limits', ({ name }) => name, limitView(plan)),
    tenants: tenantViews(all),
    upstreams: each(all, 'upstreams', ({ upstream, server }) => `${upstream} ${server}`, upstreamView),
    fleet,
    degradation: [...new Set(all.flatMap(({ degradation }) => degradation))],
    cache: cacheView(all),
    llm: mergedLlm(all.flatMap(({ llm }) => llm ?? [])),
    moves: all
      .flatMap(({ moves }) => moves)
      .sort((a, b) => a.at - b.at)
      .slice(-MOST.moves),
    rejections: all
      .flatMap(({ rejections }) => rejections)
      .sort((a, b) => b.at - a.at)
      .slice(0, MOST.rejections),
    process: processView(all.map(({ process }) => process)),
    instances: instanceViews(snapshots, fleet),
  }
}

/** What of a limit is there for all workers together; -1 where it does not count that. */
function limitView(plan: GatewayPlan): (views: Views<LimitView>) => LimitView {
  return (views) => {
    const [first] = views
    const own = plan.limits[first.name]
    const shared = own?.kind === 'fixed' && own.by === 'all' && own.fleet === undefined
    return {
      ...first,
      scope: isFleet(plan, first.name) ? 'fleet' : 'local',
      limit: shared ? own.permits : total(views, 'limit'),
      inflight: total(views, 'inflight'),
      queued: total(views, 'queued'),
      pressure: most(views, 'pressure'),
    }
  }
}

function isFleet({ limits }: GatewayPlan, name: string): boolean {
  const limit = limits[name]
  return limit !== undefined && limit.kind !== 'adaptive' && limit.fleet !== undefined
}

/** What one cannot reach is out of reach: whoever comes there goes without it. */
function upstreamView(views: Views<UpstreamView>): UpstreamView {
  const [first] = views
  const links = new Set(views.map(({ link }) => link))
  const breakers = new Set(views.map(({ breaker }) => breaker))
  return {
    ...first,
    healthy: views.every(({ healthy }) => healthy),
    because: views.find(({ healthy }) => !healthy)?.because ?? '',
    inflight: total(views, 'inflight'),
    told: most(views, 'told'),
    link: links.has('broken') ? 'broken' : links.has('heard') ? 'heard' : 'silent',
    refused: total(views, 'refused'),
    mute: total(views, 'mute'),
    narrowed: total(views, 'narrowed'),
    answered: total(views, 'answered'),
    failed: total(views, 'failed'),
    breaker: breakers.has('open') ? 'open' : breakers.has('half-open') ? 'half-open' : first.breaker,
  }
}

/** What is known of all instances each knows, as it last heard; what is here is added up. */
function fleetView(views: Views<FleetView>): FleetView {
  const [first] = views
  return {
    ...first,
    up: views.every(({ up }) => up),
    trouble: views.find(({ up }) => !up)?.trouble ?? '',
    policyInForce: views.some(({ policyInForce }) => policyInForce),
    learning: views.some(({ learning }) => learning),
    sessions: most(views, 'sessions'),
    used: most(views, 'used'),
    waiting: most(views, 'waiting'),
    total: most(views, 'total'),
    oldest: most(views, 'oldest'),
    held: total(views, 'held'),
    inflight: total(views, 'inflight'),
    queued: total(views, 'queued'),
    lapses: total(views, 'lapses'),
    lanes: first.lanes.map((row) => ({
      ...row,
      waiting: Math.max(
        ...views.flatMap(({ lanes }) => lanes.filter(({ lane }) => lane === row.lane)).map(({ waiting }) => waiting),
      ),
    })),
  }
}

function tenantViews(all: readonly Snapshot[]): readonly TenantView[] {
  // Each knows what all its tenants offered by the share of one of them.
  const offered = all.reduce((sum, { tenants: [one] }) => {
    return sum + (one === undefined || one.share === 0 ? 0 : (100 * one.offered) / one.share)
  }, 0)
  const views = each(
    all,
    'tenants',
    ({ tenant }) => tenant,
    ([first, ...rest]): TenantView => {
      const both = [first, ...rest] as const
      const own = total(both, 'offered')
      const share = offered === 0 ? 0 : rounded((100 * own) / offered)
      return { ...first, offered: own, rejected: total(both, 'rejected'), share }
    },
  )
  return [...views].sort((a, b) => b.offered - a.offered).slice(0, MOST.tenants)
}

function cacheView(all: readonly Snapshot[]): CacheView | null {
  const views = all.flatMap(({ cache }) => cache ?? [])
  if (!isSome(views)) return null
  return {
    entries: total(views, 'entries'),
    bytes: total(views, 'bytes'),
    maxBytes: total(views, 'maxBytes'),
    hits: total(views, 'hits'),
    misses: total(views, 'misses'),
  }
}

/** Memory and processor of all, the event loop of the busiest; it goes by the process that speaks for them. */
function processView(views: readonly ProcessView[]): ProcessView {
  const { rss, heapUsed } = process.memoryUsage()
  return {
    pid: process.pid,
    node: process.version,
    rss: views.reduce((sum, view) => sum + view.rss, rss),
    heapUsed: views.reduce((sum, view) => sum + view.heapUsed, heapUsed),
    loop: Math.max(0, ...views.map(({ loop }) => loop)),
    cpu: rounded(views.reduce((sum, { cpu }) => sum + cpu, 0)),
  }
}

function instanceViews(snapshots: Snapshots, fleet: readonly FleetView[]): readonly InstanceView[] {
  const own = [...snapshots]
    .sort(([a], [b]) => a - b)
    .map(([number, { now, instances }]): InstanceView => ({
      name: `worker ${number}`,
      count: 1,
      inflight: now.inflight,
      queued: now.queued,
      held: instances[0]?.held ?? 0,
    }))
  const [busiest] = fleet.filter(({ used }) => used >= 0).sort((a, b) => b.sessions - a.sessions)
  if (busiest === undefined || busiest.sessions <= own.length) return own
  const { sessions, used, waiting, held, inflight, queued } = busiest
  const rest = (everywhere: number, here: number): number => Math.max(0, everywhere - here)
  const others = { inflight: rest(used, inflight), queued: rest(waiting, queued), held: rest(used, held) }
  return [...own, { name: 'others', count: sessions - own.length, ...others }]
}
