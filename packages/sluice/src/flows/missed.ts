import type { Frame } from './frame.ts'

/** What a reader missed while it was away, made as it is read. */
export class Missed<T> {
  #messages: Iterator<T> | undefined
  readonly #encode: (message: T) => Frame<T>
  readonly #failed: (error: unknown) => void

  /** @param failed told of what the source throws, or the format says of a message; then there is no more */
  constructor(messages: Iterable<T>, encode: (message: T) => Frame<T>, failed: (error: unknown) => void) {
    this.#messages = messages[Symbol.iterator]()
    this.#encode = encode
    this.#failed = failed
  }

  next(): Frame<T> | undefined {
    try {
      const result = this.#messages?.next()
      if (result !== undefined && result.done !== true) return this.#encode(result.value)
      this.#messages = undefined
    } catch (error) {
      this.leave()
      this.#failed(error)
    }
    return undefined
  }

  /** Nobody wants the rest. */
  leave(): void {
    const messages = this.#messages
    this.#messages = undefined
    messages?.return?.()
  }
}
