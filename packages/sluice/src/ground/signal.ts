import { systemClock, throwLater, type Clock } from './clock.ts'

/** A value that can be read now and watched from now on. Costs nothing while nobody watches. */
export interface Signal<T> {
  readonly value: T
  /** Calls `listener` with each new value until the result is disposed. What a listener throws surfaces by itself. */
  subscribe(listener: (value: T) => void): Disposable
}

/** A signal whose value is computed when somebody asks, and announced only when somebody listens. */
export class Source<T> implements Signal<T> {
  readonly #read: () => T
  readonly #clock: Clock
  #listeners: Set<(value: T) => void> | undefined
  /** While listeners are told: what they are told, one after the other. */
  #untold: T[] | undefined

  /** @param clock lets errors of listeners surface; default: the platform's */
  constructor(read: () => T, clock: Clock = systemClock) {
    this.#read = read
    this.#clock = clock
  }

  get value(): T {
    return this.#read()
  }

  subscribe(listener: (value: T) => void): Disposable {
    // Wrapped, so that one function subscribed twice is two subscriptions.
    const entry = (value: T): void => listener(value)
    this.#listeners ??= new Set()
    this.#listeners.add(entry)
    return {
      [Symbol.dispose]: () => {
        this.#listeners?.delete(entry)
        if (this.#listeners?.size === 0) this.#listeners = undefined
      },
    }
  }

  /** Tells the listeners, if any, that the value may have changed. One check when there are none. */
  changed(): void {
    // Short, to be inlined wherever it is called: nearly always there are none.
    if (this.#listeners !== undefined) this.#tell()
  }

  #tell(): void {
    // What a listener does about it may change it again: all hear of one change after the other, and last how it is.
    if (this.#untold?.push(this.#read())) return
    this.#untold = [this.#read()]
    for (const value of this.#untold)
      // Not who begins to listen meanwhile: he knows how it is, and who did so each time would be told for ever.
      for (const listener of new Set(this.#listeners))
        try {
          if (this.#listeners?.has(listener)) listener(value)
        } catch (error) {
          throwLater(this.#clock, error)
        }
    this.#untold = undefined
  }
}
