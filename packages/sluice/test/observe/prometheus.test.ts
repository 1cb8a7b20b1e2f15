import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { prometheus } from '../../src/observe/prometheus.ts'
import { eventful } from './eventful.ts'

describe('sluice/prometheus', () => {
  it('S3.8 exposes the agreed names and buckets through a real prom-client registry', async () => {
    const registry = new Registry()
    const { permit } = await eventful((gate, counts) => {
      prometheus({ registry, gate, tally: counts, labels: { gate: 'door' } })
    })
    const text = await registry.metrics()
    for (const line of [
      'backpressure_active_requests{gate="door"} 1',
      'backpressure_queued_requests{gate="door"} 0',
      'backpressure_limit{gate="door"} 1',
      'backpressure_admitted_total{gate="door"} 2',
      'backpressure_rejected_total{gate="door",code="queue_full"} 1',
      'backpressure_rejected_total{gate="door",code="overload"} 0',
      'backpressure_released_total{gate="door",outcome="success"} 1',
      'backpressure_wait_time_seconds_bucket{gate="door",le="0.01"} 1',
      'backpressure_wait_time_seconds_bucket{gate="door",le="0.05"} 1',
      'backpressure_wait_time_seconds_bucket{gate="door",le="0.1"} 2',
      'backpressure_wait_time_seconds_bucket{gate="door",le="5"} 2',
      'backpressure_wait_time_seconds_bucket{gate="door",le="+Inf"} 2',
      'backpressure_wait_time_seconds_sum{gate="door"} 0.07',
      'backpressure_wait_time_seconds_count{gate="door"} 2',
      '# TYPE backpressure_wait_time_seconds histogram',
    ])
      assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`)
    permit.release('success')
  })
})
