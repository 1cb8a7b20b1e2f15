/** The slice of Node's `Writable` that is used: a socket, a file, a response of http or http2, a transform. */
export interface NodeWritable<T> {
  /** Bytes handed over that have not left yet; objects, in object mode. */
  readonly writableLength: number
  readonly writableFinished: boolean
  readonly destroyed: boolean
  readonly errored?: Error | null
  /** False: it took the chunk, and asks to wait for `drain`. */
  write(chunk: T): boolean
  end(): unknown
  destroy(error?: Error): unknown
  on(event: string, listener: (error: unknown) => void): unknown
  off(event: string, listener: (error: unknown) => void): unknown
}

/** What a `WritableStream` answers to `getWriter`. */
export interface WebWriterLike<T> {
  readonly desiredSize: number | null
  readonly ready: Promise<unknown>
  readonly closed: Promise<unknown>
  write(chunk: T): Promise<unknown>
  close(): Promise<unknown>
  abort(reason?: unknown): Promise<unknown>
  releaseLock(): void
}

/** The slice of the web's `WritableStream` that is used. */
export interface WebWritable<T> {
  getWriter(): WebWriterLike<T>
}

/** Where chunks go: Node's kind of stream, or the web's. */
export type Writable<T> = NodeWritable<T> | WebWritable<T>

export interface WriterOptions {
  /**
   * Ends the writing: who waits, and who comes, is rejected with `signal.reason`. The stream itself is left as it is and
   * belongs to its owner again.
   */
  readonly signal?: AbortSignal
  /**
   * Called once, when nothing can be written any more: with what whoever waits is rejected with, or without an argument
   * when everything was written. Must not throw.
   */
  readonly onClose?: (failure?: { readonly reason: unknown }) => void
}

/**
 * Writes at the pace of a stream. Keeps one set of listeners on it, whatever the number of writes, and takes them away
 * at the end.
 */
export interface Writer<T> {
  /** What was handed over and has not left yet: bytes, or what the stream's own strategy counts. */
  readonly held: number
  /**
   * Hands a chunk over, at once. Answers a promise only when the stream asks to wait, which settles when it asks for
   * more: `await` it before the next chunk, or memory grows.
   *
   * It rejects with the error of the stream; with an `ERR_STREAM_PREMATURE_CLOSE` where it closes without one; with the
   * reason of `abort` or `signal`. So does every later write. A rejection nobody waits for is no unhandled one.
   */
  write(chunk: T): Promise<void> | undefined
  /** Writes no more. Settles when everything has left, and rejects as `write` does. */
  end(): Promise<void>
  /**
   * Gives up: rejects whoever waits and destroys the stream, which gets `reason` where it is an error.
   * @param reason default: a premature close
   */
  abort(reason?: unknown): void
  /** Lets go of the stream, which stays open. Whoever waits is rejected with a premature close. */
  release(): void
}
