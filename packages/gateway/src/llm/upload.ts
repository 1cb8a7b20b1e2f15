import type { IncomingMessage } from 'node:http'
import type { Clock, Millis, Timer } from 'sluice'

/** How an {@link Upload} may end. */
export type Uploaded = Buffer | 'too-large' | 'late'

/** What an {@link Upload} needs. */
export interface UploadParts {
  /** In bytes. */
  readonly most: number
  readonly timeout: Millis
  readonly clock: Clock
  /** More has come than was declared: asked whether there is room for it, in bytes. */
  readonly grew: (bytes: number) => boolean
  readonly done: (uploaded: Uploaded) => void
}

/** Reads the body of a request up to a bound. */
export class Upload {
  readonly #req: IncomingMessage
  readonly #parts: UploadParts
  readonly #timer: Timer
  #chunks: Buffer[] = []
  #length = 0

  constructor(req: IncomingMessage, parts: UploadParts) {
    this.#req = req
    this.#parts = parts
    this.#timer = parts.clock.after(parts.timeout, () => this.#end('late'), { background: true })
    req.on('data', this.#onData).on('end', this.#onEnd)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#length += chunk.length
    if (this.#length > this.#parts.most || !this.#parts.grew(this.#length)) return this.#end('too-large')
    this.#chunks.push(chunk)
  }

  readonly #onEnd = (): void => {
    this.#end(this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks))
  }

  #end(uploaded: Uploaded): void {
    this.stop()
    this.#parts.done(uploaded)
  }

  /** Listens no longer, and forgets what came. */
  stop(): void {
    this.#timer.cancel()
    this.#chunks = []
    this.#req.off('data', this.#onData).off('end', this.#onEnd)
  }
}
