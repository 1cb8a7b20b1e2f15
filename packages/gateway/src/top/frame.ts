import { styleText } from 'node:util'
import { bytes, clock, lasting, limit, ms, number, percent, turnedAway } from '../live/format.ts'
import { orderInWords } from '../live/order-in-words.ts'
import type { Snapshot, StateWord } from '../live/snapshot.ts'
import { sparkline } from '../report/index.ts'

export interface FrameOptions {
  /** Characters in a line; nothing is longer. */
  readonly columns: number
  /** Lines; what is less important is left out first. */
  readonly rows: number
  readonly colour: boolean
}

const MOOD: Readonly<Record<StateWord, 'green' | 'yellow' | 'red' | 'cyan'>> = {
  starting: 'cyan',
  ok: 'green',
  queueing: 'yellow',
  shedding: 'yellow',
  'upstream-failing': 'red',
  'store-degraded': 'yellow',
  paused: 'cyan',
  'dry-run': 'cyan',
  draining: 'cyan',
}

/** Seconds that a line of blocks looks back, at most. */
const LOOK_BACK = 120

/** One picture of `sluice top`: the state, the figures, the last minutes, and as many tables as there is room for. */
export function frame(snapshot: Snapshot, { columns, rows, colour }: FrameOptions): string {
  const lines = [...head(snapshot, columns, colour)].slice(0, rows)
  for (const block of blocks(snapshot)) {
    const room = rows - lines.length - 2
    // A heading without a row under it says nothing.
    if (room < 2) break
    lines.push('', ...block.slice(0, room))
  }
  return lines.map((line) => cut(line, columns)).join('\n')
}

function* head(
  { state, because, orders, now, dryRun, history, uptime, process }: Snapshot,
  columns: number,
  colour: boolean,
): Generator<string> {
  const word = state.replace('-', ' ').toUpperCase()
  const [first = '', ...rest] = wrapped([`${word} `, ...because.split(' ')], ' ', columns)
  yield colour ? first.replace(word, styleText([MOOD[state], 'bold'], word, { validateStream: false })) : first
  yield* rest
  for (const order of orders) yield `ordered: ${orderInWords(order)} until ${clock(order.until)}`
  const figures = [
    `good ${number(now.good)}/s`,
    `${turnedAway(dryRun)} ${percent(now.shedPercent)}`,
    `p50 ${ms(now.p50)}`,
    `p99 ${ms(now.p99)}`,
    `in flight ${number(now.inflight)} of ${limit(now.limit)}`,
    `waiting ${number(now.queued)}`,
  ]
  yield* wrapped(figures, '  ', columns)
  yield `pid ${process.pid}, up ${lasting(uptime)}, loop ${percent(process.loop * 100)}, cpu ${percent(process.cpu * 100)}, ${bytes(process.rss)}`
  yield ''
  const last = history.slice(-LOOK_BACK)
  for (const [name, read, format] of [
    ['offered', 'offered', number],
    ['good', 'good', number],
    ['turned away', 'rejected', number],
    ['p99', 'p99', ms],
    ['limit', 'limit', limit],
  ] as const) {
    const values = last.map((tick) => (tick[read] < 0 ? null : tick[read]))
    const top = Math.max(...values.map((value) => value ?? 0), 0)
    const width = Math.max(10, columns - 28)
    yield `${name.padEnd(12)} ${sparkline(values, width, top)} ${format(now[read])}`
  }
}

/** Tables, the most important first: a heading, then its rows. */
function* blocks({ fleet, upstreams, lanes, tenants, limits, rejections }: Snapshot): Generator<string[]> {
  if (rejections.length > 0)
    yield table(
      ['LAST REFUSALS', 'request', 'because'],
      rejections.slice(0, 5).map(({ at, method, path, because }) => [clock(at), `${method} ${path}`, because]),
    )
  if (upstreams.some(({ healthy }) => !healthy))
    yield table(
      ['UPSTREAM', 'server', 'state'],
      upstreams.map(({ upstream, server, healthy, because }) => [upstream, server, healthy ? 'well' : because]),
    )
  if (fleet.length > 0)
    yield table(
      ['FLEET', 'store', 'instances', 'in use', 'held here', 'waiting'],
      fleet.map((row) => [
        row.limit,
        row.up ? 'there' : row.policyInForce ? `gone: ${row.policy}` : `gone: ${row.trouble}`,
        limit(row.sessions),
        `${limit(row.used)} of ${limit(row.total)}`,
        limit(row.held),
        limit(row.waiting),
      ]),
    )
  yield table(
    ['LIMIT', 'kind', 'at most', 'in flight', 'waiting', 'pressure'],
    limits.map((row) => [
      row.name,
      `${row.kind}, ${row.scope}`,
      limit(row.limit),
      limit(row.inflight),
      limit(row.queued),
      percent(row.pressure * 100),
    ]),
  )
  if (lanes.length > 0)
    yield table(
      ['LANE', 'offered/s', 'admitted/s', 'turned away/s', 'p99'],
      lanes.map((row) => [row.lane, number(row.offered), number(row.admitted), number(row.rejected), ms(row.p99)]),
    )
  if (tenants.length > 0)
    yield table(
      ['TENANT', 'offered/s', 'turned away/s', 'of all'],
      tenants.slice(0, 5).map((row) => [row.tenant, number(row.offered), number(row.rejected), percent(row.share)]),
    )
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [heading, ...rows.map((row) => row.map(printable))]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

/** What clients chose, such as a path, may hold what a terminal takes for an order. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- it is these that have to go
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2066-\u2069]/g, '?')
}

/** As many in a line as there is room for. */
function wrapped(parts: readonly string[], between: string, columns: number): readonly string[] {
  const lines: string[] = []
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''}${between}${part}`
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  return lines
}

/** At most so many characters to be seen; what makes colours is not seen. */
function cut(line: string, columns: number): string {
  let seen = 0
  // eslint-disable-next-line no-control-regex -- the beginning of a colour
  return line.replaceAll(/\u001B\[[\d;]*m|[\s\S]/gu, (part) =>
    part.length > 1 && part.startsWith('\u001B') ? part : seen++ < columns ? part : '',
  )
}
