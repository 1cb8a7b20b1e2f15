import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { METRICS, WAIT_METRIC } from 'sluice/prometheus'
import { ALERTS, alerts } from '../../src/export/alerts.ts'

const promtool = spawnSync('promtool', ['--version']).status === 0
const options = promtool ? {} : { skip: 'promtool is not installed: apt-get install prometheus' }

/** What is scraped every 15 s, for so long, of one job and instance. */
interface Case {
  readonly alert: string
  /** Series of Prometheus: name with labels, and values in its notation for tests. */
  readonly series: Readonly<Record<string, string>>
  /** Not yet firing then … */
  readonly before: string
  /** … firing then, with the labels and the summary given … */
  readonly at: string
  readonly labels?: Readonly<Record<string, string>>
  readonly summary: string
  /** … and never, where it stays just below. */
  readonly calm: Readonly<Record<string, string>>
}

const G = '{job="sluice", instance="a"}'
const coded = (code: string): string => `{job="sluice", instance="a", code="${code}"}`

const CASES: readonly Case[] = [
  {
    alert: 'HighRejectionRate',
    series: { [`backpressure_rejected_total${coded('overload')}`]: '0+165x80' },
    before: '1m45s',
    at: '10m',
    summary: 'sluice turns away 11 requests a second',
    // Ten a second are allowed, and whoever left by himself was not turned away.
    calm: {
      [`backpressure_rejected_total${coded('overload')}`]: '0+149x80',
      [`backpressure_rejected_total${coded('cancelled')}`]: '0+900x80',
    },
  },
  {
    alert: 'QueueBuildup',
    series: { [`backpressure_queued_requests${G}`]: '501x80' },
    before: '4m45s',
    at: '5m15s',
    summary: '501 requests wait before sluice',
    calm: { [`backpressure_queued_requests${G}`]: '500x80' },
  },
  {
    alert: 'HighQueueWaitTime',
    series: {
      'backpressure_wait_time_seconds_bucket{job="sluice", instance="a", le="1"}': '0+90x80',
      'backpressure_wait_time_seconds_bucket{job="sluice", instance="a", le="3"}': '0+100x80',
      'backpressure_wait_time_seconds_bucket{job="sluice", instance="a", le="+Inf"}': '0+100x80',
    },
    before: '2m45s',
    at: '8m',
    summary: 'One in twenty requests to sluice waited 2.0 s before it was begun',
    calm: {
      'backpressure_wait_time_seconds_bucket{job="sluice", instance="a", le="1"}': '0+96x80',
      'backpressure_wait_time_seconds_bucket{job="sluice", instance="a", le="3"}': '0+100x80',
      'backpressure_wait_time_seconds_bucket{job="sluice", instance="a", le="+Inf"}': '0+100x80',
    },
  },
  {
    alert: 'HighUtilization',
    series: { [`backpressure_active_requests${G}`]: '43x80', [`backpressure_limit${G}`]: '50x80' },
    before: '9m45s',
    at: '10m15s',
    summary: 'sluice has been 86% full for ten minutes',
    calm: { [`backpressure_active_requests${G}`]: '42x80', [`backpressure_limit${G}`]: '50x80' },
  },
  {
    alert: 'UpstreamFailing',
    series: {
      [`backpressure_upstream_failures_total${coded('UPSTREAM_UNREACHABLE')}`]: '0+6x80',
      'backpressure_upstream_responses_total{job="sluice", instance="a", class="2xx"}': '0+94x80',
    },
    before: '1m45s',
    at: '10m',
    summary: 'One in twenty requests through sluice or more gets no answer from the upstream',
    calm: {
      [`backpressure_upstream_failures_total${coded('UPSTREAM_UNREACHABLE')}`]: '0+4x80',
      'backpressure_upstream_responses_total{job="sluice", instance="a", class="2xx"}': '0+96x80',
    },
  },
  {
    alert: 'NothingAdmitted',
    series: {
      [`backpressure_admitted_total${G}`]: '7x80',
      [`backpressure_rejected_total${coded('breaker_open')}`]: '0+1x80',
    },
    before: '45s',
    at: '8m',
    summary: 'sluice turns everybody away',
    calm: {
      [`backpressure_admitted_total${G}`]: '0+1x80',
      [`backpressure_rejected_total${coded('breaker_open')}`]: '0+99x80',
    },
  },
  {
    alert: 'FleetStoreGone',
    series: {
      'backpressure_fleet_up{job="sluice", instance="a", limit="llm"}': '1x80',
      'backpressure_fleet_up{job="sluice", instance="b", limit="llm"}': '0x80',
    },
    before: '45s',
    at: '1m15s',
    labels: { limit: 'llm' },
    summary: 'Instances of sluice cannot reach the store of the limit llm',
    calm: { 'backpressure_fleet_up{job="sluice", instance="a", limit="llm"}': '1x80' },
  },
  {
    alert: 'ProviderRefuses',
    series: {
      'backpressure_llm_upstream_refusals_total{job="sluice", instance="a", class="wait", status="429"}': '0+3x80',
    },
    before: '4m45s',
    at: '10m',
    summary: 'Models behind sluice refuse 0.2 calls a second with 429',
    // As many again that say nothing of limits.
    calm: {
      'backpressure_llm_upstream_refusals_total{job="sluice", instance="a", class="wait", status="429"}': '0+1x80',
      'backpressure_llm_upstream_refusals_total{job="sluice", instance="a", class="fault", status="5xx"}': '0+9x80',
    },
  },
  {
    alert: 'GatewayGone',
    series: { 'up{job="sluice", instance="a"}': '0x80' },
    before: '45s',
    at: '1m15s',
    labels: { instance: 'a' },
    summary: 'a does not answer on its admin port',
    calm: { 'up{job="sluice", instance="a"}': '1x80', 'up{job="other", instance="a"}': '0x80' },
  },
]

const input = (series: Case['series']): object[] =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }))

/** Two tests for `promtool test rules`: it fires when it should, and never when it should not. */
function promtoolTests({ alert, series, before, at, labels = {}, summary, calm }: Case): object[] {
  const rule = ALERTS.find((each) => each.alert === alert)!
  const fires = {
    exp_labels: { severity: rule.severity, job: 'sluice', ...labels },
    exp_annotations: { summary, description: rule.description, runbook_url: `docs/runbook.md#${alert.toLowerCase()}` },
  }
  return [
    {
      interval: '15s',
      input_series: input(series),
      alert_rule_test: [
        { eval_time: before, alertname: alert, exp_alerts: [] },
        { eval_time: at, alertname: alert, exp_alerts: [fires] },
      ],
    },
    {
      interval: '15s',
      input_series: input(calm),
      alert_rule_test: [{ eval_time: '19m', alertname: alert, exp_alerts: [] }],
    },
  ]
}

describe('the alert rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-alerts-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const rules = join(folder, 'alerts.yml')
  writeFileSync(rules, alerts())

  const test = (cases: readonly Case[]): { status: number | null; output: string } => {
    const file = join(folder, 'test.yml')
    const content = { rule_files: ['alerts.yml'], evaluation_interval: '15s', tests: cases.flatMap(promtoolTests) }
    writeFileSync(file, stringify(content, { lineWidth: 0 }))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return { status, output: stdout + stderr }
  }

  it('S3.10 promtool accepts the file', options, () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', rules], { encoding: 'utf8' })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, new RegExp(`${ALERTS.length} rules found`))
  })

  it('S3.10 every rule fires when it should, not before, and not below its bound, by promtool', options, () => {
    assert.deepEqual(
      CASES.map(({ alert }) => alert),
      ALERTS.map(({ alert }) => alert),
      'every rule has its test',
    )
    const { status, output } = test(CASES)
    assert.equal(status, 0, output)
  })

  it('S3.10 these tests can fail: each does where its alert is expected below the bound', options, () => {
    for (const each of CASES) {
      const { status, output } = test([{ ...each, series: each.calm }])
      assert.notEqual(status, 0, `${each.alert}: ${output}`)
    }
  })

  it('S3.10 go by metrics that are there', () => {
    const own = new Set([...METRICS.map(({ name }) => name), `${WAIT_METRIC.name}_bucket`])
    const gateway = new Set([
      'upstream_failures_total',
      'upstream_responses_total',
      'fleet_up',
      'llm_upstream_refusals_total',
    ])
    for (const { alert, expr } of ALERTS)
      for (const [, name] of expr.matchAll(/backpressure_(\w+)/g))
        assert.ok(own.has(name!) || gateway.has(name!), `${alert}: ${name}`)
  })

  it('S3.10 point to headings of the runbook', () => {
    const runbook = readFileSync(new URL('../../../../../docs/runbook.md', import.meta.url), 'utf8')
    for (const { alert } of ALERTS) assert.ok(runbook.includes(`\n## ${alert}\n`), alert)
  })
})
