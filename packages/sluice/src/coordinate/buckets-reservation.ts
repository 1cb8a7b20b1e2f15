import type { Millis, Outcome, Permit } from '../ground/index.ts'
import type { Tenant } from './buckets-tenant.ts'

/** Tokens of some of the buckets, by name. Where one is not named, what its `takes` says. */
export type FleetAmounts<B extends string> = Readonly<Partial<Record<B, number>>>

/** Tokens taken by an estimate, of each bucket its own, to be settled by what it was. */
export interface FleetReservation<B extends string> extends Permit {
  /**
   * So much it is, of these buckets, as far as is known by now: what is not needed comes back, what is needed beyond is
   * owed. May be said again and again until it is released, from then on it says nothing. A figure that makes no sense
   * (below 0, NaN) settles nothing.
   * @throws RangeError for a bucket there is not
   */
  settle(actual: FleetAmounts<B>): void
  /**
   * Ends it. `actual` settles: amounts by name, or one number for each bucket that takes a cost. Without it the estimates
   * stand. `release('ignored', 0)` has never been: all of it comes back, requests too. Only the first release counts.
   */
  release(outcome: Outcome, actual?: number | FleetAmounts<B>): void
}

/** What a reservation has taken of one of the buckets. */
export interface Estimate {
  readonly name: string
  readonly takesOne: boolean
  amount: number
}

export class Reservation<B extends string> implements FleetReservation<B> {
  readonly #permit: Permit
  readonly #tenant: Tenant | undefined
  readonly #estimates: readonly Estimate[]
  #open = true

  constructor(permit: Permit, tenant: Tenant | undefined, estimates: readonly Estimate[]) {
    this.#permit = permit
    this.#tenant = tenant
    this.#estimates = estimates
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return this.#permit.waited
  }

  settle(actual: FleetAmounts<B>): void {
    for (const [name, amount] of Object.entries<number | undefined>(actual)) {
      const at = this.#estimates.findIndex((estimate) => estimate.name === name)
      if (at < 0) throw new RangeError(`settle: expected one of the buckets, got ${JSON.stringify(name)}`)
      if (this.#open && amount !== undefined) this.#settle(at, amount)
    }
  }

  release(outcome: Outcome, actual?: number | FleetAmounts<B>): void {
    if (!this.#open) return
    if (typeof actual === 'object') this.settle(actual)
    else if (actual !== undefined)
      this.#estimates.forEach(({ takesOne }, at) => {
        if (!takesOne || (outcome === 'ignored' && actual === 0)) this.#settle(at, actual)
      })
    this.#open = false
    this.#permit.release(outcome)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }

  #settle(at: number, actual: number): void {
    const estimate = this.#estimates[at]!
    if (!(actual >= 0 && actual <= Number.MAX_SAFE_INTEGER)) return
    this.#tenant?.owe(at, actual - estimate.amount)
    estimate.amount = actual
  }
}
