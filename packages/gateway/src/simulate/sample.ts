import { seeded } from 'sluice'

/** Keeps so many of any number of values, each as likely as any other: Vitter's algorithm R (1985). */
export class Sample {
  readonly values: number[] = []
  readonly #most: number
  readonly #random = seeded(1)
  /** How many there were. */
  seen = 0

  /** @param most how many are kept, at least 1 */
  constructor(most: number) {
    this.#most = most
  }

  add(value: number): void {
    this.seen++
    if (this.values.length < this.#most) {
      this.values.push(value)
      return
    }
    const place = Math.floor(this.#random() * this.seen)
    if (place < this.#most) this.values[place] = value
  }
}
