// Cells as lines for people, and as the tables of docs/overload.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { contenders } from './contenders.mjs'
import { plants } from './plants.mjs'

const page = new URL('../../docs/overload.md', import.meta.url)
const COLUMNS = [
  ['plant', 5],
  ['conn', 5],
  ['times', 5],
  ['contender', 19],
  ['possible/s', 10],
  ['good/s', 7],
  ['%', 4],
  ['p50', 5],
  ['p99', 5],
  ['refused/s', 9],
  ['p50', 5],
  ['p99', 5],
  ['timeouts/s', 10],
  ['errors/s', 8],
  ['late %', 6],
  ['cpu %', 5],
  ['limit', 5],
]

/** One line a cell: goodput, latency of those admitted (timeouts included) and of those refused, in ms. */
export function printCells(cells, withHead) {
  const line = (values) => console.log(values.map((value, at) => String(value).padStart(COLUMNS[at][1])).join(' '))
  if (withHead) line(COLUMNS.map(([name]) => name))
  for (const { plant, connections, times, contender, possible, good, share, busy, stats, seen } of cells) {
    const perSecond = (count) => Math.round((count / seen.duration) * 1000)
    line([
      plant,
      connections,
      times,
      contender,
      Math.round(possible),
      Math.round(good),
      Math.round(share * 100),
      Math.round(seen.admitted.p50),
      Math.round(seen.admitted.p99),
      perSecond(seen.rejected),
      Math.round(seen.refused.p50),
      Math.round(seen.refused.p99),
      perSecond(seen.timeouts),
      perSecond(seen.errors),
      ((seen.late / seen.offered) * 100).toFixed(1),
      Number.isNaN(busy) ? '-' : Math.round(busy * 100),
      stats?.limit ?? '-',
    ])
  }
}

const percent = (share) => `${Math.round(share * 100)}`
const unique = (values) => [...new Set(values)]

/** Goodput as a share of what is possible: a table for each kind of connection, a column for each plant and multiple. */
function goodputTable(cells, connections) {
  const here = cells.filter((cell) => cell.connections === connections)
  const columns = Object.keys(plants).flatMap((plant) =>
    unique(here.filter((cell) => cell.plant === plant).map(({ times }) => times))
      .toSorted((a, b) => a - b)
      .map((times) => ({ plant, times })),
  )
  const rows = Object.keys(contenders).map((contender) => {
    const shares = columns.map(
      ({ plant, times }) =>
        here.find((cell) => cell.contender === contender && cell.plant === plant && cell.times === times)?.share,
    )
    const known = shares.filter((share) => share !== undefined)
    return { contender, shares, worst: known.length === 0 ? undefined : Math.min(...known) }
  })
  const head = `| | ${columns.map(({ plant, times }) => `${plant} ${times}×`).join(' | ')} | worst |`
  const rule = `|---|${'---:|'.repeat(columns.length + 1)}`
  const cell = (share) => (share === undefined ? '–' : percent(share))
  const lines = rows
    .filter(({ worst }) => worst !== undefined)
    .toSorted((a, b) => b.worst - a.worst)
    .map(({ contender, shares, worst }) => `| ${contender} | ${[...shares, worst].map(cell).join(' | ')} |`)
  return [head, rule, ...lines].join('\n')
}

/** Latency and the rest of the cells of one contender. */
function detailTable(cells, contender) {
  const ms = (value) => Math.round(value)
  const lines = cells
    .filter((cell) => cell.contender === contender)
    .toSorted(
      (a, b) => a.connections.localeCompare(b.connections) * -1 || a.plant.localeCompare(b.plant) || a.times - b.times,
    )
    .map(({ plant, times, connections, possible, good, seen }) => {
      const { admitted, refused, late, offered } = seen
      return `| ${plant} ${times}× | ${connections} | ${Math.round(possible)} | ${Math.round(good)} | ${ms(admitted.p50)} / ${ms(admitted.p99)} | ${ms(refused.p50)} / ${ms(refused.p99)} | ${((late / offered) * 100).toFixed(1)} |`
    })
  const head = '| | connections | possible/s | good/s | answered, p50 / p99 ms | refused, p50 / p99 ms | sent late, % |'
  return [head, '|---|---|---:|---:|---:|---:|---:|', ...lines].join('\n')
}

/** Puts what was measured between the markers of the page. */
export function writePage(cells) {
  const begin = '<!-- generated: npm run bench -- overload --all --write -->\n'
  const end = '<!-- end of generated -->'
  const text = readFileSync(page, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${page}: no markers`)
  const tables = unique(cells.map(({ connections }) => connections)).map((connections) => {
    const title = connections === 'kept' ? '2,000 connections that stay open' : 'A fresh connection for each request'
    return `### ${title}\n\n${goodputTable(cells, connections)}\n`
  })
  const config = Object.entries(contenders).map(([name, { config: how }]) => `| ${name} | ${how} |`)
  const body = [
    `\nNode ${process.versions.node}. Goodput, % of what is possible:\n`,
    ...tables,
    `### Sluice in detail\n\n${detailTable(cells, 'sluice')}\n`,
    `### How each is set up\n\n| | |\n|---|---|\n${config.join('\n')}\n`,
  ].join('\n')
  writeFileSync(page, `${text.slice(0, from + begin.length)}${body}\n${text.slice(to)}`)
}
