import { AggregatorRegistry, type Registry } from 'prom-client'
import type { MetricsData } from './message.ts'

/**
 * The figures of a worker as figures of one of several: what is about its process (memory, event loop, processor) tells
 * nothing when it is added up, and says whose it is.
 */
export function ofWorker(metrics: MetricsData, worker: number): MetricsData {
  return metrics.map((metric) => {
    if (metric.name.startsWith('backpressure_')) return metric
    const values = metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker } }))
    return { ...metric, aggregator: 'sum', values }
  })
}

/** What has been counted, which stays when whoever counted it has ended. */
export function counted(metrics: MetricsData): MetricsData {
  return metrics.filter(({ type }) => isCounted(String(type)))
}

// The types say an enumeration, and what is there is its names.
function isCounted(type: string): boolean {
  return type === 'counter' || type === 'histogram'
}

/** Several added up: each metric by what it says of itself. Those of the last take the place of all others of their name. */
export function added(all: readonly MetricsData[], instead: MetricsData = []): Registry {
  const names = new Set(instead.map(({ name }) => name))
  const rest = all.map((metrics) => metrics.filter(({ name }) => !names.has(name)))
  return AggregatorRegistry.aggregate([...rest, instead])
}

/** The sum of a metric, or of one series of a histogram, over all labels that fit. */
export function sumOf(
  metrics: MetricsData,
  name: string,
  fits: (value: { readonly labels: { readonly code?: unknown }; readonly metricName?: string }) => boolean = () => true,
): number {
  const values = metrics.find((metric) => metric.name === name)?.values ?? []
  return values.filter(fits).reduce((sum, { value }) => sum + value, 0)
}
