import type { BucketsStatement, SharedBudget } from '../../src/coordinate/index.ts'

/** What accounts are opened for, and what one says, where only the answers matter. */
export const BUDGET: SharedBudget = {
  name: 'b',
  buckets: [{ name: 'r', interval: 1, capacity: 10 }],
}

export const STATEMENT: BucketsStatement = {
  turn: 1,
  known: false,
  claim: [0],
  keep: [0],
  need: [1],
  want: [2],
  pace: { stamp: 0, refills: [{ interval: 1, capacity: 10 }] },
  reserve: 0,
  critical: false,
  hold: 0,
}
