import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { fifo, semaphore, tally } from '../../src/index.ts'
import { prometheus } from '../../src/observe/prometheus.ts'
import { VirtualClock } from '../../src/sim/index.ts'

describe('sluice/prometheus', () => {
  it('S3.8 exposes the agreed names and buckets through a real prom-client registry', async () => {
    const clock = new VirtualClock()
    const counts = tally()
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 1, maxWait: 5000 }), clock, observer: counts })
    const registry = new Registry()
    prometheus({ registry, gate, tally: counts, labels: { gate: 'api' } })

    const first = gate.tryEnter()
    assert.ok(first.admitted)
    const second = gate.acquire()
    await assert.rejects(gate.acquire(), { code: 'queue_full' })
    clock.advance(70)
    first.release('success')
    const permit = await second
    const text = await registry.metrics()
    for (const line of [
      'backpressure_active_requests{gate="api"} 1',
      'backpressure_queued_requests{gate="api"} 0',
      'backpressure_limit{gate="api"} 1',
      'backpressure_admitted_total{gate="api"} 2',
      'backpressure_rejected_total{gate="api",code="queue_full"} 1',
      'backpressure_rejected_total{gate="api",code="overload"} 0',
      'backpressure_released_total{gate="api",outcome="success"} 1',
      'backpressure_wait_time_seconds_bucket{gate="api",le="0.01"} 1',
      'backpressure_wait_time_seconds_bucket{gate="api",le="0.05"} 1',
      'backpressure_wait_time_seconds_bucket{gate="api",le="0.1"} 2',
      'backpressure_wait_time_seconds_bucket{gate="api",le="5"} 2',
      'backpressure_wait_time_seconds_bucket{gate="api",le="+Inf"} 2',
      'backpressure_wait_time_seconds_sum{gate="api"} 0.07',
      'backpressure_wait_time_seconds_count{gate="api"} 2',
      '# TYPE backpressure_wait_time_seconds histogram',
    ])
      assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`)
    permit.release('success')
  })
})
