/** The first size; every size is a power of two, so that a place is found with a mask. */
const SMALLEST = 16

/**
 * First in, first out, O(1) at any depth. It grows by doubling as far as it is used, and gives the memory of a burst
 * back once it is empty. `Array.prototype.shift` is no such thing: it moves everything behind it.
 */
export class Ring<T> {
  #slots: (T | undefined)[] = Array.from<T | undefined>({ length: SMALLEST })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The oldest, left in. */
  get first(): T | undefined {
    return this.#slots[this.#head]
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item
    this.#size++
  }

  /** Takes the oldest out; `undefined` when there is none, so ask `size` where items may be `undefined`. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    if (--this.#size === 0 && this.#slots.length > 4096) this.#forget()
    return item
  }

  #grow(): void {
    const { length } = this.#slots
    // Twice the same, end to end: from the head on, the order is right as it stands. The rest must not be kept alive.
    this.#slots = this.#slots.concat(this.#slots).fill(undefined, 0, this.#head)
    this.#slots.fill(undefined, this.#head + length)
  }

  #forget(): void {
    this.#slots = Array.from<T | undefined>({ length: SMALLEST })
    this.#head = 0
  }
}
