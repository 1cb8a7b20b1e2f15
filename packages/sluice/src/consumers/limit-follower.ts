import type { Gate } from '../gate/index.ts'

/** Says when the limit of a gate has moved, for what sizes itself by it. */
export class LimitFollower implements Disposable {
  #limit: number
  readonly #gate: Gate
  readonly #most: number
  readonly #subscription: Disposable

  /**
   * @param most what stands for a limit above it, and for the one of a gate that counts nothing in flight
   * @param moved called with the new limit, a whole number from 1 to `most`
   */
  constructor(gate: Gate, most: number, moved: (limit: number) => void) {
    this.#gate = gate
    this.#most = most
    this.#limit = this.limit
    // Gates announce every arrival; that the limit has moved is seen when the next one comes or goes.
    this.#subscription = gate.pressure.subscribe(() => {
      const { limit } = this
      if (limit === this.#limit) return
      this.#limit = limit
      moved(limit)
    })
  }

  get limit(): number {
    return Math.max(1, Math.min(this.#most, Math.floor(this.#gate.stats.limit)))
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}
