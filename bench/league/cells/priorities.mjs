import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, share } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

/** Shares of the arrivals, from the lowest class to the highest, which must fit in what can be done at 10×. */
const MIXES = [
  [0.5, 0.3, 0.15, 0.05],
  [0.7, 0.2, 0.05, 0.05],
  [0.1, 0.45, 0.4, 0.05],
]

/** At 10×: the worst of three mixes of classes, for the lowest (its share of goodput) and the highest (its success). */
export function priorities({ plant, limit, queue, seeds }) {
  const worst = MIXES.map((weights) => {
    const classes = weights.map((weight, priority) => ({ weight, priority }))
    const scenario = {
      name: `${plant.name}, four classes at 10×`,
      plant: plant.data,
      bound: boundOf(plant),
      load: { phases: [{ lasts: plant.lasts * 1000, times: 10 }], classes },
      warmup: plant.settle * 1000,
    }
    const runs = seeds.map((seed) => simulate(scenario, { seed, gate: gateMaker(limit, queue) }))
    return {
      lowest: median(runs.map(({ classes: [lowest], total }) => lowest.good / Math.max(1, total.good))),
      highest: median(runs.map((run) => run.classes[3].good / run.classes[3].offered)),
    }
  })
  return ['lowest', 'highest'].map((which) => share(Math.min(...worst.map((mix) => mix[which]))))
}
