import type { Frame } from './frame.ts'

/** The first size; every size is a power of two, so that a place is found with a mask. */
const SMALLEST = 8

/**
 * Frames that wait for one reader: first in, first out, bounded by number and by bytes. One about a key can be replaced
 * where it stands. It has no memory but what it uses, as most readers wait for nothing.
 */
export class Backlog<T> {
  bytes = 0
  readonly #capacity: number
  readonly #maxBytes: number
  #slots: (Frame<T> | undefined)[] = []
  /** Places are counted from the first frame ever, so that they stay what they are while others come and go. */
  #head = 0
  #tail = 0
  /** Where the frame about a key stands, and what each place is about. */
  #places: Map<unknown, number> | undefined
  #keys: unknown[] = []

  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#tail - this.#head
  }

  get first(): Frame<T> | undefined {
    return this.#slots[this.#head & (this.#slots.length - 1)]
  }

  /** Whether it would stay within its bounds with so many bytes more. */
  hasRoom(bytes: number): boolean {
    return this.size < this.#capacity && this.bytes + bytes <= this.#maxBytes
  }

  /** Whether it would if one were to take the place of another. */
  canReplace(old: Frame<T>, by: Frame<T>): boolean {
    return this.bytes - old.bytes.length + by.bytes.length <= this.#maxBytes
  }

  /** Puts one in that there is room for. */
  push(frame: Frame<T>): void {
    if (this.size === this.#slots.length) this.#grow()
    this.#slots[this.#tail & (this.#slots.length - 1)] = frame
    this.#tail++
    this.bytes += frame.bytes.length
  }

  /** The same, to be found by its key. */
  pushKeyed(frame: Frame<T>, key: unknown): void {
    this.push(frame)
    this.#places ??= new Map()
    this.#places.set(key, this.#tail - 1)
    this.#keys[(this.#tail - 1) & (this.#slots.length - 1)] = key
  }

  find(key: unknown): Frame<T> | undefined {
    const place = this.#places?.get(key)
    return place === undefined ? undefined : this.#slots[place & (this.#slots.length - 1)]
  }

  /** Puts one in the place of the one with that key. */
  replace(key: unknown, by: Frame<T>): void {
    const at = this.#places!.get(key)! & (this.#slots.length - 1)
    this.bytes += by.bytes.length - this.#slots[at]!.bytes.length
    this.#slots[at] = by
  }

  /** Takes the oldest out. */
  shift(): Frame<T> | undefined {
    if (this.size === 0) return undefined
    const at = this.#head & (this.#slots.length - 1)
    const frame = this.#slots[at]!
    this.#slots[at] = undefined
    if (this.#places !== undefined) {
      this.#places.delete(this.#keys[at])
      this.#keys[at] = undefined
    }
    this.#head++
    this.bytes -= frame.bytes.length
    if (this.size === 0) this.#forget()
    return frame
  }

  #grow(): void {
    const { length } = this.#slots
    const slots = Array.from<Frame<T> | undefined>({ length: Math.max(SMALLEST, length * 2) })
    const keys: unknown[] = []
    for (let place = this.#head; place < this.#tail; place++) {
      slots[place & (slots.length - 1)] = this.#slots[place & (length - 1)]
      if (this.#places !== undefined) keys[place & (slots.length - 1)] = this.#keys[place & (length - 1)]
    }
    this.#slots = slots
    this.#keys = keys
  }

  /** Gives the memory of a burst back. */
  #forget(): void {
    if (this.#slots.length <= SMALLEST) return
    this.#slots = []
    this.#keys = []
    this.#places = undefined
  }
}
