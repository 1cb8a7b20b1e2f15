import { checkNumber, checkWhole } from '../ground/index.ts'
import type { NamedData } from './gate-data.ts'
import type { SimReport } from './report.ts'
import type { Scenario } from './scenario.ts'
import { simulate } from './simulate.ts'

export interface BestFixedLimitOptions {
  /** A limit is judged by its mean over these. At least one. Default: that of the scenario. */
  readonly seeds?: readonly number[]
  /** Who waits before each limit. Default `none`: whoever finds no slot is refused at once. */
  readonly queue?: string | NamedData
  /** The highest limit tried. A whole number of at least 1. Default: twice what can be answered within the bound. */
  readonly most?: number
  /** How much below the best still counts as the best, as a share of it. 0 to 0.5. Default 0.005. */
  readonly tolerance?: number
  /** How good a run is. At least 0; more is better. Default: its goodput, as a share of capacity where there is one. */
  readonly score?: (report: SimReport) => number
}

/** The best that a limit chosen by somebody who knows everything can do. */
export interface BestFixedLimit {
  readonly limit: number
  /** Mean over the seeds. */
  readonly score: number
  /** One for each seed, in their order. */
  readonly reports: readonly SimReport[]
  /** Every limit that was tried, in order, with its mean score. */
  readonly tried: readonly { readonly limit: number; readonly score: number }[]
}

/** Neighbours on the first, coarse grid are this far apart. */
const COARSE = 1.5
/** So far below the best there is no way back up. */
const HOPELESS = 0.7

/**
 * Finds the fixed limit with the best goodput, and of those that are about as good the lowest, which has the shortest
 * latency: the oracle that limits which find themselves are measured against. Goodput first rises with the limit and
 * then falls, so a coarse grid, a closer look at its best and a bisection for the lowest suffice: some 15 runs a seed.
 * @throws RangeError for an option out of range
 */
export function bestFixedLimit(scenario: Scenario, options: BestFixedLimitOptions = {}): BestFixedLimit {
  const { seeds = [scenario.seed ?? 1], score = goodputOf } = options
  checkWhole('bestFixedLimit.seeds.length', seeds.length, 1)
  const tolerance = checkNumber('bestFixedLimit.tolerance', options.tolerance ?? 0.005, 0, 0.5)
  const runs = (limit: number, of: readonly number[]): SimReport[] => {
    const gate = { limit, queue: options.queue ?? 'none' }
    return of.map((seed) => simulate({ ...scenario, gate }, { seed }))
  }
  const mean = (reports: readonly SimReport[]): number => {
    let sum = 0
    for (const report of reports) sum += checkNumber('bestFixedLimit.score', score(report), 0)
    return sum / reports.length
  }
  const tried = new Map<number, { readonly score: number; readonly reports: readonly SimReport[] }>()
  const judge = (limit: number): number => {
    const known = tried.get(limit)
    if (known !== undefined) return known.score
    const reports = runs(limit, seeds)
    tried.set(limit, { score: mean(reports), reports })
    return judge(limit)
  }

  const most = checkWhole('bestFixedLimit.most', options.most ?? mostOf(scenario), 1)
  const grid = gridTo(most)
  // One seed is enough to see where it is worth looking.
  const best = closer(
    summit(grid, (limit) => mean(runs(limit, seeds.slice(0, 1)))),
    judge,
    most,
  )
  const limit = lowest(best, grid, (limit) => judge(limit) >= (1 - tolerance) * judge(best))
  return {
    limit,
    ...tried.get(limit)!,
    tried: [...tried].map(([limit, { score }]) => ({ limit, score })).toSorted((a, b) => a.limit - b.limit),
  }
}

/** From 1 to `most`, each a half more than the one before. */
function gridTo(most: number): number[] {
  const grid = [1]
  for (let limit = 1; limit < most; grid.push(limit))
    limit = Math.min(most, Math.max(limit + 1, Math.round(limit * COARSE)))
  return grid
}

/** The best of the grid, walked up until there is no hope any more. */
function summit(grid: readonly number[], judge: (limit: number) => number): number {
  let best = 1
  let most = 0
  for (const limit of grid) {
    const found = judge(limit)
    if (found < HOPELESS * most) break
    if (found <= most) continue
    best = limit
    most = found
  }
  return best
}

/** Halves its steps around the best. */
function closer(start: number, judge: (limit: number) => number, most: number): number {
  let best = start
  for (let step = Math.max(1, Math.floor((start * (COARSE - 1)) / 2)); step >= 1; step = Math.floor(step / 2))
    for (const limit of [best - step, best + step])
      if (limit >= 1 && limit <= most && judge(limit) > judge(best)) best = limit
  return best
}

/** The lowest that is good enough: down the grid to one that is not, then by halves. */
function lowest(best: number, grid: readonly number[], enough: (limit: number) => boolean): number {
  let good = best
  let bad = 0
  for (const limit of grid.toReversed()) {
    if (limit >= good) continue
    if (!enough(limit)) {
      bad = limit
      break
    }
    good = limit
  }
  while (good - bad > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (enough(middle)) good = middle
    else bad = middle
  }
  return good
}

function goodputOf({ total }: SimReport): number {
  return total.share ?? total.goodput
}

/** By Little's law whoever comes in behind more than that is answered too late. */
function mostOf(scenario: Scenario): number {
  const { capacity } = simulate({ ...scenario, duration: 1, gate: 'none' })
  return capacity === null ? 10_000 : Math.max(10, Math.ceil((2 * capacity * (scenario.bound ?? 1000)) / 1000))
}
