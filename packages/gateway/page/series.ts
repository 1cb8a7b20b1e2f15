import type { LimitMove, Tick } from '../src/live/snapshot.ts'
import { limit, ms, number, percent } from '../src/live/format.ts'
import { gap } from './live.ts'
import type { Line, Mark } from './plot.tsx'

/** One of the six charts: its lines, and what each of them is at one second. */
export interface ChartOf {
  readonly title: string
  /** What it is for, in a sentence. */
  readonly about: string
  readonly lines: readonly Line[]
  readonly values: (tick: Tick) => readonly (number | null)[]
  readonly format: (value: number) => string
  readonly least?: number
  readonly marked?: boolean
}

const ratio = (value: number): string => percent(value * 100)
const none = (value: number): number | null => (value < 0 ? null : value)

/** Reasons in the order they are stacked: from what is ours to what is the caller’s. */
const REASONS = [
  { label: 'full', colour: 'orange', codes: ['limit_exceeded', 'queue_full', 'overload'] },
  { label: 'waited', colour: 'yellow', codes: ['queue_timeout', 'deadline', 'evicted'] },
  { label: 'shed', colour: 'purple', codes: ['shed', 'breaker_open', 'closed'] },
  { label: 'quota', colour: 'blue', codes: ['rate_limited'] },
  { label: 'left', colour: 'sky', codes: ['cancelled'] },
] as const

const LANES = [
  { lane: 'critical', colour: 'red' },
  { lane: 'high', colour: 'orange', dash: [6, 3] },
  { lane: 'normal', colour: 'blue' },
  { lane: 'low', colour: 'sky', dash: [2, 3] },
] as const

/** What is asked first stands first. */
export const CHARTS: readonly ChartOf[] = [
  {
    title: 'Requests per second',
    about: 'Where offered and admitted part, somebody is turned away; where admitted and good part, work fails.',
    lines: [
      { label: 'offered', colour: 'black', dash: [2, 3] },
      { label: 'admitted', colour: 'sky' },
      { label: 'good', colour: 'green', width: 2.5 },
    ],
    values: ({ offered, admitted, good }) => [offered, admitted, good],
    format: number,
  },
  {
    title: 'Limit and load',
    about: 'Arrows say when the limit moved; why is written below.',
    lines: [
      { label: 'limit', colour: 'red', dash: [8, 3], width: 2 },
      { label: 'in flight', colour: 'blue' },
      { label: 'waiting', colour: 'yellow', dash: [2, 3] },
    ],
    values: (tick) => [none(tick.limit), tick.inflight, tick.queued],
    format: limit,
    marked: true,
  },
  {
    title: 'Latency',
    about: 'Of those who were let in, waiting included, and the waiting alone.',
    lines: [
      { label: 'p50', colour: 'green' },
      { label: 'p90', colour: 'blue', dash: [6, 3] },
      { label: 'p99', colour: 'red', width: 2 },
      { label: 'wait p99', colour: 'yellow', dash: [2, 3] },
    ],
    values: ({ p50, p90, p99, wait99 }) => [p50, p90, p99, wait99],
    format: ms,
  },
  {
    title: 'Turned away, by reason',
    about: 'Per second, one on the other.',
    lines: REASONS.map(({ label, colour }) => ({ label, colour, stacked: true })).reverse(),
    values: ({ by }) => REASONS.map(({ codes }) => codes.reduce((sum, code) => sum + (by[code] ?? 0), 0)).reverse(),
    format: number,
  },
  {
    title: 'Let in, by lane',
    about: 'The share of each lane that was let in: the important ones should stay at 100 %.',
    lines: LANES.map(({ lane, ...look }) => ({ label: lane, ...look })),
    values: ({ lanes }) =>
      LANES.map(({ lane }) => {
        const [admitted, offered] = lanes[lane] ?? [0, 0]
        return offered === 0 ? null : admitted / offered
      }),
    format: ratio,
  },
  {
    title: 'This process',
    about: 'How busy its event loop is, and its processor.',
    lines: [
      { label: 'event loop', colour: 'purple' },
      { label: 'processor', colour: 'orange', dash: [6, 3] },
    ],
    values: ({ loop, cpu }) => [loop, cpu],
    format: ratio,
  },
]

/** Columns for a chart: time, then each line. A second that did not come breaks the lines. */
export function columns(chart: ChartOf, history: readonly Tick[]): (number | null)[][] {
  const found: (number | null)[][] = [[], ...chart.lines.map(() => [])]
  let before: Tick | undefined
  for (const tick of history) {
    if (before !== undefined && gap(before, tick) > 0)
      push(
        found,
        before.at / 1000 + 1,
        chart.lines.map(() => null),
      )
    push(found, tick.at / 1000, stacked(chart, chart.values(tick)))
    before = tick
  }
  return found
}

/** As they are drawn: those that are stacked from the highest to the lowest, so that each covers what is below it. */
function stacked({ lines }: ChartOf, values: readonly (number | null)[]): readonly (number | null)[] {
  let sum = 0
  return values
    .map((_, index) => index)
    .reverse()
    .map((index) => (lines[index]?.stacked === true ? (sum += values[index] ?? 0) : values[index]!))
    .reverse()
}

function push(found: (number | null)[][], at: number, values: readonly (number | null)[]): void {
  found[0]!.push(at)
  for (const [index, value] of values.entries()) found[index + 1]!.push(value)
}

export function marks(moves: readonly LimitMove[]): Mark[] {
  return moves.map(({ at, from, to, reason }) => ({ at: at / 1000, says: reason, up: to > from }))
}
