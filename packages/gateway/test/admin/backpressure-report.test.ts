import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Rejection, semaphore, tally, type Permit } from 'sluice'
import { backpressureReport } from '../../src/admin/backpressure-report.ts'

const PROXY = { active: 3, answered: {}, failed: {} as never, departed: 0 }

describe('S3.7 the report', () => {
  for (const [inUse, status] of [
    [0, 'healthy'],
    [69, 'healthy'],
    [70, 'warning'],
    [89, 'warning'],
    [90, 'critical'],
    [100, 'critical'],
  ] as const)
    it(`S3.7 ${inUse} of 100 in use is ${status}`, () => {
      const counts = tally()
      const gate = semaphore({ permits: 100, observer: counts })
      for (let i = 0; i < inUse; i++) gate.tryEnter()
      const { data } = backpressureReport(gate, counts, PROXY)
      assert.equal(data.utilization_percent, inUse)
      assert.equal(data.status, status)
      assert.equal(data.current_requests, inUse)
    })

  it('S3.7 the average wait is over all that were ever let in, not over those here now', () => {
    const counts = tally()
    const gate = semaphore({ permits: 4, observer: counts })
    for (let i = 0; i < 3; i++) (gate.tryEnter() as Permit).release('success')
    counts.admitted?.({}, 100)
    assert.equal(backpressureReport(gate, counts, PROXY).data.avg_wait_time_ms, 25)
  })

  it('S3.7 who left while waiting was not turned away', () => {
    const counts = tally()
    counts.rejected?.({}, new Rejection('queue_full', 'g', 1, 1))
    counts.rejected?.({}, new Rejection('cancelled', 'g', 1, 1))
    assert.equal(backpressureReport(undefined, counts, PROXY).data.rejected_requests, 1)
  })

  it('S3.7 without a gate: what is in progress, and nothing to compare it with', () => {
    assert.deepEqual(backpressureReport(undefined, tally(), PROXY), {
      success: true,
      data: {
        current_requests: 3,
        queued_requests: 0,
        rejected_requests: 0,
        avg_wait_time_ms: 0,
        utilization_percent: 0,
        status: 'healthy',
      },
    })
  })
})
