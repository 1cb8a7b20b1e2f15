import { LIMITS, MUTANTS } from './contenders.mjs'
import { FULL } from './lines.mjs'
import { attained, MEASURES, meets, worst } from './measures.mjs'

/** Whoever never moves cannot drift: for a place that counts as little as standing still is worth. */
const UNPLACED = 'drift'

const shared = MEASURES.filter(({ everybody }) => everybody)
const GOODPUTS = 3

/** Everybody with a queue: the worst of each measure, and a place by how much of all that is asked for there is. */
export function standings(book, queue) {
  const rows = LIMITS.map((limit) => {
    const found = shared.map((measure) => ({ measure, places: measure.find(book, [limit, queue]) }))
    const worsts = found.map(({ measure, places }) => ({ measure, ...worst(measure, places) }))
    const shares = found
      .filter(({ measure }) => measure.short !== UNPLACED)
      .map(({ measure, places }) => mean(places.map(({ value }) => attained(measure, value))))
    return {
      limit,
      worsts,
      goodput: Math.min(...worsts.slice(0, GOODPUTS).map(({ value }) => value)),
      met: worsts.filter(({ measure, value }) => meets(measure, value)).length,
      score: mean(shares),
    }
  })
  return rows.toSorted((a, b) => b.score - a.score)
}

/** What must not be: mutants before anybody, or anybody before ours in the worst case. */
export function complaints(book) {
  const tables = FULL.map((queue) => ({ queue, rows: standings(book, queue) }))
  const ours = tables[0].rows.find(({ limit }) => limit === 'adaptive')
  return tables.flatMap(({ queue, rows }) => [
    ...rows
      .slice(0, -MUTANTS.length)
      .filter(({ limit }) => MUTANTS.includes(limit))
      .map(({ limit }) => `queue ${queue}: the mutant ${limit} is not among the last`),
    ...rows
      .filter(({ limit, goodput }) => limit !== 'adaptive' && goodput >= ours.goodput)
      .map(
        ({ limit, goodput }) =>
          `queue ${queue}: ${limit} keeps ${goodput.toFixed(3)} in the worst case, we ${ours.goodput.toFixed(3)}`,
      ),
  ])
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
