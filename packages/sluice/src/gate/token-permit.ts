import type { Millis, Outcome, Permit } from '../ground/index.ts'

/** Whoever the tokens came from. */
export interface Settler {
  /** Settles an estimate: gives back what was not needed, or takes what was needed beyond. */
  settle(estimated: number, actual: number, outcome: Outcome): void
}

/** Holds nothing: its tokens are spent. It is there to settle what was really needed. */
export class TokenPermit implements Permit {
  readonly waited: Millis
  readonly #cost: number
  #settler: Settler | undefined

  constructor(settler: Settler, cost: number, waited: Millis) {
    this.#settler = settler
    this.#cost = cost
    this.waited = waited
  }

  get admitted(): true {
    return true
  }

  release(outcome: Outcome, cost: number = this.#cost): void {
    const settler = this.#settler
    if (settler === undefined) return
    this.#settler = undefined
    if (cost !== this.#cost) settler.settle(this.#cost, cost, outcome)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
