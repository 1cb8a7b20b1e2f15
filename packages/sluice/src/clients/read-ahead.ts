/** The slice of a body's reader that is touched. */
export interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>
  cancel(reason?: unknown): Promise<unknown>
}

/** Who is told how a body ended. */
export interface BodyHost {
  ended(): void
  failed(error: unknown): void
  left(): void
}

/** So much is read before anybody asks for it, in bytes. */
const AHEAD = 65_536

/**
 * Reads a body a little ahead of whoever consumes it, as undici does with its own: so an answer that fits in 64 KiB is
 * known to have come to its end even when nobody ever reads it. Knows nothing of its consumer but when that waits for
 * more: so a consumer that is forgotten can be told from one that is slow.
 */
export class ReadAhead {
  readonly #reader: BodyReader
  readonly #host: BodyHost
  #chunks: Uint8Array[] = []
  #size = 0
  #reading = false
  #over = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(reader: BodyReader, host: BodyHost) {
    this.#reader = reader
    this.#host = host
    this.#read()
  }

  /** The next piece, or nothing at the end. @throws whatever the body fails with */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#over)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.#read()
      })
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#size -= chunk.byteLength
      this.#read()
      return chunk
    }
    if (this.#failure !== undefined) throw this.#failure.error
    return undefined
  }

  /** Nobody wants the rest. */
  cancel(reason?: unknown): Promise<unknown> {
    this.#over = true
    this.#chunks = []
    this.#host.left()
    return this.#reader.cancel(reason)
  }

  #read(): void {
    if (this.#reading || this.#over || this.#size >= AHEAD) return
    this.#reading = true
    this.#reader.read().then(
      ({ done, value }) => {
        this.#reading = false
        if (done) this.#end(undefined)
        else if (value !== undefined && !this.#over) this.#got(value)
      },
      (error: unknown) => this.#end({ error }),
    )
  }

  #got(chunk: Uint8Array): void {
    // A stream of bytes takes no empty piece.
    if (chunk.byteLength > 0) {
      this.#chunks.push(chunk)
      this.#size += chunk.byteLength
      this.#rouse()
    }
    this.#read()
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    this.#reading = false
    if (this.#over) return
    this.#over = true
    this.#failure = failure
    if (failure === undefined) this.#host.ended()
    else this.#host.failed(failure.error)
    this.#rouse()
  }

  #rouse(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
