import { sparkline, type Table } from '../report/index.ts'
import type { Comparison, Run } from './comparison.ts'
import { planned, troughs } from './happenings.ts'
import { parts, totals } from './measures.ts'
import { opening, verdict } from './summary.ts'
import { amount, moment } from './wording.ts'

const WIDTH = 60

/**
 * The text face of a simulation: what was done, what came of it, when what happened.
 * @param strong makes text stand out, where colours are wanted
 */
export function sheet(comparison: Comparison, strong: (text: string) => string = (text) => text): string {
  const { runs } = comparison
  const blocks = [
    opening(comparison),
    [strong(verdict(comparison))],
    grid(totals(runs)),
    ...[parts(runs, ({ phases }) => phases), parts(runs, ({ classes }) => classes)].flatMap((table) =>
      table === undefined ? [] : [grid(table)],
    ),
    overTime(runs),
    when(comparison),
  ]
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function overTime(runs: readonly Run[]): readonly string[] {
  const of = (read: (run: Run) => readonly (number | null)[]): number =>
    runs.reduce((most, run) => read(run).reduce<number>((top, value) => Math.max(top, value ?? 0), most), 0)
  const rows = [
    ['good/s', ({ report }: Run) => report.series.points.map(({ good }) => (good * 1000) / report.series.every)],
    ['limit', ({ report }: Run) => report.series.points.map(({ limit }) => limit)],
  ] as const
  const widest = Math.max(...runs.map(({ limit }) => limit.length))
  return rows.flatMap(([name, read]) => {
    const top = of(read)
    // Limits are far apart, and each has a scale of its own; goodput is compared.
    return runs.map((run) => {
      const most = name === 'limit' ? read(run).reduce<number>((peak, value) => Math.max(peak, value ?? 0), 0) : top
      const line = sparkline(read(run), WIDTH, most)
      return `${name.padEnd(6)}  ${run.limit.padEnd(widest)}  ${line === '' || line.trim() === '' ? 'none' : `${line}  0 to ${amount(most)}`}`
    })
  })
}

function when({ scenario, runs }: Comparison): readonly string[] {
  const lines = [
    ...planned(scenario).map((each) => ({ ...each, who: '' })),
    ...runs.flatMap(({ limit, report }) => troughs(report).map((each) => ({ ...each, who: `${limit}: ` }))),
  ].sort((one, other) => one.at - other.at)
  const widest = Math.max(0, ...lines.map(({ at }) => moment(at).length))
  return lines.map(({ at, who, what }) => `${moment(at).padStart(widest)}  ${who}${what}`)
}

/** The first column to the left, the others to the right. */
function grid({ head, rows }: Table): readonly string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}
