/** A binary heap: the first in order is at hand, joining and leaving cost O(log n). */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean
  readonly #moved: ((item: T, at: number) => void) | undefined

  /**
   * @param before true where `a` must come out before `b`
   * @param moved told where each item stands whenever it moves; needed by whoever wants to use `removeAt` or `update`
   */
  constructor(before: (a: T, b: T) => boolean, moved?: (item: T, at: number) => void) {
    this.#before = before
    this.#moved = moved
  }

  get size(): number {
    return this.#items.length
  }

  /** The first in order, left in. */
  get first(): T | undefined {
    return this.#items[0]
  }

  /** Who stands at a place. */
  at(place: number): T | undefined {
    return this.#items[place]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#up(item, this.#items.length - 1)
  }

  /** The first in order, taken out. */
  pop(): T | undefined {
    return this.removeAt(0)
  }

  /** Takes out whoever stands at a place. */
  removeAt(place: number): T | undefined {
    const items = this.#items
    const removed = items[place]
    const last = items.pop()
    if (last === undefined || place >= items.length) return removed
    this.#settle(last, place)
    return removed
  }

  /** To be called when the item at a place has changed its order. */
  update(place: number): void {
    const item = this.#items[place]
    if (item !== undefined) this.#settle(item, place)
  }

  clear(): void {
    this.#items.length = 0
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  #settle(item: T, place: number): void {
    const parent = this.#items[(place - 1) >> 1]
    if (place > 0 && this.#before(item, parent!)) this.#up(item, place)
    else this.#down(item, place)
  }

  #up(item: T, from: number): void {
    const items = this.#items
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = items[parentAt]!
      if (!this.#before(item, parent)) break
      items[at] = parent
      this.#moved?.(parent, at)
      at = parentAt
    }
    items[at] = item
    this.#moved?.(item, at)
  }

  #down(item: T, from: number): void {
    const items = this.#items
    const { length } = items
    let at = from
    for (;;) {
      let childAt = at * 2 + 1
      if (childAt >= length) break
      if (childAt + 1 < length && this.#before(items[childAt + 1]!, items[childAt]!)) childAt++
      const child = items[childAt]!
      if (!this.#before(child, item)) break
      items[at] = child
      this.#moved?.(child, at)
      at = childAt
    }
    items[at] = item
    this.#moved?.(item, at)
  }
}
