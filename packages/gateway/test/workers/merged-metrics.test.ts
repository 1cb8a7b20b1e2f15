import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { added, counted, ofWorker, sumOf } from '../../src/workers/merged-metrics.ts'
import type { MetricsData } from '../../src/workers/message.ts'

/** What a worker tells that has served so many, each after so long, and has so many in progress. */
async function told(served: number, waited: number, inflight: number): Promise<MetricsData> {
  const registry = new Registry()
  const registers = [registry]
  const help = 'x'
  const served_ = new Counter({ name: 'backpressure_rejected_total', help, labelNames: ['code'], registers })
  served_.inc({ code: 'queue_full' }, served)
  served_.inc({ code: 'cancelled' }, 1)
  const wait = new Histogram({ name: 'backpressure_wait_time_seconds', help, buckets: [0.1, 1], registers })
  for (let i = 0; i < served; i++) wait.observe(waited)
  new Gauge({ name: 'backpressure_active_requests', help, registers }).set(inflight)
  new Gauge({ name: 'backpressure_pressure', help, aggregator: 'max', registers }).set(inflight / 10)
  new Gauge({ name: 'process_resident_memory_bytes', help, registers }).set(1000 * inflight)
  new Gauge({ name: 'process_start_time_seconds', help, aggregator: 'omit', registers }).set(7)
  new Counter({ name: 'process_cpu_seconds_total', help, registers }).inc(served)
  return await registry.getMetricsAsJSON()
}

const lines = async (all: readonly MetricsData[], instead?: MetricsData): Promise<string[]> =>
  (await added(all, instead).metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('metrics of several workers', () => {
  it('S3.8 adds up counters and histograms, gauges by what they say, and what is of a process is of each', async () => {
    const all = [ofWorker(await told(3, 0.05, 2), 1), ofWorker(await told(4, 0.5, 6), 2)]
    assert.deepEqual((await lines(all)).toSorted(), [
      'backpressure_active_requests 8',
      'backpressure_pressure 0.6',
      'backpressure_rejected_total{code="cancelled"} 2',
      'backpressure_rejected_total{code="queue_full"} 7',
      'backpressure_wait_time_seconds_bucket{le="+Inf"} 7',
      'backpressure_wait_time_seconds_bucket{le="0.1"} 3',
      'backpressure_wait_time_seconds_bucket{le="1"} 7',
      'backpressure_wait_time_seconds_count 7',
      'backpressure_wait_time_seconds_sum 2.15',
      'process_cpu_seconds_total{worker="1"} 3',
      'process_cpu_seconds_total{worker="2"} 4',
      'process_resident_memory_bytes{worker="1"} 2000',
      'process_resident_memory_bytes{worker="2"} 6000',
      'process_start_time_seconds{worker="1"} 7',
      'process_start_time_seconds{worker="2"} 7',
    ])
  })

  it('of one that has ended what it counted stays, also beside the one that follows, and nothing else', async () => {
    const first = counted(ofWorker(await told(3, 0.05, 2), 1))
    const follows = ofWorker(await told(1, 0.05, 5), 1)
    const both = await lines([first, follows])
    for (const line of [
      'backpressure_rejected_total{code="queue_full"} 4',
      'backpressure_wait_time_seconds_count 4',
      'process_cpu_seconds_total{worker="1"} 4',
      'backpressure_active_requests 5',
      'process_resident_memory_bytes{worker="1"} 5000',
    ])
      assert.ok(both.includes(line), `${line} in\n${both.join('\n')}`)
    // The control: without what it had counted a counter goes back.
    assert.ok((await lines([follows])).includes('backpressure_rejected_total{code="queue_full"} 1'))
  })

  it('what is known of the whole takes the place of what each thinks', async () => {
    const registry = new Registry()
    new Gauge({ name: 'backpressure_active_requests', help: 'x', registers: [registry] }).set(99)
    const all = [await told(1, 0, 1), await told(1, 0, 2)]
    const text = await lines(all, await registry.getMetricsAsJSON())
    assert.ok(text.includes('backpressure_active_requests 99'), text.join('\n'))
  })

  it('sums what fits', async () => {
    const metrics = await told(3, 0.5, 2)
    assert.equal(sumOf(metrics, 'backpressure_rejected_total'), 4)
    assert.equal(
      sumOf(metrics, 'backpressure_rejected_total', ({ labels }) => labels.code === 'cancelled'),
      1,
    )
    assert.equal(
      sumOf(metrics, 'backpressure_wait_time_seconds', ({ metricName }) => metricName?.endsWith('_sum') === true),
      1.5,
    )
    assert.equal(sumOf(metrics, 'none'), 0)
  })
})
