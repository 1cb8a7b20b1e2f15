import type { Waiter } from './queue.ts'

/**
 * A doubly linked line through the waiters themselves: joining, leaving at the head and leaving from the middle are
 * all O(1) at any depth, and it takes no memory of its own.
 */
export class Line<W extends Waiter> {
  size = 0
  #head: Waiter | undefined
  #tail: Waiter | undefined

  get head(): W | undefined {
    return this.#head as W | undefined
  }

  get tail(): W | undefined {
    return this.#tail as W | undefined
  }

  append(waiter: W): void {
    waiter.previous = this.#tail
    if (this.#tail === undefined) this.#head = waiter
    else this.#tail.next = waiter
    this.#tail = waiter
    this.size++
  }

  remove(waiter: W): boolean {
    const { previous, next } = waiter
    // In no line at all: without neighbours, and not alone at the head.
    if (previous === undefined && this.#head !== waiter) return false
    if (previous === undefined) this.#head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    waiter.previous = undefined
    waiter.next = undefined
    this.size--
    return true
  }
}
