import { checkOptions, type Millis } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import { checkWatched } from './check-watched.ts'
import { METRICS, WAIT_METRIC, type Metric } from './metrics.ts'
import type { Tally } from './tally.ts'

/** Attributes of a value, as OpenTelemetry wants them. */
export type OtelAttributes = Readonly<Record<string, string>>

/** What is used of an observable instrument of `@opentelemetry/api` (version 1). */
export interface OtelObservable {
  addCallback(callback: (result: OtelResult) => void): void
  removeCallback(callback: (result: OtelResult) => void): void
}

/** What a callback is given to say its values to. */
export interface OtelResult {
  observe(value: number, attributes?: OtelAttributes): void
}

interface InstrumentOptions {
  readonly description: string
  readonly unit: string
  readonly advice?: { readonly explicitBucketBoundaries?: number[] }
}

/** What is used of a `Meter` of `@opentelemetry/api` (version 1): `metrics.getMeter('my-service')`. */
export interface OtelMeter {
  createObservableUpDownCounter(name: string, options: InstrumentOptions): OtelObservable
  createObservableGauge(name: string, options: InstrumentOptions): OtelObservable
  createObservableCounter(name: string, options: InstrumentOptions): OtelObservable
  createHistogram(
    name: string,
    options: InstrumentOptions,
  ): { record(value: number, attributes?: OtelAttributes): void }
}

export interface OtelOptions {
  /** Of the service: `metrics.getMeter('my-service')`. Without an SDK behind it nothing is measured and nothing costs. */
  readonly meter: OtelMeter
  readonly gate: Gate
  /** The tally that observes this gate. */
  readonly tally: Tally
  /** What every name begins with. Default `backpressure`. */
  readonly prefix?: string
  /** Added to every value. Default: `sluice.gate`, the name of the gate. */
  readonly attributes?: OtelAttributes
}

/**
 * The labels of the metrics as attributes: `error.type` is what the semantic conventions call the class of an error
 * (OpenTelemetry semconv, general attributes), all else is our own.
 */
const ATTRIBUTES: Readonly<Record<string, string>> = { code: 'error.type', outcome: 'sluice.outcome' }

/** Units in the notation of UCUM, as the conventions ask; what is not a number of requests has no dimension. */
const UNITLESS: ReadonlySet<string> = new Set(['pressure', 'limit_changes_total'])

/**
 * Gives the metrics of a gate to OpenTelemetry. Names follow its conventions: dots, no unit and no `_total`, which
 * exporters add (`backpressure.rejected` becomes `backpressure_rejected_total` for Prometheus, as sluice/prometheus
 * calls it). All but the histogram of waits are read when somebody collects; the histogram is told of each admission.
 * @returns ends it when disposed
 */
export function otel(options: OtelOptions): Disposable {
  const { meter, gate, tally, prefix = 'backpressure' } = checkOptions('otel', options)
  checkOptions('otel.meter', meter)
  checkWatched('otel', gate, tally)
  const { attributes = { 'sluice.gate': gate.name } } = options
  const ends = METRICS.map((metric) => {
    const instrument = instrumentOf(meter, prefix, metric)
    const observe = (result: OtelResult): void => {
      for (const { labels, value } of metric.read(gate, tally))
        // A limit may be infinite, which no exporter can say.
        if (Number.isFinite(value)) result.observe(value, { ...attributes, ...attributesOf(labels) })
    }
    instrument.addCallback(observe)
    return () => instrument.removeCallback(observe)
  })
  const waits = meter.createHistogram(`${prefix}.${WAIT_METRIC.name.replace('_seconds', '')}`, {
    description: WAIT_METRIC.help,
    unit: 's',
    advice: { explicitBucketBoundaries: [...WAIT_METRIC.buckets] },
  })
  const listening = tally.eachWait((waited: Millis) => waits.record(waited / 1000, attributes))
  return {
    [Symbol.dispose]: () => {
      for (const end of ends) end()
      listening[Symbol.dispose]()
    },
  }
}

function instrumentOf(meter: OtelMeter, prefix: string, { name, type, help }: Metric): OtelObservable {
  const full = `${prefix}.${name.replace(/_total$/, '')}`
  const options = { description: help, unit: UNITLESS.has(name) ? '1' : '{request}' }
  if (type === 'counter') return meter.createObservableCounter(full, options)
  // What is in progress in several instances may be added up, a limit or a pressure as well or not: gauges say neither.
  return name.endsWith('_requests')
    ? meter.createObservableUpDownCounter(full, options)
    : meter.createObservableGauge(full, options)
}

function attributesOf(labels: Readonly<Record<string, string>>): OtelAttributes {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [ATTRIBUTES[label] ?? label, value]))
}
