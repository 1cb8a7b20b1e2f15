// Pictures as SVG written by hand: panels one above the other, each with axes, series and a legend.
import { escape, legend, number, style, text } from './ink.mjs'

const WIDTH = 720
const LEFT = 60
const RIGHT = 20
const PLOT = WIDTH - LEFT - RIGHT

/**
 * Draws a picture.
 *
 * `panels`: each `{ heading, height?, x: [from, to], y: [from, to], log?, yTicks?, series, rules?, bands? }` or, for
 * figures without a time, `{ heading, height, draw }` (see bars.mjs). A series is `{ label, kind, points, color, dash? }`
 * with kind `line`, `step`, `area`, `bars` (then also `width`, in units of x, and points of `[x, y, base]`) or `marks`
 * (points of `[x, y, low, high]`: a dot each, and how sure it is).
 */
export function picture({ title, description, xLabel, panels }) {
  const body = []
  let top = 30
  body.push(text(12, 20, title, 'title'))
  for (const panel of panels) {
    const drawn = panel.draw?.(top, WIDTH) ?? drawPanel(panel, top)
    body.push(drawn.svg)
    top = drawn.bottom
  }
  if (xLabel !== undefined) {
    body.push(text(LEFT + PLOT / 2, top + 10, xLabel, 'middle'))
    top += 18
  }
  const height = Math.ceil(top + 4)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<desc>${escape(description)}</desc>`,
    style,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

function drawPanel(panel, from) {
  const { heading, x, y, log = false, height = 130, series, rules = [], bands = [] } = panel
  const key = legend(
    series.filter(({ label }) => label !== undefined),
    LEFT,
    from + 33,
    PLOT,
  )
  const top = key.bottom + 6
  const bottom = top + height
  const atX = (value) => LEFT + ((value - x[0]) / (x[1] - x[0])) * PLOT
  const share = log
    ? (value) => Math.log(Math.max(value, y[0]) / y[0]) / Math.log(y[1] / y[0])
    : (value) => (value - y[0]) / (y[1] - y[0])
  const atY = (value) => bottom - Math.min(1.02, Math.max(0, share(value))) * height
  const scale = { atX, atY, top, bottom }
  const svg = [
    text(LEFT, from + 15, heading, 'heading'),
    key.svg,
    ...bands.map((band) => drawBand(band, scale)),
    ...yAxis(panel, scale),
    ...xAxis(panel, scale),
    ...series.map((one) => drawSeries(one, scale)),
    ...rules.map((rule) => drawRule(rule, scale)),
    ...bands.map(({ from, to, label }) =>
      label === undefined ? '' : text((atX(from) + atX(to)) / 2, top + 13, label, 'middle note'),
    ),
  ]
  return { svg: svg.filter((line) => line !== '').join('\n'), bottom: bottom + 24 }
}

function yAxis({ y, log, yTicks }, { atY }) {
  const ticks = yTicks ?? (log ? decades(y) : nice(y, 5))
  return ticks.flatMap((value) => [
    `<line class="grid" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${number(atY(value))}" y2="${number(atY(value))}"/>`,
    text(LEFT - 6, atY(value) + 4, words(value), 'end'),
  ])
}

function xAxis({ x, xTicks }, { atX, bottom }) {
  const ticks = (xTicks ?? nice(x, 10)).flatMap((value) => [
    `<line class="axis" x1="${number(atX(value))}" x2="${number(atX(value))}" y1="${bottom}" y2="${bottom + 4}"/>`,
    text(atX(value), bottom + 16, words(value), 'middle'),
  ])
  return [`<line class="axis" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${bottom}" y2="${bottom}"/>`, ...ticks]
}

function drawSeries({ kind, points, color, dash, width }, { atX, atY }) {
  if (points.length === 0) return ''
  if (kind === 'bars') {
    const bars = points
      .filter(([, value]) => value > 0)
      .map(([x, value, base = 0]) => {
        const high = atY(base + value)
        return `M${number(atX(x) + 0.5)} ${number(atY(base))}V${number(high)}H${number(atX(x + width) - 0.5)}V${number(atY(base))}z`
      })
    return `<path class="f${color}" d="${bars.join('')}"/>`
  }
  if (kind === 'marks')
    return points
      .map(([x, y, low, high]) => {
        const [cx, cy] = [number(atX(x)), number(atY(y))]
        return `<path class="line s${color}" d="M${cx} ${number(atY(low))}V${number(atY(high))}"/><circle class="f${color}" cx="${cx}" cy="${cy}" r="3.5"/>`
      })
      .join('\n')
  let path = ''
  let before
  for (const [x, y] of points) {
    const at = `${number(atX(x))} ${number(atY(y))}`
    if (before === undefined) path = `M${at}`
    else if (kind !== 'step') path += `L${at}`
    // A step that stays where it was needs no corner.
    else if (y !== before) path += `H${number(atX(x))}V${number(atY(y))}`
    before = y
  }
  if (kind === 'step') path += `H${number(atX(points.at(-1)[0]))}`
  const line = `<path class="line s${color}${dash === true ? ' dash' : ''}" d="${path}"/>`
  if (kind !== 'area') return line
  const foot = number(atY(-Infinity))
  return `<path class="wash f${color}" d="${path}V${foot}H${number(atX(points[0][0]))}z"/>\n${line}`
}

/** A level across the plot, with a name at its right end, or at its left where the right is busy. */
function drawRule({ at, label, left = false }, { atY }) {
  const y = number(atY(at))
  const name = left ? text(LEFT + 4, atY(at) - 4, label, 'note') : text(LEFT + PLOT - 4, atY(at) - 4, label, 'end note')
  return `<line class="rule" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${y}" y2="${y}"/>\n${name}`
}

/** A stretch of time. */
function drawBand({ from, to, color }, { atX, top, bottom }) {
  const shade = color === undefined ? 'band' : `f${color}`
  return `<rect class="${shade}" x="${number(atX(from))}" y="${top}" width="${number(atX(to) - atX(from))}" height="${bottom - top}"/>`
}

/** About `count` round values within a range. */
function nice([from, to], count) {
  const rough = (to - from) / count
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * ([1, 2, 5, 10].find((factor) => factor * unit >= rough * 0.999) ?? 10)
  const ticks = []
  for (let at = Math.ceil(from / step - 1e-9); at * step <= to + step * 1e-6; at++) ticks.push(at * step)
  return ticks
}

function decades([from, to]) {
  const ticks = []
  for (let value = from; value <= to * 1.001; value *= 10) ticks.push(value)
  return ticks
}

function words(value) {
  return Number(value.toFixed(3)).toLocaleString('en-US')
}
