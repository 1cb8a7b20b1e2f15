import type { Chart, Panel, Report, Section } from '../report/index.ts'
import type { Arm, BenchResult, ScenarioResult } from './bench.ts'
import type { Moment } from './series.ts'
import { opening, remarks } from './sheet.ts'

/** The bench as a page: the verdict, and of each scenario what happened over time, before and after the gate. */
export function benchReport(result: BenchResult): Report {
  const { url, page, scenarios } = result
  return {
    title: `Load scenarios: ${result.passed ? 'passed' : 'failed'}`,
    text: opening(url, page),
    summary: {
      head: ['scenario', '', 'load', 'served/s', 'refused', 'p95', 'average wait'],
      rows: scenarios.map(({ name, passed, load, figures: { rate, share, latency, wait } }) => [
        name,
        verdict(passed),
        load,
        String(Math.round(rate)),
        `${Math.round(share * 1000) / 10} %`,
        `${Math.round(latency.p95)} ms`,
        `${Math.round(wait.mean * 10) / 10} ms`,
      ]),
    },
    sections: scenarios.map((each) => section(each)),
  }
}

function section(result: ScenarioResult): Section {
  const { name, load, checks, without } = result
  return {
    title: `${name}: ${load}`,
    text: remarks(result),
    table: {
      head: ['', 'asked', 'found'],
      rows: checks.map(({ passed, name: asked, detail }) => [verdict(passed), asked, detail]),
    },
    panels: without === undefined ? [panel('over time', result, [result])] : beforeAndAfter(result, without),
  }
}

/** Requirement S3.13. Both sides have the same scales, or the picture would lie. */
function beforeAndAfter(result: Arm, without: Arm): readonly Panel[] {
  const arms = [result, without]
  return [panel('before: without a gate', without, arms), panel('after: with the gate', result, arms)]
}

function panel(title: string, { series }: Arm, arms: readonly Arm[]): Panel {
  const most = (read: (moment: Moment) => number): number =>
    Math.max(0, ...arms.flatMap((arm) => arm.series.map((moment) => read(moment))))
  const charts: Chart[] = [
    {
      title: 'Answers',
      y: 'a second',
      lines: [
        line('served', series, ({ served }) => served),
        line('refused', series, ({ rejected }) => rejected),
        line('patience lost', series, ({ lost }) => lost),
      ],
      yMax: most(({ served, rejected, lost }) => Math.max(served, rejected, lost)),
    },
    {
      title: 'Time to an answer, since first asked',
      y: 's',
      lines: [
        line('median', series, ({ p50 }) => (p50 === undefined ? NaN : p50 / 1000)),
        line('p95', series, ({ p95 }) => (p95 === undefined ? NaN : p95 / 1000)),
      ],
      yMax: most(({ p95 = 0 }) => p95 / 1000),
    },
    { title: 'Users', y: 'at a time', lines: [line('users', series, ({ users }) => users)] },
  ]
  const held = most(({ queued = 0, backlog = 0 }) => Math.max(queued, backlog))
  if (series.some(({ queued }) => queued !== undefined))
    charts.push({
      title: 'Waiting',
      y: 'requests',
      lines: [
        line('at the gate', series, ({ queued = NaN }) => queued),
        line('behind the pool', series, ({ backlog = NaN }) => backlog),
      ],
      yMax: held,
    })
  return { title, charts }
}

function line(label: string, series: readonly Moment[], read: (moment: Moment) => number): Chart['lines'][number] {
  return { label, points: series.map((moment) => [moment.at, read(moment)] as const) }
}

function verdict(passed: boolean): string {
  return passed ? 'PASS' : 'FAIL'
}
