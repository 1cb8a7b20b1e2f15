import type { Gate, Tally } from 'sluice'
import type { ProxyStats } from '../proxy/index.ts'

/** `GET /metrics/backpressure`, requirement S3.7. */
export interface BackpressureReport {
  readonly success: true
  readonly data: {
    /** In progress now. */
    readonly current_requests: number
    readonly queued_requests: number
    /** Turned away since the start; clients who left while they waited are not counted. */
    readonly rejected_requests: number
    /** Over all that were ever let in, in ms. */
    readonly avg_wait_time_ms: number
    /** In progress as a share of the limit. */
    readonly utilization_percent: number
    readonly status: 'healthy' | 'warning' | 'critical'
  }
}

/** The figures of now. Without a gate: what is in progress, and no limit to compare it with. */
export function backpressureReport(
  gate: Pick<Gate, 'stats'> | undefined,
  tally: Pick<Tally, 'rejections' | 'averageWait'> & { readonly rejectionsBy: { readonly cancelled: number } },
  proxy: Pick<ProxyStats, 'active'>,
): BackpressureReport {
  const { inflight, limit, queued } = gate?.stats ?? { inflight: proxy.active, limit: Infinity, queued: 0 }
  const utilization = rounded((inflight / limit) * 100)
  return {
    success: true,
    data: {
      current_requests: inflight,
      queued_requests: queued,
      rejected_requests: tally.rejections - tally.rejectionsBy.cancelled,
      avg_wait_time_ms: rounded(tally.averageWait),
      utilization_percent: utilization,
      status: utilization < 70 ? 'healthy' : utilization < 90 ? 'warning' : 'critical',
    },
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
