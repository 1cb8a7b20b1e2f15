/**
 * What is to be written: an iterable, or a function that makes one. The signal it receives is aborted as soon as nobody
 * reads any more, so that a generator which waits for somebody else can be called off in the middle of that.
 */
export type Generation<T> = AsyncIterable<T> | Iterable<T> | ((signal: AbortSignal) => AsyncIterable<T> | Iterable<T>)

/** Takes an item; a promise asks to wait before the next, and ends the feed when it rejects. */
export type Take<T> = (item: T) => Promise<void> | undefined

/**
 * Reads a source, one item at a time, at the pace of whoever takes. Stops at once when told to: a source that hangs in
 * the middle of an item hangs nobody else.
 */
export class Feed<T> {
  /** Settles when the source has ended, rejects with what has stopped it. */
  readonly done: Promise<void>
  readonly #leaving = new AbortController()
  readonly #take: Take<T>
  #iterator: AsyncIterator<T> | Iterator<T> | undefined
  #reading = false
  #over = false
  #resolve!: () => void
  #reject!: (reason: unknown) => void

  constructor(source: Generation<T>, take: Take<T>) {
    this.#take = take
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Opened in a later turn, when whoever made this feed knows it.
    Promise.resolve(source)
      .then(this.#read)
      .catch((error: unknown) => {
        // What has failed by itself is over, and need not be left.
        if (this.#reading) this.#iterator = undefined
        this.stop(error)
      })
  }

  stop(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#reject(reason)
    this.#leaving.abort(reason)
    this.#leave().catch(() => {})
  }

  readonly #read = async (source: Generation<T>): Promise<void> => {
    if (this.#over) return
    const items = typeof source === 'function' ? source(this.#leaving.signal) : source
    this.#iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
    for (;;) {
      this.#reading = true
      const result = await this.#iterator.next()
      if (this.#over) return
      if (result.done === true) break
      this.#reading = false
      const wait = this.#take(result.value)
      if (wait !== undefined) await wait
      if (this.#over) return
    }
    this.#over = true
    this.#resolve()
  }

  /** A generator in the middle of an item hears it afterwards; the signal is for those. */
  async #leave(): Promise<void> {
    const iterator = this.#iterator
    this.#iterator = undefined
    await iterator?.return?.()
  }
}
