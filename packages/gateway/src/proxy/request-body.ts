import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'

/**
 * A client's body as undici wants to see one. undici destroys the bodies it is given when an exchange ends early, and
 * a destroyed `IncomingMessage` takes the client's connection, and with it the answer, along; this takes the blow.
 */
export class RequestBody extends EventEmitter {
  destroyed = false
  readonly #source: Readable
  #attached = false

  constructor(source: Readable) {
    super()
    this.#source = source
  }

  /** Never called: its presence is what makes undici take this for a stream. */
  pipe(): void {}

  pause(): void {
    this.#source.pause()
  }

  resume(): void {
    if (this.destroyed) return
    if (!this.#attached) {
      this.#attached = true
      this.#source.on('data', this.#onData).on('end', this.#onEnd)
    }
    this.#source.resume()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#source.off('data', this.#onData).off('end', this.#onEnd)
    // What is left stays with the client until its connection is done with.
    this.#source.pause()
    this.emit('close')
  }

  readonly #onData = (chunk: Uint8Array): void => void this.emit('data', chunk)
  readonly #onEnd = (): void => void this.emit('end')
}
