import type { UpstreamReceiver } from './upstream.ts'
import { borrowBuffer, returnBuffer, SHARED } from './raw-buffers.ts'

/** Pieces up to this, in bytes, are copied: that costs less than anything else. */
const SMALL = 16_384

/**
 * Where one connection reads to. Small pieces are copied out of the buffer all connections share. One that carries large
 * bodies gets a buffer of its own, out of which pieces are passed on as they are, as long as whoever gets them has done
 * with them at once: then nothing is allocated and nothing copied. Of a slow client's answer the rest is copied.
 */
export class RawReader {
  #buffer: Buffer | undefined
  /** True where the last answer had a large piece. */
  #large = false
  #sawLarge = false
  /** True when somebody may still look at what is in the buffer. */
  #kept = false
  #slow = false
  #closed = false

  /** For `onread`. @returns where the next read goes; `undefined`: as the last one */
  next(): Buffer | undefined {
    const buffer = this.#buffer
    if (buffer === undefined) return (this.#buffer = SHARED)
    if (this.#closed) return undefined
    const wanted = (this.#large || this.#sawLarge) && !this.#slow
    if (buffer === SHARED) {
      const own = wanted ? borrowBuffer() : undefined
      return own === undefined ? undefined : (this.#buffer = own)
    }
    if (wanted && !this.#kept) return undefined
    this.#giveBack()
    return (this.#buffer = SHARED)
  }

  /** What a read of so many bytes has brought. */
  read(length: number): Buffer {
    return this.#buffer!.subarray(0, length)
  }

  /** Passes a piece on. */
  pass(chunk: Buffer, from: number, to: number, receiver: Pick<UpstreamReceiver, 'data'>): void {
    const length = to - from
    if (length > SMALL) this.#sawLarge = true
    if (length <= SMALL || this.#buffer === SHARED) {
      const own = Buffer.allocUnsafe(length)
      chunk.copy(own, 0, from, to)
      receiver.data(own)
      return
    }
    const kept = this.#kept
    // Until it has said otherwise: it may end all this on the way.
    this.#kept = true
    if (receiver.data(chunk.subarray(from, to)) === true) this.#kept = kept
    else this.#slow = true
  }

  /** An answer has ended. What the next one will be like nobody knows; most are like the one before. */
  rest(): void {
    this.#large = this.#sawLarge
    this.#slow = false
    this.#sawLarge = false
  }

  /** Nothing is read any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#buffer !== undefined && this.#buffer !== SHARED) this.#giveBack()
  }

  #giveBack(): void {
    returnBuffer(this.#buffer!, this.#kept)
    this.#kept = false
  }
}
