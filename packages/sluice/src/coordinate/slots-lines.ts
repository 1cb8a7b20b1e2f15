import type { Classes, SlotHead } from './coordinator.ts'
import type { Instant } from '../ground/index.ts'
import type { SlotWaiter } from './slots-waiter.ts'

const HIGHEST = 3

/** Who waits here: one line for each class, the most important first, first come within a class. */
export class SlotLines {
  readonly #heads: (SlotWaiter | undefined)[] = [undefined, undefined, undefined, undefined]
  readonly #tails: (SlotWaiter | undefined)[] = [undefined, undefined, undefined, undefined]
  readonly #sizes: [number, number, number, number] = [0, 0, 0, 0]
  size = 0

  get sizes(): Classes {
    return this.#sizes
  }

  /** Who is next. */
  get first(): SlotWaiter | undefined {
    if (this.size === 0) return undefined
    for (let rank = HIGHEST; rank >= 0; rank--) if (this.#heads[rank] !== undefined) return this.#heads[rank]
    return undefined
  }

  /** The newest of a class. */
  newest(priority: number): SlotWaiter | undefined {
    return this.#tails[priority]
  }

  /** The newest of the least important class below this one; nobody where there is none. */
  below(priority: number): SlotWaiter | undefined {
    for (let rank = 0; rank < priority; rank++) if (this.#tails[rank] !== undefined) return this.#tails[rank]
    return undefined
  }

  append(waiter: SlotWaiter): void {
    const { priority } = waiter
    const tail = this.#tails[priority]
    waiter.previous = tail
    if (tail === undefined) this.#heads[priority] = waiter
    else tail.next = waiter
    this.#tails[priority] = waiter
    this.#sizes[priority]++
    this.size++
  }

  remove(waiter: SlotWaiter): void {
    const { priority, previous, next } = waiter
    if (previous === undefined) this.#heads[priority] = next
    else previous.next = next
    if (next === undefined) this.#tails[priority] = previous
    else next.previous = previous
    waiter.previous = undefined
    waiter.next = undefined
    this.#sizes[priority]--
    this.size--
  }

  /** The first so many, in the order they are served in. */
  heads(count: number, now: Instant): SlotHead[] {
    const heads: SlotHead[] = []
    for (let rank = HIGHEST; rank >= 0 && heads.length < count; rank--)
      for (let at = this.#heads[rank]; at !== undefined && heads.length < count; at = at.next)
        heads.push({ priority: rank, age: now - at.since })
    return heads
  }
}
