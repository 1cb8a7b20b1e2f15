import type { FairnessFigures } from './report.ts'

/** What each of many tenants sent and got. Some bytes for each. */
export class Fairness {
  readonly offered: Float64Array
  readonly good: Float64Array
  readonly refused: Float64Array
  readonly #names: readonly string[]

  constructor(names: readonly string[]) {
    this.#names = names
    this.offered = new Float64Array(names.length)
    this.good = new Float64Array(names.length)
    this.refused = new Float64Array(names.length)
  }

  /** @param top how many of those who sent most are named */
  figures(top: number): FairnessFigures {
    const fair = maxMin(this.offered, sum(this.good))
    let tenants = 0
    let ratios = 0
    let squares = 0
    let worst = Infinity
    let misplaced = 0
    for (const [tenant, due] of fair.entries()) {
      if (due <= 0) continue
      const ratio = this.good[tenant]! / due
      tenants++
      ratios += ratio
      squares += ratio * ratio
      worst = Math.min(worst, ratio)
      misplaced += Math.max(0, due - this.good[tenant]!)
    }
    const order = Array.from(this.#names.keys()).sort((a, b) => this.offered[b]! - this.offered[a]! || a - b)
    return {
      tenants,
      jain: squares === 0 ? 1 : (ratios * ratios) / (tenants * squares),
      worst: tenants === 0 ? 1 : worst,
      misplaced: misplaced / Math.max(1, sum(this.good)),
      top: order.slice(0, top).map((tenant) => ({
        name: this.#names[tenant]!,
        offered: this.offered[tenant]!,
        good: this.good[tenant]!,
        refused: this.refused[tenant]!,
        fair: fair[tenant]!,
      })),
    }
  }
}

/** Shares `total` out so that nobody gets more than demanded, and who gets less gets as much as anybody: max-min fair. */
export function maxMin(demands: ArrayLike<number>, total: number): Float64Array {
  const fair = new Float64Array(demands.length)
  const order = Array.from(fair.keys()).sort((a, b) => demands[a]! - demands[b]!)
  let rest = total
  for (const [place, tenant] of order.entries()) {
    fair[tenant] = Math.min(demands[tenant]!, rest / (order.length - place))
    rest -= fair[tenant]
  }
  return fair
}

function sum(values: Float64Array): number {
  let total = 0
  for (const value of values) total += value
  return total
}
