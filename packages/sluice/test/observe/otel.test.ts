import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  MetricReader,
  type HistogramMetricData,
} from '@opentelemetry/sdk-metrics'
import { limiter, tally } from '../../src/index.ts'
import { otel } from '../../src/observe/otel.ts'
import { eventful } from './eventful.ts'

/** Collects when asked, and keeps nothing to do with time. */
class Reader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE })
  }
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

describe('sluice/otel', () => {
  it('S3.8 gives the agreed metrics to a real OpenTelemetry SDK', async () => {
    const reader = new Reader()
    const provider = new MeterProvider({ readers: [reader] })
    let end: Disposable | undefined
    const { gate, counts, permit } = await eventful((watched, seen) => {
      end = otel({ meter: provider.getMeter('test'), gate: watched, tally: seen })
    })

    const read = async (): Promise<Map<string, unknown>> => {
      const { resourceMetrics, errors } = await reader.collect()
      assert.deepEqual(errors, [])
      const found = new Map<string, unknown>()
      for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics))
        for (const { attributes, value } of dataPoints) {
          const { 'sluice.gate': name, ...rest } = attributes
          assert.equal(name, 'api')
          found.set([descriptor.name, descriptor.unit, ...Object.values(rest)].join(' '), value)
        }
      return found
    }
    const seen = await read()
    assert.deepEqual(
      [
        'backpressure.active_requests {request}',
        'backpressure.queued_requests {request}',
        'backpressure.limit {request}',
        'backpressure.pressure 1',
        'backpressure.admitted {request}',
        'backpressure.rejected {request} queue_full',
        'backpressure.rejected {request} overload',
        'backpressure.released {request} success',
        'backpressure.limit_changes 1',
      ].map((name) => seen.get(name)),
      [1, 0, 1, 1, 2, 1, 0, 1, 0],
    )
    const waits = seen.get('backpressure.wait_time s') as HistogramMetricData['dataPoints'][number]['value']
    assert.deepEqual(waits.buckets.boundaries, [0.01, 0.05, 0.1, 0.5, 1, 3, 5])
    assert.deepEqual([waits.count, waits.sum, waits.buckets.counts], [2, 0.07, [1, 0, 1, 0, 0, 0, 0, 0]])

    permit.release('success')
    end![Symbol.dispose]()
    assert.ok(gate.tryEnter().admitted)
    assert.equal(counts.admissions, 3)
    const after = await read()
    assert.equal(after.get('backpressure.admitted {request}'), 2, 'disposed: nothing is read any more')
    assert.equal((after.get('backpressure.wait_time s') as typeof waits).count, 2, 'disposed: nothing is told any more')
    await provider.shutdown()
  })

  it('leaves out what is infinite, and costs nothing where no SDK is there', async () => {
    const counts = tally()
    const gate = limiter({ observer: counts })
    otel({ meter: metrics.getMeter('nobody'), gate, tally: counts })
    assert.ok(gate.tryEnter().admitted)
    const reader = new Reader()
    const provider = new MeterProvider({ readers: [reader] })
    const boundless = { ...gate.stats, limit: Infinity }
    otel({
      meter: provider.getMeter('test'),
      gate: Object.create(gate, { stats: { value: boundless } }),
      tally: counts,
      prefix: 'door',
      attributes: { route: '/a' },
    })
    const { resourceMetrics } = await reader.collect()
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    const limit = all.find(({ descriptor }) => descriptor.name === 'door.limit')
    assert.deepEqual(limit?.dataPoints ?? [], [])
    const active = all.find(({ descriptor }) => descriptor.name === 'door.active_requests')
    assert.equal(active?.dataPointType, DataPointType.SUM)
    assert.deepEqual(active?.dataPoints[0]?.attributes, { route: '/a' })
    await provider.shutdown()
  })
})
