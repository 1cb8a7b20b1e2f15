import type { Point } from 'sluice/sim'
import { thinned, type Chart, type Line, type Report, type Section, type Table } from '../report/index.ts'
import type { Comparison, Run } from './comparison.ts'
import { planned, troughs } from './happenings.ts'
import { parts, totals } from './measures.ts'
import { opening, verdict } from './summary.ts'
import { amount, moment } from './wording.ts'

/** More points than a chart has room for make a page large and show nothing more. */
const POINTS = 600

/** A simulation as a page: the figures, and what happened over time, all limits in the same charts. */
export function simulationReport(comparison: Comparison): Report {
  const { scenario, runs } = comparison
  const sections: Section[] = [
    {
      title: 'Over time',
      panels: (runs.length === 1 ? single(runs[0]!) : overlaid(runs)).map((chart) => ({
        title: chart.title,
        charts: [chart],
      })),
    },
  ]
  const add = (title: string, table: Table | undefined): void => {
    if (table !== undefined && table.rows.length > 0) sections.push({ title, table })
  }
  add(
    'Phases',
    parts(runs, ({ phases }) => phases),
  )
  add(
    'Classes',
    parts(runs, ({ classes }) => classes),
  )
  add('What happened when', {
    head: ['at', 'limit', 'what'],
    rows: [
      ...planned(scenario).map((each) => ({ ...each, limit: '' })),
      ...runs.flatMap(({ limit, report }) => troughs(report).map((each) => ({ ...each, limit }))),
    ]
      .sort((one, other) => one.at - other.at)
      .map(({ at, limit, what }) => [moment(at), limit, what]),
  })
  add('Why limits moved', { head: ['limit', 'why', 'times'], rows: runs.flatMap(reasons) })
  return {
    title: `Simulation: ${scenario.name}`,
    text: [...opening(comparison), verdict(comparison)],
    summary: totals(runs),
    sections,
  }
}

function single(run: Run): readonly Chart[] {
  const perSecond = 1000 / run.report.series.every
  return [
    {
      title: 'Requests',
      y: 'a second',
      lines: [
        line('offered', run, ({ offered }) => offered * perSecond),
        line('good', run, ({ good }) => good * perSecond),
        line('refused', run, ({ refused }) => refused * perSecond),
        line('gave up', run, ({ left }) => left * perSecond),
        line('possible', run, ({ capacity }) => capacity),
      ],
    },
    ...common([run]),
    {
      title: 'In the house',
      y: 'requests',
      lines: [line('in progress', run, ({ inflight }) => inflight), line('waiting', run, ({ queued }) => queued)],
    },
  ]
}

function overlaid(runs: readonly Run[]): readonly Chart[] {
  const chart = (title: string, y: string, read: (point: Point, run: Run) => number | null): Chart => ({
    title,
    y,
    lines: runs.map((run) => line(run.limit, run, (point) => read(point, run))),
  })
  const perSecond = (run: Run): number => 1000 / run.report.series.every
  return [
    chart('Good', 'a second', ({ good }, run) => good * perSecond(run)),
    chart('Refused', 'a second', ({ refused }, run) => refused * perSecond(run)),
    ...common(runs),
    chart('In progress', 'requests', ({ inflight }) => inflight),
    chart('Waiting', 'requests', ({ queued }) => queued),
  ]
}

function common(runs: readonly Run[]): readonly Chart[] {
  return [
    {
      title: 'Time to an answer, p99',
      y: 'ms',
      lines: runs.map((run) => line(run.limit, run, ({ p99 }) => p99)),
    },
    { title: 'Limit', y: 'requests', lines: runs.map((run) => line(run.limit, run, ({ limit }) => limit)) },
  ]
}

function line(label: string, { report }: Run, read: (point: Point) => number | null): Line {
  const { points } = report.series
  const at = thinned(
    points.map((point) => point.at / 1000),
    POINTS,
  )
  return { label, points: thinned(points.map(read), POINTS).map((value, index) => [at[index]!, value ?? NaN]) }
}

function reasons({ limit, report }: Run): readonly (readonly string[])[] {
  const counts = new Map<string, number>()
  for (const point of report.series.points)
    for (const [why, times] of Object.entries(point.reasons)) counts.set(why, (counts.get(why) ?? 0) + times)
  return [...counts].sort(([, one], [, other]) => other - one).map(([why, times]) => [limit, why, amount(times)])
}
