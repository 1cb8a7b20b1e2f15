import { checkOptions } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import { checkWatched } from './check-watched.ts'
import { METRICS, WAIT_METRIC, type Reading } from './metrics.ts'
import type { Tally } from './tally.ts'

// For whoever builds dashboards and alerts: the names, without prefix.
export { METRICS, WAIT_METRIC, type Metric, type Reading } from './metrics.ts'

/** What is used of a `prom-client` registry (version 15). */
export interface PrometheusRegistry {
  registerMetric(metric: never): void
}

export interface PrometheusOptions {
  /** The registry to add to, usually the service's own: `register` or `new Registry()` of prom-client. */
  readonly registry: PrometheusRegistry
  readonly gate: Gate
  /** The tally that observes this gate. */
  readonly tally: Tally
  /** What every name begins with. Default `backpressure`. */
  readonly prefix?: string
  /** Labels added to every value, to tell several gates apart (each under a prefix of its own). Default: none. */
  readonly labels?: Readonly<Record<string, string>>
}

interface Value extends Reading {
  readonly metricName?: string
}

/**
 * Adds the metrics of a gate to a prom-client registry. They are read when somebody scrapes: a request pays nothing for
 * them.
 * @throws Error from the registry when a metric of that name is there already
 */
export function prometheus(options: PrometheusOptions): void {
  const { registry, gate, tally, prefix = 'backpressure', labels = {} } = checkOptions('prometheus', options)
  checkOptions('prometheus.registry', registry)
  checkWatched('prometheus', gate, tally)
  const register = (name: string, help: string, type: string, read: () => Value[], aggregator = 'sum'): void => {
    const get = (): object => ({
      name,
      help,
      type,
      aggregator,
      values: read().map((value) => ({ ...value, labels: { ...labels, ...value.labels } })),
    })
    registry.registerMetric({ name, help, type, aggregator, labelNames: [], get, reset() {} } as never)
  }
  for (const { name, type, help, read } of METRICS)
    // Of several processes whoever is under most of it speaks for all; all else is added up.
    register(`${prefix}_${name}`, help, type, () => [...read(gate, tally)], name === 'pressure' ? 'max' : 'sum')
  const waits = `${prefix}_${WAIT_METRIC.name}`
  register(waits, WAIT_METRIC.help, 'histogram', () => waitValues(waits, tally))
}

/** Counts per bucket as Prometheus wants them: each bucket counts all that are at most as long. */
function waitValues(name: string, { waitCounts, waitTotal }: Tally): Value[] {
  let count = 0
  const buckets = waitCounts.map((own, index): Value => {
    count += own
    const bound = WAIT_METRIC.buckets[index]
    return { metricName: `${name}_bucket`, labels: { le: bound === undefined ? '+Inf' : String(bound) }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: waitTotal / 1000 },
    { metricName: `${name}_count`, labels: {}, value: count },
  ]
}
