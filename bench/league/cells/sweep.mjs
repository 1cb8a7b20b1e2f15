import { bestFixedLimit } from 'sluice/sim'
import { steadyScenario } from './steady.mjs'

/** How many times what the plant needs the highest fixed limit tried is. */
const MOST = 6

/** The lowest fixed limit whose goodput is within 1 % of the best, nobody waiting. */
export function sweep({ plant, times, seeds }) {
  const needed = (plant.capacity * plant.mean) / 1000
  const most = Math.max(10, Math.ceil(MOST * needed))
  const { limit } = bestFixedLimit(steadyScenario(plant, times), { seeds, tolerance: 0.01, most })
  return [String(limit)]
}
