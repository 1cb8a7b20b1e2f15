import type { SlotWaiter } from './slots-waiter.ts'

/** Who waits here in one class for one tenant, first come. */
export class SlotLine {
  readonly id: number
  readonly weight: number
  head: SlotWaiter | undefined
  tail: SlotWaiter | undefined
  size = 0
  /** Virtual time: what was served from here, by weight, on the scale of its class. */
  tag: number
  /** Its place in the heap of its class; -1 while nobody waits in it. */
  turn = -1

  constructor(id: number, weight: number, tag: number) {
    this.id = id
    this.weight = weight
    this.tag = tag
  }

  append(waiter: SlotWaiter): void {
    const { tail } = this
    waiter.line = this.id
    waiter.previous = tail
    if (tail === undefined) this.head = waiter
    else tail.next = waiter
    this.tail = waiter
    this.size++
  }

  remove(waiter: SlotWaiter): void {
    const { previous, next } = waiter
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.tail = previous
    else next.previous = previous
    waiter.previous = undefined
    waiter.next = undefined
    this.size--
  }
}
