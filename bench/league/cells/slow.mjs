import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, share } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

/** What is called takes four times as long, at 0.7× and with slots in plenty: the share that is still let in. */
export function slow({ plant, limit, queue, seeds }) {
  const [before, after] = plant.lasts < 10 ? [5000, 8000] : [15_000, 30_000]
  const rate = 0.7 * plant.capacity
  const scenario = {
    name: `${plant.name}, a slow dependency`,
    plant: plant.dependency,
    bound: 4 * boundOf(plant),
    load: {
      phases: [
        { lasts: before, rate },
        { lasts: after, rate },
      ],
    },
    changes: [{ at: before, ...plant.slower }],
  }
  const runs = seeds.map((seed) => simulate(scenario, { seed, gate: gateMaker(limit, queue) }).phases[1])
  return [share(median(runs.map(({ refused, offered }) => 1 - refused / offered)))]
}
