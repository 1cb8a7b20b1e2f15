/** What is written: one message after the other. */
export type Messages<T> = AsyncIterable<T> | Iterable<T>

/** The slice of a server-streaming or bidirectional call of grpc-js that is written to. */
export interface WritableCall<T> {
  readonly cancelled: boolean
  write(message: T): boolean
  on(event: 'drain' | 'cancelled' | 'close' | 'error', listener: () => void): unknown
  removeListener(event: 'drain' | 'cancelled' | 'close' | 'error', listener: () => void): unknown
}

/**
 * Writes messages no faster than the client takes them: after a `write` that says `false` nothing is asked of the source
 * until the call has drained, so that a slow client costs the 16 messages Node buffers and what HTTP/2 has in flight.
 * A client that leaves ends the source at once, even while it is working on the next message.
 *
 * Does not end the call: `if (await writeAll(call, rows())) call.end()`.
 * @param source messages, or what makes them of a signal that is aborted when the client leaves
 * @returns true when everything was written, false when the client left first
 * @throws what the source throws
 */
export async function writeAll<T>(
  call: WritableCall<T>,
  source: Messages<T> | ((signal: AbortSignal) => Messages<T>),
): Promise<boolean> {
  const reader = new SlowReader(call)
  try {
    const messages = typeof source === 'function' ? source(reader.signal) : source
    return await reader.feed(iterate(messages))
  } finally {
    reader.forget()
  }
}

function iterate<T>(messages: Messages<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]()
}

class SlowReader<T> {
  readonly #call: WritableCall<T>
  readonly #controller = new AbortController()
  /** Whoever waits for room, and whoever waits for the next message: a client that leaves ends either. */
  #roomed: (() => void) | undefined
  #gone: (() => void) | undefined
  readonly #drained = (): void => this.#roomed?.()
  readonly #left = (): void => {
    this.#controller.abort()
    this.#roomed?.()
    this.#gone?.()
  }

  constructor(call: WritableCall<T>) {
    this.#call = call
    if (call.cancelled) this.#controller.abort()
    call.on('drain', this.#drained)
    for (const event of LEAVING) call.on(event, this.#left)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async feed(messages: AsyncIterator<T> | Iterator<T>): Promise<boolean> {
    while (!this.signal.aborted) {
      const pending = messages.next()
      const next = isThenable(pending) ? await this.#unlessGone(pending) : pending
      if (next === undefined) break
      if (next.done === true) return true
      if (!this.#call.write(next.value)) await this.#room()
    }
    const returned = messages.return?.()
    // How an abandoned source ends is nobody's business.
    if (isThenable(returned)) returned.then(undefined, () => undefined)
    return false
  }

  forget(): void {
    this.#call.removeListener('drain', this.#drained)
    for (const event of LEAVING) this.#call.removeListener(event, this.#left)
  }

  /** Not `Promise.race`, which would leave something behind with each message until the client leaves. */
  #unlessGone<V>(pending: PromiseLike<V>): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      this.#gone = () => resolve(undefined)
      pending.then(resolve, reject)
    })
  }

  #room(): Promise<void> | undefined {
    return this.signal.aborted ? undefined : new Promise((resolve) => (this.#roomed = resolve))
  }
}

const LEAVING = ['cancelled', 'close', 'error'] as const

function isThenable<V>(value: PromiseLike<V> | V): value is PromiseLike<V> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}
