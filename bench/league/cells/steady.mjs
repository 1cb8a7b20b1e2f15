import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, millis, share } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

/** A load that stays as it is. */
export function steadyScenario(plant, times) {
  const lasts = plant.lasts * 1000
  return {
    name: `${plant.name} at ${times}×`,
    plant: plant.data,
    bound: boundOf(plant),
    load: { phases: [{ lasts, times }] },
    warmup: plant.settle * 1000,
  }
}

/** Goodput as a share of capacity, 99th percentile of the admitted in ms, share of the refused: medians over seeds. */
export function steady({ plant, limit, queue, times, seeds }) {
  const runs = seeds.map(
    (seed) => simulate(steadyScenario(plant, times), { seed, gate: gateMaker(limit, queue) }).total,
  )
  const of = (figure) => median(runs.map(figure))
  return [
    share(of((total) => total.share)),
    millis(of((total) => total.latency.p99)),
    // Whoever came before the count began may be refused in it.
    share(
      Math.min(
        1,
        of((total) => total.refused / total.offered),
      ),
    ),
  ]
}
