import type { Random } from '../ground/index.ts'
import type { Field } from './field.ts'
import { Weighted } from './weighted.ts'

/** Who sends, as data. */
export interface TenantsData {
  /** How many there are. 1 to 100,000. */
  readonly count: number
  /**
   * What each sends: `even`, or `zipf`, where the k-th sends in proportion to 1/k^`exponent`. Default `even`.
   */
  readonly spread?: 'even' | 'zipf'
  /** Of `zipf`. 0 to 5. Default 1. */
  readonly exponent?: number
  /** Multiplies what the first, second, … send; whoever is not named stays as it is. */
  readonly weights?: readonly number[]
}

/** Draws the sender of each arrival. */
export class Tenants {
  readonly names: readonly string[]
  readonly #weighted: Weighted

  constructor(data: TenantsData) {
    this.names = Array.from({ length: data.count }, (_, index) => `tenant-${index + 1}`)
    const exponent = data.spread === 'zipf' ? (data.exponent ?? 1) : 0
    this.#weighted = new Weighted(
      // Not `**`: its last digits are not the same on every Node.
      this.names.map((_, index) => (data.weights?.[index] ?? 1) * Math.exp(-exponent * Math.log(index + 1))),
    )
  }

  draw(random: Random): number {
    return this.#weighted.draw(random)
  }
}

/** @throws RangeError naming the field that is wrong */
export function checkTenants(field: Field): void {
  field.keys('count', 'spread', 'exponent', 'weights')
  const count = field.at('count').whole(1, 100_000)
  field.maybe('spread')?.oneOf('even', 'zipf')
  field.maybe('exponent')?.number(0, 5)
  const weights = field.maybe('weights')?.list(1) ?? []
  let sum = count - weights.length
  for (const weight of weights) sum += weight.number(0)
  if (weights.length > count || sum === 0) field.at('weights').refuse('at most one a tenant, and not all 0')
}
