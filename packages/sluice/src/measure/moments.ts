/** Count, mean and spread of a stream of values, by Welford's method (1962): no sum of squares to overflow. */
export class Moments {
  count = 0
  mean = 0
  min: number = Infinity
  max = 0
  #squares = 0

  add(value: number): void {
    this.count++
    const before = value - this.mean
    this.mean += before / this.count
    this.#squares += before * (value - this.mean)
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
  }

  /** Standard deviation of the values; 0 below two of them. */
  get deviation(): number {
    return this.count > 1 ? Math.sqrt(this.#squares / (this.count - 1)) : 0
  }

  /** How uncertain the mean is, as a share of it (relative standard error); `Infinity` below two values. */
  get error(): number {
    return this.count > 1 && this.mean > 0 ? this.deviation / this.mean / Math.sqrt(this.count) : Infinity
  }

  clear(): void {
    this.count = 0
    this.mean = 0
    this.min = Infinity
    this.max = 0
    this.#squares = 0
  }
}
