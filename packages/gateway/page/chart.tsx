import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { LimitMove, Tick } from '../src/live/snapshot.ts'
import { clock, limit } from '../src/live/format.ts'
import type { Theme } from './palette.ts'
import { Plot } from './plot.tsx'
import { columns, marks, type ChartOf } from './series.ts'

export interface ChartProps {
  readonly chart: ChartOf
  readonly history: readonly Tick[]
  readonly moves: readonly LimitMove[]
  readonly theme: Theme
  readonly group: string
  /** Figures instead of the picture. */
  readonly asTable: boolean
}

const SHOWN = 12

/** One chart, or its figures as a table. */
export function Chart({ chart, history, moves, theme, group, asTable }: ChartProps): JSX.Element {
  const data = useMemo(() => columns(chart, history), [chart, history])
  const { title, about, lines, format, marked, least } = chart
  return (
    <figure class="chart" tabIndex={0} aria-label={title}>
      <figcaption>
        <h2>{title}</h2>
        <p>{about}</p>
      </figcaption>
      {asTable ? (
        <Seconds chart={chart} history={history} />
      ) : (
        <Plot
          lines={lines}
          data={data}
          format={format}
          theme={theme}
          group={group}
          {...(least !== undefined && { least })}
          {...(marked === true && { marks: marks(moves) })}
        />
      )}
      {marked === true && moves.length > 0 && (
        <ol class="moves" aria-label="why the limit moved, the latest first">
          {moves
            .slice(-3)
            .toReversed()
            .map(({ at, from, to, reason, limit: name }) => (
              <li key={`${at} ${name}`}>
                {clock(at)} {to > from ? '▲' : '▼'} {name}: {limit(from)} → {limit(to)}, {reason}
              </li>
            ))}
        </ol>
      )}
    </figure>
  )
}

function Seconds({
  chart: { title, lines, values, format },
  history,
}: Pick<ChartProps, 'chart' | 'history'>): JSX.Element {
  return (
    <div class="wide">
      <table aria-label={title}>
        <thead>
          <tr>
            <th scope="col">time</th>
            {lines.map(({ label }) => (
              <th key={label} scope="col" class="figure">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {history
            .slice(-SHOWN)
            .toReversed()
            .map((tick) => (
              <tr key={tick.at}>
                <td>{clock(tick.at)}</td>
                {values(tick).map((value, index) => (
                  <td key={lines[index]?.label} class="figure">
                    {value === null ? '–' : format(value)}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  )
}
