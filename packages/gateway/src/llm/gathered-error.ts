import type { Head } from './reply.ts'

/** So much of it is read before it is passed on, in bytes. */
const MOST = 65_536

/** An error of the upstream that is looked at before it is passed on. */
export class GatheredError implements Head {
  readonly status: number
  readonly reason: string
  readonly raw: readonly string[]
  readonly #chunks: Uint8Array[] = []
  #length = 0

  constructor(status: number, reason: string, raw: readonly string[]) {
    this.status = status
    this.reason = reason
    this.raw = raw
  }

  /** @returns false where it is longer than any error is */
  add(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    return this.#length <= MOST
  }

  /** What has come of it. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
