import { getEventListeners } from 'node:events'

/** Lets every promise that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** An abort signal, and how many listeners it has. */
export function watchedSignal(): { readonly controller: AbortController; readonly listeners: () => number } {
  const controller = new AbortController()
  return { controller, listeners: () => getEventListeners(controller.signal, 'abort').length }
}

/** A source that is fed by hand, and notes what is done to it. */
export class HandFed<T> implements AsyncIterableIterator<T, undefined, void> {
  asked = 0
  returned = 0
  readonly #items: IteratorResult<T, undefined>[] = []
  readonly #waiting: {
    readonly resolve: (result: IteratorResult<T, undefined>) => void
    readonly reject: (error: unknown) => void
  }[] = []

  feed(...items: readonly T[]): void {
    for (const value of items) this.#put({ done: false, value })
  }

  end(): void {
    this.#put({ done: true, value: undefined })
  }

  fail(error: unknown): void {
    this.#waiting.shift()!.reject(error)
  }

  #put(result: IteratorResult<T, undefined>): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#items.push(result)
    else waiting.resolve(result)
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.asked++
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve(item)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.returned++
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
