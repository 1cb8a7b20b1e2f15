import { stringify } from 'yaml'

/** One rule, in the words of Prometheus. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly severity: 'critical' | 'warning'
  /** One line: what is the matter. May use the template variables of Prometheus. */
  readonly summary: string
  /** What it means, and what to look at first. */
  readonly description: string
}

/** Requirement S3.10 names the first four and their figures; the others watch what those cannot see. */
export const ALERTS: readonly AlertRule[] = [
  {
    alert: 'HighRejectionRate',
    // Clients that left while they waited were not turned away by anybody.
    expr: 'sum by (job) (rate(backpressure_rejected_total{code!="cancelled"}[5m])) > 10',
    for: '2m',
    severity: 'critical',
    summary: '{{ $labels.job }} turns away {{ printf "%.0f" $value }} requests a second',
    description: 'More arrives than can be done. See which code grows, and whether the limit fell or the load rose.',
  },
  {
    alert: 'QueueBuildup',
    expr: 'sum by (job) (backpressure_queued_requests) > 500',
    for: '5m',
    severity: 'warning',
    summary: '{{ printf "%.0f" $value }} requests wait before {{ $labels.job }}',
    description:
      'A queue that stands is no buffer, it is latency. Either capacity is missing or the queue is too long.',
  },
  {
    alert: 'HighQueueWaitTime',
    expr: 'histogram_quantile(0.95, sum by (job, le) (rate(backpressure_wait_time_seconds_bucket[5m]))) > 1',
    for: '3m',
    severity: 'critical',
    summary: 'One in twenty requests to {{ $labels.job }} waited {{ printf "%.1f" $value }} s before it was begun',
    description: 'Those who are let in wait too long. Shorten the queue or its longest wait, or add capacity.',
  },
  {
    alert: 'HighUtilization',
    expr: 'sum by (job) (backpressure_active_requests) / sum by (job) (backpressure_limit) > 0.85',
    for: '10m',
    severity: 'warning',
    summary: '{{ $labels.job }} has been {{ humanizePercentage $value }} full for ten minutes',
    description: 'Nothing is wrong yet, and there is nothing left for a spike.',
  },
  {
    alert: 'UpstreamFailing',
    expr: 'sum by (job) (rate(backpressure_upstream_failures_total[5m])) / (sum by (job) (rate(backpressure_upstream_responses_total[5m])) + sum by (job) (rate(backpressure_upstream_failures_total[5m]))) > 0.05',
    for: '2m',
    severity: 'critical',
    summary: 'One in twenty requests through {{ $labels.job }} or more gets no answer from the upstream',
    description: 'The upstream refuses connections, breaks them, or is silent. The label code says which.',
  },
  {
    alert: 'NothingAdmitted',
    expr: 'sum by (job) (rate(backpressure_admitted_total[5m])) == 0 and sum by (job) (rate(backpressure_rejected_total{code!="cancelled"}[5m])) > 0',
    for: '1m',
    severity: 'critical',
    summary: '{{ $labels.job }} turns everybody away',
    description:
      'A closed failure policy, an open breaker, or a limit of 0. The last refusals on the page say who refuses.',
  },
  {
    alert: 'FleetStoreGone',
    expr: 'min by (job, limit) (backpressure_fleet_up) == 0',
    for: '1m',
    severity: 'critical',
    summary: 'Instances of {{ $labels.job }} cannot reach the store of the limit {{ $labels.limit }}',
    description: 'Each of them goes by its failure policy: a local share, everybody, or nobody. See Redis.',
  },
  {
    alert: 'ProviderRefuses',
    expr: 'sum by (job) (rate(backpressure_llm_upstream_refusals_total{status="429"}[5m])) > 0.1',
    for: '5m',
    severity: 'warning',
    summary: 'Models behind {{ $labels.job }} refuse {{ printf "%.1f" $value }} calls a second with 429',
    description: 'A paced provider should not have to: others use its limits too, or they are declared too high.',
  },
  {
    alert: 'GatewayGone',
    expr: 'up{job=~"sluice.*"} == 0',
    for: '1m',
    severity: 'critical',
    summary: '{{ $labels.instance }} does not answer on its admin port',
    description: 'The process is gone, or its event loop is stuck.',
  },
]

/** Where the runbook is that each alert points to; one heading for each alert. */
const RUNBOOK = 'docs/runbook.md'

/**
 * The alert rules as a file for Prometheus (requirement S3.10).
 * @param runbook the address of the runbook, without fragment
 */
export function alerts(runbook: string = RUNBOOK): string {
  const rules = ALERTS.map(({ alert, expr, for: held, severity, summary, description }) => ({
    alert,
    expr,
    for: held,
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbook}#${alert.toLowerCase()}` },
  }))
  return stringify({ groups: [{ name: 'sluice', rules }] }, { lineWidth: 0 })
}
