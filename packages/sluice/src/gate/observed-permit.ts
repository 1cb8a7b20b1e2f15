import type { Arrival, Millis, Outcome, Permit } from '../ground/index.ts'
import type { Observer } from './gate.ts'

/** A permit whose end is told to an observer. Made only where there is one. */
export class ObservedPermit implements Permit {
  readonly #permit: Permit
  readonly #arrival: Arrival
  #observer: Observer | undefined

  constructor(permit: Permit, arrival: Arrival, observer: Observer) {
    this.#permit = permit
    this.#arrival = arrival
    this.#observer = observer
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return this.#permit.waited
  }

  release(outcome: Outcome, cost?: number): void {
    const observer = this.#observer
    if (observer === undefined) return
    this.#observer = undefined
    observer.released?.(this.#arrival, outcome)
    this.#permit.release(outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
