import { escape } from './escape.ts'
import type { Chart, Line } from './report.ts'

const WIDTH = 560
const HEIGHT = 240
const LEFT = 56
const RIGHT = 12
const TOP = 30
const BOTTOM = 40
const DASHES = ['', '6 3', '2 3', '8 3 2 3', '1 2', '12 4']

/** A chart as one SVG element. Its colours are the custom properties of the page it stands on. */
export function chartSvg(chart: Chart): string {
  const { title, y, x = 'seconds', lines, mark } = chart
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite)
  const ends = lines.flatMap(({ points }) => points.map(([at]) => at))
  const [first, last] = [Math.min(...ends, Infinity), Math.max(...ends, -Infinity)]
  const from = Number.isFinite(first) ? begin(first, last) : 0
  const to = last > from ? last : from + 1
  const ticks = ticksTo(chart.yMax ?? Math.max(0, ...values, mark?.y ?? 0))
  const top = ticks.at(-1)!
  const across = (at: number): number => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - RIGHT)
  const up = (value: number): number => HEIGHT - BOTTOM - (Math.min(value, top) / top) * (HEIGHT - TOP - BOTTOM)
  const parts = [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(`${title}, ${y}`)}">`,
    `<text class="title" x="${LEFT}" y="16">${escape(title)} <tspan class="unit">${escape(y)}</tspan></text>`,
  ]
  for (const tick of ticks)
    parts.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${one(up(tick))}" y2="${one(up(tick))}"/>`,
      `<text class="tick" text-anchor="end" x="${LEFT - 6}" y="${one(up(tick) + 4)}">${short(tick)}</text>`,
    )
  const step = ticksTo(to - from)[1]!
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step)
    parts.push(
      `<text class="tick" text-anchor="middle" x="${one(across(tick))}" y="${HEIGHT - BOTTOM + 16}">${short(tick)}</text>`,
    )
  parts.push(`<text class="tick" text-anchor="end" x="${WIDTH - RIGHT}" y="${HEIGHT - 8}">${escape(x)}</text>`)
  if (mark !== undefined && mark.y <= top)
    parts.push(
      `<line class="mark" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${one(up(mark.y))}" y2="${one(up(mark.y))}"/>`,
      `<text class="tick" text-anchor="end" x="${WIDTH - RIGHT}" y="${one(up(mark.y) - 4)}">${escape(mark.label)}</text>`,
    )
  for (const [index, { points }] of lines.entries()) {
    const path = pathOf(points, across, up)
    if (path !== '')
      parts.push(`<path class="line l${index % 6}" stroke-dasharray="${DASHES[index % 6]}" d="${path}"/>`)
  }
  parts.push(legend(lines), '</svg>')
  return parts.join('')
}

/** Names of the lines, below the axis. */
function legend(lines: readonly Line[]): string {
  let x = LEFT
  return lines
    .map(({ label }, index) => {
      const at = x
      x += 40 + label.length * 6.5
      const dash = DASHES[index % 6]
      return (
        `<line class="line l${index % 6}" stroke-dasharray="${dash}" x1="${at}" x2="${at + 22}" y1="${HEIGHT - 12}" y2="${HEIGHT - 12}"/>` +
        `<text class="tick" x="${at + 27}" y="${HEIGHT - 8}">${escape(label)}</text>`
      )
    })
    .join('')
}

function pathOf(points: Line['points'], across: (at: number) => number, up: (value: number) => number): string {
  let path = ''
  let pen = 'M'
  for (const [at, value] of points) {
    if (!Number.isFinite(value)) {
      pen = 'M'
      continue
    }
    path += `${pen}${one(across(at))} ${one(up(value))}`
    pen = 'L'
  }
  return path
}

/** Time begins at 0, not in the middle of the first moment. */
function begin(first: number, last: number): number {
  return first > 0 && first < (last - first) / 10 ? 0 : first
}

/** Round numbers from 0 to just beyond the largest value: four to six of them. */
export function ticksTo(most: number): readonly number[] {
  if (!(most > 0)) return [0, 1]
  const rough = most / 5
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((each) => each >= rough * 0.999)!
  const count = Math.ceil(most / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(10)))
}

function short(value: number): string {
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`
  return String(Number(value.toPrecision(4)))
}

function one(value: number): string {
  return String(Math.round(value * 10) / 10)
}
