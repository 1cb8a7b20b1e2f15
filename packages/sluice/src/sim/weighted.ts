import type { Random } from '../ground/index.ts'

/** Draws a place with the probability its weight gives it, in O(1) for any number of them: Vose's alias method (1991). */
export class Weighted {
  readonly #keep: Float64Array
  readonly #alias: Uint32Array

  /** @param weights at least one, finite and at least 0, not all 0 */
  constructor(weights: readonly number[]) {
    const { length } = weights
    let sum = 0
    for (const weight of weights) sum += weight
    this.#keep = new Float64Array(length).fill(1)
    this.#alias = new Uint32Array(length)
    const scaled = weights.map((weight) => (weight * length) / sum)
    const poor: number[] = []
    const rich: number[] = []
    for (const [place, weight] of scaled.entries()) (weight < 1 ? poor : rich).push(place)
    while (poor.length > 0 && rich.length > 0) {
      const short = poor.pop()!
      const long = rich.at(-1)!
      this.#keep[short] = scaled[short]!
      this.#alias[short] = long
      scaled[long]! -= 1 - scaled[short]!
      if (scaled[long]! < 1) poor.push(rich.pop()!)
    }
  }

  draw(random: Random): number {
    const place = Math.floor(random() * this.#keep.length)
    return random() < this.#keep[place]! ? place : this.#alias[place]!
  }
}
