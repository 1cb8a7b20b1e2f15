// Shares of several groups, side by side: horizontal bars from 0 to 100 %.
import { legend, number, text } from './ink.mjs'

/**
 * A panel for `picture`. `series`: `{ label, color }`; `groups`: `{ label, values }` with one share from 0 to 1 for each
 * series, and `notes`, words at the end of each bar.
 */
export function shares({ heading, series, groups, left = 150 }) {
  return {
    draw: (from, width) => {
      const right = width - 150
      const key = legend(
        series.map((one) => ({ ...one, kind: 'bars' })),
        left,
        from + 33,
        width - left - 20,
      )
      const at = (share) => left + share * (right - left)
      const svg = [text(12, from + 15, heading, 'heading'), key.svg]
      const thick = 13
      const first = key.bottom + 10
      let y = first
      const bars = groups.flatMap((group) => {
        const lines = [text(left - 8, y + (group.values.length * thick) / 2 + 4, group.label, 'end')]
        for (const [index, value] of group.values.entries()) {
          const wide = number(Math.max(0.5, at(value) - left))
          lines.push(
            `<rect class="f${series[index].color}" x="${left}" y="${number(y)}" width="${wide}" height="${thick - 2}"/>`,
            text(at(value) + 5, y + 10, group.notes?.[index] ?? percent(value), 'note'),
          )
          y += thick
        }
        y += 8
        return lines
      })
      for (const share of [0, 0.25, 0.5, 0.75, 1])
        svg.push(
          `<line class="grid" x1="${number(at(share))}" x2="${number(at(share))}" y1="${number(first - 4)}" y2="${number(y)}"/>`,
          text(at(share), y + 14, percent(share), 'middle'),
        )
      return { svg: [...svg, ...bars].join('\n'), bottom: y + 26 }
    },
  }
}

export function percent(share) {
  return `${Math.round(share * 100)} %`
}
