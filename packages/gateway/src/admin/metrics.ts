import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Gate, Tally } from 'sluice'
import { prometheus } from 'sluice/prometheus'
import type { FleetLaneView, FleetView, LimitView, Second, Snapshot, UpstreamView } from '../live/index.ts'
import type { ProxyStats } from '../proxy/index.ts'

/** Sums of other metrics, gauges that are called what only counters may be: promtool minds them. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total']

/** A gauge with a value for each row of something. */
interface Rows<Row> {
  readonly name: string
  readonly help: string
  readonly labels: (row: Row) => Readonly<Record<string, string>>
  readonly value: (row: Row) => number
}

const limitLabels = ({ name, scope }: LimitView): Readonly<Record<string, string>> => ({ limit: name, scope })
const memberLabels = ({ upstream, server }: UpstreamView): Readonly<Record<string, string>> => ({ upstream, server })
const fleetLabels = ({ limit }: FleetView): Readonly<Record<string, string>> => ({ limit })

const LIMITS: readonly Rows<LimitView>[] = [
  {
    name: 'limit_limit',
    help: 'What each limit is now; -1: it does not count that',
    labels: limitLabels,
    value: (row) => row.limit,
  },
  { name: 'limit_inflight', help: 'In progress at each limit', labels: limitLabels, value: (row) => row.inflight },
  { name: 'limit_queued', help: 'Waiting at each limit', labels: limitLabels, value: (row) => row.queued },
]

const MEMBERS: readonly Rows<UpstreamView>[] = [
  { name: 'server_up', help: '1 while a server is asked', labels: memberLabels, value: (row) => Number(row.healthy) },
  { name: 'server_inflight', help: 'On their way to each server', labels: memberLabels, value: (row) => row.inflight },
  {
    name: 'server_told',
    help: 'The utilisation a server told of (ORCA); -1: none',
    labels: memberLabels,
    value: (row) => row.told,
  },
  {
    name: 'server_link_broken',
    help: '1 while a server that should say how loaded it is does not: headers are stripped on the way',
    labels: memberLabels,
    value: (row) => Number(row.link === 'broken'),
  },
  {
    name: 'server_refusals',
    help: 'Refusals (429, 503) a server has answered with',
    labels: memberLabels,
    value: (row) => row.refused,
  },
  {
    name: 'server_refusals_mute',
    help: 'Those of them that did not say when to come back',
    labels: memberLabels,
    value: (row) => row.mute,
  },
  {
    name: 'server_narrowed',
    help: 'What the word of an upstream has narrowed it to, in requests at once; -1: nothing',
    labels: memberLabels,
    value: (row) => row.narrowed,
  },
]

const FLEET: readonly Rows<FleetView>[] = [
  {
    name: 'fleet_up',
    help: '1 while the store of the fleet answers',
    labels: fleetLabels,
    value: (row) => Number(row.up),
  },
  {
    name: 'fleet_policy_in_force',
    help: '1 while the policy for a store that is gone decides',
    labels: ({ limit, policy }) => ({ limit, policy }),
    value: (row) => Number(row.policyInForce),
  },
  {
    name: 'fleet_learning',
    help: '1 while the store hears what is held before it grants',
    labels: fleetLabels,
    value: (row) => Number(row.learning),
  },
  { name: 'fleet_sessions', help: 'Instances that share it', labels: fleetLabels, value: (row) => row.sessions },
  { name: 'fleet_limit', help: 'The limit of all together', labels: fleetLabels, value: (row) => row.total },
  { name: 'fleet_used', help: 'Slots in use everywhere; -1: buckets', labels: fleetLabels, value: (row) => row.used },
  { name: 'fleet_waiters', help: 'Waiting everywhere; -1: unknown', labels: fleetLabels, value: (row) => row.waiting },
  {
    name: 'fleet_oldest_wait_seconds',
    help: 'How long whoever is next has been waiting, everywhere',
    labels: fleetLabels,
    value: (row) => row.oldest / 1000,
  },
  { name: 'fleet_held', help: 'Slots held here; -1: buckets', labels: fleetLabels, value: (row) => row.held },
  {
    name: 'fleet_lapses',
    help: 'Times a lease ran out here while slots were in use',
    labels: fleetLabels,
    value: (row) => row.lapses,
  },
]

const FLEET_LANES: readonly Rows<FleetLaneView & { readonly limit: string }>[] = [
  {
    name: 'fleet_lane_waiters',
    help: 'Waiting in each lane, everywhere',
    labels: ({ limit, lane }) => ({ limit, lane }),
    value: (row) => row.waiting,
  },
  {
    name: 'fleet_lane_share',
    help: 'What each lane is sure of everywhere while others wait as well, from 0 to 1',
    labels: ({ limit, lane }) => ({ limit, lane }),
    value: (row) => row.share / 100,
  },
]

/** All there are, so that one that is lifted goes to 0. */
const STEPS = ['read-only', 'cached-only'] as const

const DEGRADATION: Rows<{ readonly step: string; readonly inForce: boolean }> = {
  name: 'degradation_in_force',
  help: '1 while a step of degradation is in force',
  labels: ({ step }) => ({ step }),
  value: (row) => Number(row.inForce),
}

/** What `/metrics` tells about: the gates (S3.8), the fleet, the way to the upstreams, the process. Read when scraped. */
export function metrics(
  gate: () => Gate | undefined,
  tally: Tally,
  proxy: ProxyStats,
  snapshot: () => Shown & Pick<Snapshot, 'cache'>,
  lanes: () => Second['lanes'],
): Registry {
  const registry = new Registry()
  prometheus({ registry, gate: whicheverOf(gate, proxy), tally })
  const active = new Gauge({
    name: 'backpressure_upstream_active_requests',
    help: 'On their way to the upstream now, those that bypass the gate included',
    registers: [],
    collect() {
      this.set(proxy.active)
    },
  })
  registry.registerMetric(active)
  counts('upstream_responses_total', 'Answered by the upstream, by class of status', 'class', () => proxy.answered)
  counts('upstream_failures_total', 'Not answered by the upstream, by reason', 'code', () => proxy.failed)
  counts('client_departures_total', 'Given up because the client had left', undefined, () => ({ '': proxy.departed }))
  counts('lane_admitted_total', 'Let in, by lane, those included that meet no limit', 'lane', () => laned('admitted'))
  counts('lane_rejected_total', 'Turned away, by lane', 'lane', () => laned('rejected'))
  counts('cache_lookups_total', 'Looked up in the cache under pressure, by what came of it', 'result', () => {
    const { cache } = snapshot()
    return cache === null ? {} : { hit: cache.hits, miss: cache.misses }
  })
  shownMetrics(registry, snapshot)
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry

  function laned(what: 'admitted' | 'rejected'): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(lanes()).map(([lane, counted]) => [lane, counted[what]]))
  }

  function counts(
    name: string,
    help: string,
    label: string | undefined,
    read: () => Readonly<Record<string, number>>,
  ): void {
    const counter = new Counter({
      name: `backpressure_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [],
      collect() {
        this.reset()
        for (const [value, count] of Object.entries(read()))
          this.inc(label === undefined ? {} : { [label]: value }, count)
      },
    })
    registry.registerMetric(counter)
  }
}

/** Adds what a snapshot says of limits, servers and the fleet. */
export function shownMetrics(registry: Registry, snapshot: () => Shown): void {
  // Read once for all gauges of a scrape.
  let taken: Shown | undefined
  const once = (): Shown => {
    if (taken === undefined) setImmediate(() => (taken = undefined))
    return (taken ??= snapshot())
  }
  for (const rows of LIMITS) gauges(rows, () => once().limits)
  for (const rows of MEMBERS) gauges(rows, () => once().upstreams)
  for (const rows of FLEET) gauges(rows, () => once().fleet)
  for (const rows of FLEET_LANES)
    gauges(rows, () => once().fleet.flatMap(({ limit, lanes }) => lanes.map((row) => ({ ...row, limit }))))
  gauges(DEGRADATION, () => STEPS.map((step) => ({ step, inForce: once().degradation.includes(step) })))

  function gauges<Row>({ name, help, labels, value }: Rows<Row>, read: () => readonly Row[]): void {
    const gauge = new Gauge({
      name: `backpressure_${name}`,
      help,
      labelNames: [...NAMES],
      registers: [],
      collect() {
        this.reset()
        for (const row of read()) this.set(labels(row), value(row))
      },
    })
    registry.registerMetric(gauge)
  }
}

type Shown = Pick<Snapshot, 'limits' | 'upstreams' | 'fleet' | 'degradation'>

const NAMES = ['limit', 'scope', 'upstream', 'server', 'policy', 'lane', 'step'] as const

/** Whichever gate is in force when somebody scrapes; without one what is in progress, and no limit. */
function whicheverOf(gate: () => Gate | undefined, proxy: ProxyStats): Pick<Gate, 'stats' | 'pressure'> & Gate {
  const free = {
    limit: Infinity,
    get inflight(): number {
      return proxy.active
    },
    queued: 0,
  }
  const now = {
    get stats() {
      return gate()?.stats ?? free
    },
    pressure: {
      get value() {
        return gate()?.pressure.value ?? { level: 0, cause: 'nothing' }
      },
    },
  }
  // Of a gate nothing else is read here.
  return now as unknown as Gate
}
