import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { limiter, fair } from 'sluice'
import { simulate, VirtualClock } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, share } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

const COUNT = 10_000
/** Who sends what. */
export const SPREADS = {
  'ten of them send half': { weights: Array.from({ length: 10 }, () => (COUNT - 10) / 10) },
  zipf: { spread: 'zipf' },
}

/** Tenants at 2×: how much went to the wrong ones, as a share of all, and Jain's index. */
export function tenants({ plant, limit, queue, spread, seeds }) {
  const scenario = {
    name: `${plant.name}, 10,000 tenants, ${spread}`,
    plant: plant.data,
    bound: boundOf(plant),
    load: { phases: [{ lasts: 60_000, times: 2 }], tenants: { count: COUNT, ...SPREADS[spread] } },
    warmup: plant.settle * 1000,
  }
  const runs = seeds.map((seed) => simulate(scenario, { seed, gate: gateMaker(limit, queue) }).fairness)
  return ['misplaced', 'jain'].map((figure) => share(median(runs.map((run) => run[figure]))))
}

/** What the gate holds for 10,000 tenants, 1,000 of them waiting, in MB. Not the same twice: rounded up. */
export function memory() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const flows = Array.from({ length: COUNT }, (_, index) => `tenant-${index}`)
  const held = () => {
    for (let turn = 0; turn < 3; turn++) collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const answer = () => {}
  const fill = () => {
    const gate = limiter({ clock: new VirtualClock(1000), queue: fair() })
    for (const flow of flows) gate.enter({ flow }, answer)
    return gate
  }
  fill().close()
  const before = held()
  const gate = fill()
  const bytes = held() - before
  gate.close()
  return [(Math.ceil(bytes / 1e5) / 10).toFixed(1)]
}
