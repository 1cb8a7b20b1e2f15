import type { Figures, NamedFigures, SimReport } from 'sluice/sim'
import type { Table } from '../report/index.ts'
import type { Run } from './comparison.ts'
import { amount, percent, time } from './wording.ts'

/** What came of each limit after the warm-up: a row for each figure, a column for each limit. */
export function totals(runs: readonly Run[]): Table {
  const reports = runs.map(({ report }) => report)
  const codes = [...new Set(reports.flatMap(({ total }) => Object.keys(total.rejected)))].sort()
  const row = (name: string, read: (report: SimReport) => string): readonly string[] => [name, ...reports.map(read)]
  const share = (name: string, read: (figures: Figures) => number): readonly string[] =>
    row(name, ({ total }) => `${amount(read(total))} (${percent(read(total) / Math.max(1, total.offered))})`)
  const any = (read: (figures: Figures) => number): boolean => reports.some(({ total }) => read(total) > 0)
  return {
    head: ['', ...runs.map(({ limit }) => limit)],
    rows: [
      row('offered', ({ total }) => `${amount(total.offered)} (${amount(rate(total))}/s)`),
      ...(any(({ retried }) => retried) ? [share('  of them retries', ({ retried }) => retried)] : []),
      row('good', ({ total }) => `${amount(total.good)} (${amount(total.goodput)}/s)`),
      row('  of capacity', ({ total }) => (total.share === null ? '–' : percent(total.share))),
      share('refused', ({ refused }) => refused),
      ...codes.map((code) => share(`  ${code}`, ({ rejected }) => (rejected as Record<string, number>)[code] ?? 0)),
      ...(any(({ left }) => left) ? [share('gave up waiting', ({ left }) => left)] : []),
      ...(any(({ wasted }) => wasted) ? [row('work for nobody', ({ total }) => amount(total.wasted))] : []),
      row('p50', ({ total }) => (total.latency.count === 0 ? '–' : time(total.latency.p50))),
      row('p99', ({ total }) => (total.latency.count === 0 ? '–' : time(total.latency.p99))),
      row('limit at the end', ({ series }) => limitText(series.points.at(-1)?.limit ?? null)),
      row('  from … to', ({ series }) => rangeText(series.points.flatMap(({ limit }) => limit ?? []))),
      ...(reports.some(({ fairness }) => fairness !== null)
        ? [row('worst tenant', ({ fairness }) => (fairness === null ? '–' : `${percent(fairness.worst)} of fair`))]
        : []),
    ],
  }
}

/** Good answers and p99 of each part, by limit; nothing where there is only one part anything came in. */
export function parts(runs: readonly Run[], read: (report: SimReport) => readonly NamedFigures[]): Table | undefined {
  const [first] = runs
  const busy = first === undefined ? [] : [...read(first.report).entries()].filter(([, { offered }]) => offered > 0)
  if (busy.length < 2) return undefined
  return {
    head: ['good/s, p99', 'offered', ...runs.map(({ limit }) => limit)],
    rows: busy.map(([index, part]) => [
      part.name,
      `${amount(rate(part))}/s`,
      ...runs.map(({ report }) => {
        const { goodput, latency } = read(report)[index]!
        return `${amount(goodput)}, ${latency.count === 0 ? '–' : time(latency.p99)}`
      }),
    ]),
  }
}

function rate({ offered, lasts }: Figures): number {
  return lasts > 0 ? (offered * 1000) / lasts : 0
}

function limitText(limit: number | null): string {
  return limit === null ? 'none' : amount(Math.round(limit))
}

function rangeText(limits: readonly number[]): string {
  if (limits.length === 0) return '–'
  let [least, most] = [Infinity, -Infinity]
  for (const limit of limits) [least, most] = [Math.min(least, limit), Math.max(most, limit)]
  return `${limitText(least)} … ${limitText(most)}`
}
