/** One message of a partition, from its delivery until everything before it is done too. */
export interface Delivery {
  readonly offset: bigint
  /** Delivered again: this one no longer counts. */
  superseded: boolean
  done: boolean
  next: Delivery | undefined
}

/**
 * Which messages of a partition are done. What may be committed is the lowest offset that is not: a message that is done
 * counts only when all before it are, so a crash at any moment repeats work and loses none. O(1) a message.
 */
export class Ledger {
  /** Messages from the lowest one not done on: what a crash now would repeat. */
  size = 0
  #head: Delivery | undefined
  #tail: Delivery | undefined
  #highest: bigint | undefined

  /** The highest offset delivered, or `undefined` when none was. */
  get highest(): bigint | undefined {
    return this.#highest
  }

  /** The offset to go on from: the lowest that is not done. `undefined` before the first delivery. */
  get committable(): bigint | undefined {
    if (this.#head !== undefined) return this.#head.offset
    return this.#highest === undefined ? undefined : this.#highest + 1n
  }

  /** Offsets must rise; they need not be consecutive. {@link rewind} goes back. */
  add(offset: bigint): Delivery {
    const delivery: Delivery = { offset, superseded: false, done: false, next: undefined }
    if (this.#tail === undefined) this.#head = delivery
    else this.#tail.next = delivery
    this.#tail = delivery
    this.#highest = offset
    this.size++
    return delivery
  }

  finish(delivery: Delivery): void {
    delivery.done = true
    while (this.#head?.done === true) {
      this.#head = this.#head.next
      this.size--
    }
    if (this.#head === undefined) this.#tail = undefined
  }

  /** Forgets `offset` and all above: they are about to be delivered again. What is below and not done still counts. */
  rewind(offset: bigint): void {
    let last: Delivery | undefined
    let delivery = this.#head
    for (; delivery !== undefined && delivery.offset < offset; delivery = delivery.next) last = delivery
    for (; delivery !== undefined; delivery = delivery.next) {
      delivery.superseded = true
      this.size--
    }
    if (last === undefined) this.#head = undefined
    else last.next = undefined
    this.#tail = last
    this.#highest = offset - 1n
  }
}
