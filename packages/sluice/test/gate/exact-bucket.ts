/** Time in the model is counted in eighths of a ms, which binary fractions hold exactly. */
export const TICKS = 8

/** A token bucket in exact arithmetic: its unit is what one tick adds, divided by `tokens`. */
export class ExactBucket {
  readonly #full: bigint
  readonly #perTick: bigint
  readonly #token: bigint
  #level: bigint

  constructor(tokens: number, per: number, capacity: number) {
    this.#perTick = BigInt(tokens)
    this.#token = BigInt(per * TICKS)
    this.#full = BigInt(capacity) * this.#token
    this.#level = this.#full
  }

  pass(ticks: number): void {
    const level = this.#level + BigInt(ticks) * this.#perTick
    this.#level = level > this.#full ? this.#full : level
  }

  take(count: number): void {
    this.#level -= BigInt(count) * this.#token
  }

  /** How many tokens are left over once so many were taken; below 0 where they are not there. */
  spare(count: number): number {
    return Number(this.#level - BigInt(count) * this.#token) / Number(this.#token)
  }
}

/** Rounding may decide a tie, and nothing more than that: a clock reading is no finer than its last binary digit. */
export function tieOf(start: number, interval: number, takes: number): number {
  const finest = 2 ** (Math.ceil(Math.log2(Math.abs(start) + 1e6)) - 52)
  return 2e-6 + (takes * finest) / interval
}
