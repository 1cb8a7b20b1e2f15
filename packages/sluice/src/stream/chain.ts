/** What stands in a {@link Chain}. The links belong to the chain that holds it. */
export interface Link {
  previous: Link | undefined
  next: Link | undefined
}

/**
 * First in, first out, with a way out from the middle: joining and leaving anywhere are O(1) at any depth.
 *
 * Not the line of `queue/` once more by oversight: one class for both would meet links of five shapes in a process that
 * has queues and channels, more than an inline cache of V8 holds, and each turn would take some ten times as long.
 */
export class Chain<L extends Link> {
  size = 0
  #head: Link | undefined
  #tail: Link | undefined

  get head(): L | undefined {
    return this.#head as L | undefined
  }

  append(link: L): void {
    link.previous = this.#tail
    link.next = undefined
    if (this.#tail === undefined) this.#head = link
    else this.#tail.next = link
    this.#tail = link
    this.size++
  }

  /** Takes out one that is in. */
  remove(link: L): void {
    const { previous, next } = link
    if (previous === undefined) this.#head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    link.previous = undefined
    link.next = undefined
    this.size--
  }

  /** Takes the first out. */
  shift(): L | undefined {
    const { head } = this
    if (head !== undefined) this.remove(head)
    return head
  }
}
