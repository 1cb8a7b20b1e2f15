/** A line of a chart: what is asked of Prometheus, and what it is called. */
export interface Query {
  readonly expr: string
  readonly legend: string
}

/** A chart. Widths are in twenty-fourths of the page. */
export interface Chart {
  readonly title: string
  readonly description: string
  readonly unit: 'reqps' | 'short' | 's' | 'percentunit' | 'bytes'
  readonly kind?: 'timeseries' | 'stat'
  readonly width?: number
  /** Red above this. */
  readonly bad?: number
  readonly queries: readonly Query[]
}

/** What everything is narrowed to: chosen at the top of the page. */
const WHICH = 'job=~"$job",instance=~"$instance"'
const RATE = '$__rate_interval'

const rate = (metric: string, by = '', more = ''): string =>
  `sum${by && ` by (${by})`} (rate(backpressure_${metric}{${WHICH}${more}}[${RATE}]))`
const sum = (metric: string, by = ''): string => `sum${by && ` by (${by})`} (backpressure_${metric}{${WHICH}})`
const quantileOf = (metric: string, quantile: number, by = ''): string =>
  `histogram_quantile(${quantile}, sum by (le${by && `, ${by}`}) (rate(backpressure_${metric}_bucket{${WHICH}}[${RATE}])))`
const waitAt = (quantile: number): string => quantileOf('wait_time_seconds', quantile)
/** What every instance says of all of them together. */
const everywhere = (metric: string, by: string): string => `max by (${by}) (backpressure_${metric}{${WHICH}})`
const budget = (how: 'min' | 'max', metric: string): string =>
  `${how} by (provider, model, budget) (backpressure_llm_budget_${metric}{${WHICH}})`

const REFUSED = ',code!="cancelled"'
const refusedShare = `${rate('rejected_total', '', REFUSED)} / (${rate('admitted_total')} + ${rate('rejected_total', '', REFUSED)})`

/** The charts of the dashboard (requirement S3.9): by what is asked first at three in the morning. */
export const CHARTS: readonly Chart[] = [
  {
    title: 'Good per second',
    description: 'Ended well',
    unit: 'reqps',
    kind: 'stat',
    width: 6,
    queries: [{ expr: rate('released_total', '', ',outcome="success"'), legend: 'good' }],
  },
  {
    title: 'Turned away',
    description: 'Of all that asked to come in',
    unit: 'percentunit',
    kind: 'stat',
    width: 6,
    bad: 0.05,
    queries: [{ expr: refusedShare, legend: 'refused' }],
  },
  {
    title: 'Wait, p95',
    description: 'Of those who were let in',
    unit: 's',
    kind: 'stat',
    width: 6,
    bad: 1,
    queries: [{ expr: waitAt(0.95), legend: 'p95' }],
  },
  {
    title: 'In use',
    description: 'In progress as a share of the limit',
    unit: 'percentunit',
    kind: 'stat',
    width: 6,
    bad: 0.85,
    queries: [{ expr: `${sum('active_requests')} / ${sum('limit')}`, legend: 'in use' }],
  },
  {
    title: 'Offered, let in, good',
    description: 'Where they part, somebody is turned away or fails',
    unit: 'reqps',
    queries: [
      { expr: `${rate('admitted_total')} + ${rate('rejected_total')}`, legend: 'offered' },
      { expr: rate('admitted_total'), legend: 'let in' },
      { expr: rate('released_total', '', ',outcome="success"'), legend: 'good' },
    ],
  },
  {
    title: 'Active against queued',
    description: 'In progress, what may be, and who waits',
    unit: 'short',
    queries: [
      { expr: sum('active_requests'), legend: 'active' },
      { expr: sum('limit'), legend: 'limit' },
      { expr: sum('queued_requests'), legend: 'queued' },
    ],
  },
  {
    title: 'Turned away, by reason',
    description: 'Per second; cancelled are clients that left while they waited',
    unit: 'reqps',
    queries: [{ expr: rate('rejected_total', 'code'), legend: '{{code}}' }],
  },
  {
    title: 'Wait',
    description: 'How long those who were let in had waited',
    unit: 's',
    queries: [
      { expr: waitAt(0.5), legend: 'p50' },
      { expr: waitAt(0.95), legend: 'p95' },
      { expr: waitAt(0.99), legend: 'p99' },
    ],
  },
  {
    title: 'Ended, by outcome',
    description: 'Per second; ignored are those whose client left',
    unit: 'reqps',
    queries: [{ expr: rate('released_total', 'outcome'), legend: '{{outcome}}' }],
  },
  {
    title: 'Pressure',
    description: '0 idle, 1 full, above 1 refusing; the limit moved so often per second',
    unit: 'short',
    queries: [
      { expr: `max by (instance) (backpressure_pressure{${WHICH}})`, legend: '{{instance}}' },
      { expr: rate('limit_changes_total'), legend: 'moves of the limit' },
    ],
  },
  {
    title: 'Upstream: answers',
    description: 'By class of status',
    unit: 'reqps',
    queries: [{ expr: rate('upstream_responses_total', 'class'), legend: '{{class}}' }],
  },
  {
    title: 'Upstream: no answer',
    description: 'By reason; and clients that left before they were answered',
    unit: 'reqps',
    queries: [
      { expr: rate('upstream_failures_total', 'code'), legend: '{{code}}' },
      { expr: rate('client_departures_total'), legend: 'client left' },
    ],
  },
  {
    title: 'Upstream: servers',
    description: 'On their way to each server; 0 of up: it is taken out',
    unit: 'short',
    queries: [
      { expr: sum('server_inflight', 'server'), legend: '{{server}}' },
      { expr: `min by (server) (backpressure_server_up{${WHICH}})`, legend: 'up, {{server}}' },
    ],
  },
  {
    title: 'Lanes: let in',
    description: 'Per second; of a limit of the fleet, over all instances that are chosen above',
    unit: 'reqps',
    queries: [{ expr: rate('lane_admitted_total', 'lane'), legend: '{{lane}}' }],
  },
  {
    title: 'Lanes: turned away',
    description: 'Of those who asked to come in, by lane: the important ones should stay at 0',
    unit: 'percentunit',
    queries: [
      {
        expr: `${rate('lane_rejected_total', 'lane')} / (${rate('lane_admitted_total', 'lane')} + ${rate('lane_rejected_total', 'lane')})`,
        legend: '{{lane}}',
      },
    ],
  },
  {
    title: 'Fleet: in use and waiting',
    description: 'Of each limit that instances share, everywhere together',
    unit: 'short',
    queries: [
      { expr: everywhere('fleet_used', 'limit'), legend: 'in use, {{limit}}' },
      { expr: everywhere('fleet_limit', 'limit'), legend: 'limit, {{limit}}' },
      { expr: everywhere('fleet_waiters', 'limit'), legend: 'waiting, {{limit}}' },
    ],
  },
  {
    title: 'Fleet: waiting, by lane',
    description: 'Everywhere, of limits whose lanes are those of the fleet',
    unit: 'short',
    queries: [{ expr: everywhere('fleet_lane_waiters', 'limit, lane'), legend: '{{limit}}, {{lane}}' }],
  },
  {
    title: 'Fleet: held',
    description: 'How many slots each instance has in hand',
    unit: 'short',
    queries: [{ expr: sum('fleet_held', 'limit, instance'), legend: '{{limit}}, {{instance}}' }],
  },
  {
    title: 'Fleet: store',
    description: 'Instances that share; and how many of them cannot reach Redis and go by their policy',
    unit: 'short',
    queries: [
      { expr: everywhere('fleet_sessions', 'limit'), legend: 'instances, {{limit}}' },
      { expr: sum('fleet_policy_in_force', 'limit, policy'), legend: 'by policy {{policy}}, {{limit}}' },
    ],
  },
  {
    title: 'Event loop',
    description: 'How late timers are, p99',
    unit: 's',
    queries: [{ expr: `max by (instance) (nodejs_eventloop_lag_p99_seconds{${WHICH}})`, legend: '{{instance}}' }],
  },
  {
    title: 'Processor',
    description: 'Of one core',
    unit: 'percentunit',
    queries: [
      { expr: `sum by (instance) (rate(process_cpu_seconds_total{${WHICH}}[${RATE}]))`, legend: '{{instance}}' },
    ],
  },
  {
    title: 'Memory',
    description: 'Resident',
    unit: 'bytes',
    queries: [{ expr: `sum by (instance) (process_resident_memory_bytes{${WHICH}})`, legend: '{{instance}}' }],
  },
  {
    title: 'Models: tokens',
    description: 'Per second, of prompts (input) and answers (output)',
    unit: 'short',
    queries: [{ expr: rate('llm_tokens_total', 'kind'), legend: '{{kind}}' }],
  },
  {
    title: 'Models: first token',
    description: 'From the arrival of a call, its wait included; and between two tokens',
    unit: 's',
    queries: [
      { expr: quantileOf('llm_time_to_first_token_seconds', 0.5), legend: 'p50' },
      { expr: quantileOf('llm_time_to_first_token_seconds', 0.99), legend: 'p99' },
      { expr: quantileOf('llm_inter_token_seconds', 0.99), legend: 'between two, p99' },
    ],
  },
  {
    title: 'Models: waiting and in progress',
    description: 'Calls, by priority; 3 is the highest',
    unit: 'short',
    queries: [
      { expr: sum('llm_waiting_calls', 'priority'), legend: 'waiting, {{priority}}' },
      { expr: sum('llm_active_calls'), legend: 'in progress' },
    ],
  },
  {
    title: 'Models: wait, p99',
    description: 'Of calls that were let in, by priority',
    unit: 's',
    queries: [{ expr: quantileOf('llm_wait_seconds', 0.99, 'priority'), legend: '{{priority}}' }],
  },
  {
    title: 'Models: limits of providers',
    description: 'What is taken of each, for all who share it',
    unit: 'percentunit',
    queries: [
      { expr: `1 - ${budget('min', 'remaining')} / ${budget('max', 'limit')}`, legend: '{{model}}, {{budget}}' },
    ],
  },
  {
    title: 'Models: refused',
    description: 'Per second: here by reason, by the upstream by class and status',
    unit: 'reqps',
    queries: [
      { expr: rate('llm_rejected_total', 'reason'), legend: '{{reason}}' },
      { expr: rate('llm_upstream_refusals_total', 'class, status'), legend: 'upstream, {{class}} {{status}}' },
    ],
  },
]

const COLUMNS = 24
const SOURCE = { type: 'prometheus', uid: '${source}' }

/** The dashboard as Grafana imports it (requirement S3.9): version 10 and later. */
export function grafana(): string {
  const choice = (name: string, query: string): object => ({
    name,
    label: name,
    type: 'query',
    datasource: SOURCE,
    query: { query, refId: name },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  })
  const dashboard = {
    title: 'Sluice',
    uid: 'sluice',
    tags: ['sluice', 'overload'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    time: { from: 'now-1h', to: 'now' },
    refresh: '10s',
    // One cursor over all charts.
    graphTooltip: 1,
    templating: {
      list: [
        { name: 'source', label: 'source', type: 'datasource', query: 'prometheus' },
        choice('job', 'label_values(backpressure_active_requests, job)'),
        choice('instance', 'label_values(backpressure_active_requests{job=~"$job"}, instance)'),
      ],
    },
    panels: panels(),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

function panels(): object[] {
  let x = 0
  let y = 0
  return CHARTS.map(({ title, description, unit, kind = 'timeseries', width = 12, bad, queries }, index) => {
    const h = kind === 'stat' ? 4 : 8
    const gridPos = { x, y, w: width, h }
    x += width
    if (x >= COLUMNS) {
      x = 0
      y += h
    }
    const steps = [{ color: 'green', value: null }, ...(bad === undefined ? [] : [{ color: 'red', value: bad }])]
    return {
      id: index + 1,
      title,
      description,
      type: kind,
      datasource: SOURCE,
      gridPos,
      fieldConfig: { defaults: { unit, min: 0, thresholds: { mode: 'absolute', steps } }, overrides: [] },
      options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : { legend: { displayMode: 'list' } },
      targets: queries.map(({ expr, legend }, at) => ({
        refId: String.fromCodePoint(65 + at),
        datasource: SOURCE,
        expr,
        legendFormat: legend,
      })),
    }
  })
}
