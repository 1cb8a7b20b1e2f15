import { checkNumber, refuseValue } from '../ground/index.ts'

/** When to ask producers to pause, and when to let them go on: hysteresis, so that they do not flap. */
export class Watermarks {
  paused = false
  readonly #high: number
  readonly #low: number

  /**
   * @param owner whose options they are, for errors
   * @param highWater share of the capacity, above 0 up to 1
   * @param lowWater share of the capacity, from 0 up to below `highWater`; default 0.2, or a quarter of `highWater`
   * @throws RangeError when the shares make no sense
   */
  constructor(
    owner: string,
    capacity: number,
    highWater: number = 0.8,
    lowWater: number = Math.min(0.2, highWater / 4),
  ) {
    checkNumber(`${owner}.highWater`, highWater, Number.MIN_VALUE, 1)
    checkNumber(`${owner}.lowWater`, lowWater, 0, 1)
    if (lowWater >= highWater) refuseValue(`${owner}.lowWater`, lowWater, `less than highWater, ${highWater}`)
    // Rounded apart, so that there is always a step between the two.
    this.#high = Math.ceil(highWater * capacity)
    this.#low = Math.min(Math.floor(lowWater * capacity), this.#high - 1)
  }

  /** True when a pause begins. */
  rose(size: number): boolean {
    if (this.paused || size < this.#high) return false
    this.paused = true
    return true
  }

  /** True when a pause ends. */
  fell(size: number): boolean {
    if (!this.paused || size > this.#low) return false
    this.paused = false
    return true
  }
}
