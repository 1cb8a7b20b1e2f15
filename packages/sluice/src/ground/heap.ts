/** A binary heap: the first in order is at hand, joining and taking it out cost O(log n). */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  /** @param before true where `a` must come out before `b` */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  /** The first in order, left in. */
  get first(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = items[parentAt]!
      if (!this.#before(item, parent)) break
      items[at] = parent
      at = parentAt
    }
    items[at] = item
  }

  /** The first in order, taken out. */
  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    const { length } = items
    if (last === undefined || length === 0) return first
    let at = 0
    for (;;) {
      let childAt = at * 2 + 1
      if (childAt >= length) break
      if (childAt + 1 < length && this.#before(items[childAt + 1]!, items[childAt]!)) childAt++
      const child = items[childAt]!
      if (!this.#before(child, last)) break
      items[at] = child
      at = childAt
    }
    items[at] = last
    return first
  }

  clear(): void {
    this.#items.length = 0
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }
}
