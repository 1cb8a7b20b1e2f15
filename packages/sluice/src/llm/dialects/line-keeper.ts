/** What is kept of the beginning and of the end of a line that is too long, in bytes. */
const HEAD = 1024
const TAIL = 16_384
const SMALL = 512

/** A line as it was kept. */
export interface KeptLine {
  /** The line, or its beginning where it was `cut`. Valid until the next byte is added. */
  readonly head: Uint8Array
  /** The end of a line that was cut. */
  readonly tail: Uint8Array | undefined
}

/** What is kept of a line that is too long and lies in one piece: no byte of it is copied. */
export function cutLine(bytes: Uint8Array, from: number, to: number): KeptLine {
  return { head: bytes.subarray(from, from + HEAD), tail: bytes.subarray(to - TAIL, to) }
}

const NOTHING = new Uint8Array(0)

/**
 * Puts a line together from the pieces it arrives in. Of a line longer than `cap` bytes its beginning and its end are kept:
 * that is where a provider says what an event is, and what it used.
 */
export class LineKeeper {
  readonly #cap: number
  #buffer = NOTHING
  #length = 0
  #cut = false

  /** @param cap in bytes, above 32 KiB */
  constructor(cap: number) {
    this.#cap = cap
  }

  get empty(): boolean {
    return this.#length === 0
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to;) {
      if (this.#length === this.#cap) {
        this.#buffer.copyWithin(HEAD, this.#cap - TAIL, this.#cap)
        this.#length = HEAD + TAIL
        this.#cut = true
      }
      const length = Math.min(to - at, this.#cap - this.#length)
      this.#grow(this.#length + length)
      this.#buffer.set(bytes.subarray(at, at + length), this.#length)
      this.#length += length
      at += length
    }
  }

  /** The line, and an empty keeper. */
  take(): KeptLine {
    const length = this.#length
    const cut = this.#cut
    this.#length = 0
    this.#cut = false
    const buffer = this.#buffer
    // One long line should not hold its memory for the rest of a long stream.
    if (buffer.length > TAIL) this.#buffer = NOTHING
    if (!cut) return { head: buffer.subarray(0, length), tail: undefined }
    return { head: buffer.subarray(0, HEAD), tail: buffer.subarray(Math.max(HEAD, length - TAIL), length) }
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return
    const larger = new Uint8Array(Math.min(this.#cap, Math.max(SMALL, this.#buffer.length * 2, needed)))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}
