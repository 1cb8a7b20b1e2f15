import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, share } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

/** A limit is the median of this much time, in s: one that looks around is elsewhere for moments. */
const LOOK = 60

/** At 2× for 600 s: the limit in the second minute and in the last, and goodput in the last. */
export function drift({ plant, limit, queue, seeds }) {
  // Half a million answers say enough.
  const lasts = Math.max(180, Math.min(600, Math.floor(500_000 / plant.capacity)))
  const scenario = {
    name: `${plant.name}, ten minutes`,
    plant: plant.data,
    bound: boundOf(plant),
    load: { phases: [{ lasts: lasts * 1000, times: 2 }] },
    warmup: (lasts - LOOK) * 1000,
  }
  const runs = seeds.map((seed) => {
    const { series, total } = simulate(scenario, { seed, gate: gateMaker(limit, queue) })
    const limits = series.points.map((point) => point.limit)
    const [early, late] = [median(limits.slice(LOOK, 2 * LOOK)), median(limits.slice(-LOOK))]
    return { early, late, goodput: total.share }
  })
  const of = (figure) => median(runs.map(figure))
  return [
    String(of((run) => run.early)),
    String(of((run) => run.late)),
    share(of((run) => Math.abs(run.late / run.early - 1))),
    share(of((run) => run.goodput)),
  ]
}
