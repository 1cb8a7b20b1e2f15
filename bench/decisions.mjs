// What `adaptive` saw and decided on a service of the league, window by window: to find out why a cell is as it is.
//
//   node bench/decisions.mjs PLANT [--times 2] [--seed 11] [--drop] [--timeout MS] [--from 0] [--to 60]
//
// PLANT is a name of docs/league.md. --drop lets its capacity fall to a quarter and return, as the league does. With
// --timeout clients leave after so many ms. Other times in s.
// The last lines: how far apart windows in a row at one limit are, beside the error they were thought to have (root mean
// squares, in relative terms), for each limit that had at least four.
import { parseArgs } from 'node:util'
import { adaptive, limiter } from 'sluice'
import { simulate } from 'sluice/sim'
import { boundOf, plantOf } from './league/plants.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '2' },
    seed: { type: 'string', default: '11' },
    drop: { type: 'boolean', default: false },
    timeout: { type: 'string' },
    from: { type: 'string', default: '0' },
    to: { type: 'string', default: '60' },
  },
})
const plant = plantOf(positionals[0])
if (plant === undefined) {
  process.stderr.write(`sluice: no plant of that name: ${positionals[0]}\n`)
  process.exit(2)
}
const [before, down, up] = plant.course.map((part) => part * 1000)
const scenario = {
  name: plant.name,
  plant: plant.data,
  bound: boundOf(plant),
  load: { phases: [{ lasts: values.drop ? before + down + up : 60_000, times: Number(values.times) }] },
  ...(values.drop && { changes: [{ at: before, lasts: down, ...plant.quarter }] }),
  ...(values.timeout !== undefined && { clients: { timeout: Number(values.timeout) } }),
}

/** The clock of a simulation begins here, in ms. */
const ORIGIN = 1000
const algorithm = adaptive()
/** Windows in a row at one limit. */
const known = new Map()
let last

function step(state, window) {
  const decision = algorithm.step(state, window)
  const { rtt, end, completed } = window
  const at = (end - ORIGIN) / 1000
  if (at >= Number(values.from) && at <= Number(values.to)) {
    const took = `${rtt.typical.toFixed(1)} ms ± ${(100 * rtt.error).toFixed(0)} %`
    process.stdout.write(
      `${at.toFixed(2)} s: ${state.limit} → ${decision.limit} ${decision.reason}: ${took}, ${rtt.count} of ${completed}\n`,
    )
    if (rtt.count > 1 && last?.limit === state.limit) {
      const pairs = known.get(state.limit) ?? []
      known.set(state.limit, [...pairs, [Math.log(rtt.typical / last.typical), rtt.error]])
    }
    last = rtt.count > 1 ? { limit: state.limit, typical: rtt.typical } : undefined
  }
  return decision
}

const root = (squares) => Math.sqrt(squares.reduce((sum, value) => sum + value ** 2, 0) / squares.length)
simulate(scenario, { seed: Number(values.seed), gate: (world) => limiter({ ...world, limit: { ...algorithm, step } }) })
for (const [limit, pairs] of known) {
  if (pairs.length < 4) continue
  // Two of them are apart by both their errors.
  const apart = root(pairs.map(([difference]) => difference)) / Math.SQRT2
  const claimed = root(pairs.map(([, error]) => error))
  process.stdout.write(`at ${limit}: off by ${apart.toFixed(3)}, thought to be ${claimed.toFixed(3)}\n`)
}
