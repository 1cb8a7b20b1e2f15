import type { Billed } from './tariff.ts'

/** Who keeps the books of an {@link Admission}. */
export interface Ledger {
  settle(bill: Billed, paid: number[], stage: 'running' | 'end', produced: number): void
}

/** A call that was let in, until it is over. */
export class Admission {
  readonly admitted = true
  readonly #ledger: Ledger
  readonly #bill: Billed
  readonly #paid: number[]
  #produced = 0
  #over = false

  constructor(ledger: Ledger, bill: Billed, paid: number[]) {
    this.#ledger = ledger
    this.#bill = bill
    this.#paid = paid
  }

  /** Tokens so far. */
  get produced(): number {
    return this.#produced
  }

  /** The prompt has been read: what was estimated is known. */
  read(): void {
    this.#ledger.settle(this.#bill, this.#paid, 'running', this.#produced)
  }

  produce(tokens: number): void {
    this.#produced += tokens
    if (!this.#over) this.#ledger.settle(this.#bill, this.#paid, 'running', this.#produced)
  }

  /** Finished, broken or abandoned: what was produced is what is charged, by every tariff that corrects. Idempotent. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#ledger.settle(this.#bill, this.#paid, 'end', this.#produced)
  }
}
