import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import { colour, type Colour, type Theme } from './palette.ts'

/** A line of a chart. */
export interface Line {
  readonly label: string
  readonly colour: Colour
  /** Lengths of dash and gap; none is a full line. */
  readonly dash?: readonly [number, number]
  /** Filled down to the line before it: the lines are sums of each other. */
  readonly stacked?: boolean
  readonly width?: number
}

/** Something that happened at one moment. */
export interface Mark {
  /** In seconds since 1970. */
  readonly at: number
  readonly says: string
  readonly up: boolean
}

export interface PlotProps {
  readonly lines: readonly Line[]
  /** Seconds since 1970, then the values of each line; null where nothing is known. */
  readonly data: readonly (readonly (number | null)[])[]
  readonly marks?: readonly Mark[]
  readonly format: (value: number) => string
  readonly theme: Theme
  /** Charts of one group share their cursor. */
  readonly group: string
  /** What is drawn at all times, at least. */
  readonly least?: number
}

const HEIGHT = 180

/** A chart that is drawn anew when the theme changes, and else only fed. */
export function Plot(props: PlotProps): JSX.Element {
  const { lines, data, theme, group, least = 1 } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const now = useRef(props)
  now.current = props

  useEffect(() => {
    const element = place.current!
    const ink = colour('black', theme)
    const faint = theme === 'dark' ? '#ffffff1a' : '#0000001a'
    const axis: UPlot.Axis = {
      stroke: ink,
      font: '11px system-ui',
      grid: { stroke: faint, width: 1 },
      ticks: { stroke: faint, width: 1 },
    }
    const made = new UPlot(
      {
        width: Math.max(200, element.clientWidth),
        height: HEIGHT,
        // Read as a table below; the legend of uPlot would be built anew with every movement of the mouse.
        legend: { show: true, live: true, markers: { dash: (_, index) => styleOf(lines[index - 1]) } },
        cursor: { sync: { key: group }, drag: { x: false, y: false } },
        scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(least, most * 1.1)] } },
        axes: [
          { ...axis, values: (_, splits, __, ___, step) => splits.map((at) => hour(at, step)) },
          { ...axis, size: 64, values: (_, splits) => splits.map((value) => now.current.format(value)) },
        ],
        series: [
          { value: (_, at) => (at === null ? '–' : new Date(at * 1000).toLocaleTimeString('en-GB')) },
          ...lines.map(({ label, colour: name, dash, stacked, width = 1.5 }): UPlot.Series => {
            const stroke = colour(name, theme)
            return {
              label,
              stroke,
              width,
              spanGaps: false,
              points: { show: false },
              ...(dash && { dash: [...dash] }),
              ...(stacked === true && { fill: `${stroke}cc` }),
              value: (drawn, value, index, at) =>
                value === null ? '–' : now.current.format(stacked === true ? value - below(drawn, index, at) : value),
            }
          }),
        ],
        hooks: { draw: [(drawn) => drawMarks(drawn, now.current.marks ?? [], theme)] },
      },
      now.current.data as unknown as UPlot.AlignedData,
      element,
    )
    plot.current = made
    const resize = new ResizeObserver(() => made.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      made.destroy()
    }
    // Lines with the same labels are the same lines.
  }, [theme, group, least, lines.map(({ label }) => label).join()])

  useEffect(() => {
    const drawn = plot.current
    if (drawn === undefined) return
    drawn.setData(data as unknown as UPlot.AlignedData)
    // Where no cursor says otherwise the legend tells of the last second.
    if (data[0]!.length > 0 && (drawn.cursor.left ?? -1) < 0) drawn.setLegend({ idx: data[0]!.length - 1 })
  }, [data])

  return <div class="plot" ref={place} />
}

/** What a stacked line stands on: the next one. */
function below({ data }: UPlot, index: number, at: number | null): number {
  return (at === null ? null : data[index + 1]?.[at]) ?? 0
}

/** The line as the legend has it, for those to whom colours are alike. */
function styleOf(line: Line | undefined): string {
  if (line?.dash === undefined) return 'solid'
  return line.dash[0] < line.dash[1] ? 'dotted' : 'dashed'
}

/** Why a limit moved: a small arrow at the foot of the chart for each time. */
function drawMarks(plot: UPlot, marks: readonly Mark[], theme: Theme): void {
  const { ctx, bbox } = plot
  const { min = 0, max = 0 } = plot.scales['x'] as { min?: number; max?: number }
  const size = 5 * devicePixelRatio
  ctx.save()
  for (const { at, up } of marks) {
    if (at < min || at > max) continue
    const x = plot.valToPos(at, 'x', true)
    const foot = bbox.top + bbox.height
    ctx.fillStyle = colour(up ? 'green' : 'red', theme)
    ctx.beginPath()
    ctx.moveTo(x, up ? foot - 2 * size : foot)
    ctx.lineTo(x - size, up ? foot - size / 2 : foot - 1.5 * size)
    ctx.lineTo(x + size, up ? foot - size / 2 : foot - 1.5 * size)
    ctx.fill()
  }
  ctx.restore()
}

/** The time of day, with seconds where the scale shows less than minutes. */
function hour(at: number, step: number): string {
  return new Date(at * 1000).toLocaleTimeString('en-GB').slice(0, step < 60 ? 8 : 5)
}
