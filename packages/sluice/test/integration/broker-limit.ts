import type { LimitAlgorithm, Step } from '../../src/index.ts'

/** A limit that is what it is told to be, from the next window on. */
export interface ToldLimit extends LimitAlgorithm {
  limit: number
}

export function toldLimit(limit: number): ToldLimit {
  const told: ToldLimit = { name: 'told', limit, init: () => step(told.limit), step: () => step(told.limit) }
  return told
}

function step(limit: number): Step<unknown> {
  return { state: 0, limit, reason: 'told', until: { samples: 1, error: 1, atLeast: 20, atMost: 20 } }
}
