import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, millis, share } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

/** From 0.7× to 10× at once: goodput of the first 5 s as a share of capacity, and their 99th percentile in ms. */
export function step({ plant, limit, queue, seeds }) {
  const [before] = plant.course
  const scenario = {
    name: `${plant.name}, a step`,
    plant: plant.data,
    bound: boundOf(plant),
    load: {
      phases: [
        { lasts: Math.min(15, before) * 1000, times: 0.7 },
        { lasts: 5000, times: 10 },
      ],
    },
  }
  const runs = seeds.map((seed) => simulate(scenario, { seed, gate: gateMaker(limit, queue) }).phases[1])
  return [share(median(runs.map((run) => run.share))), millis(median(runs.map((run) => run.latency.p99)))]
}
