import { checkNumber, checkWhole, refuseValue, type Millis, type Timer } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import type { Ask } from './ask.ts'
import { Intake, type Reader } from './intake.ts'
import type { Operated, OperatorOptions, OperatorStats } from './operator.ts'
import type { Taken } from './stream.ts'

export interface WindowOptions<T> extends OperatorOptions<T> {
  /** Items in a window, at most. A whole number of at least 1. Default: any number. Give this, or `every`, or both. */
  readonly count?: number
  /** How long a window lasts from its first item on, in ms. Above 0. Default: until it is full. */
  readonly every?: Millis
}

/** What belongs together in time or number; to be read, once, before the next one. */
export type Pane<T> = AsyncIterableIterator<T, undefined, void>

/**
 * Cuts a source into windows of `count` items or `every` ms, each an async iterable of its own. Holds one item at most,
 * whatever the size of a window: for sums and extremes, where `buffer` would keep what nobody needs. A window begins
 * with an item, so none is empty. Asking for the next window before the last one is over skips the rest of that,
 * counted as dropped.
 * @throws RangeError for an option out of range
 */
export function window<T>(source: AsyncIterable<T>, options: WindowOptions<T>): Operated<Pane<T>> {
  checkOperator('window', source, options)
  if (options.count === undefined && options.every === undefined)
    refuseValue('window', options.count, '`count`, `every` or both')
  return new Windows(source, options)
}

/** The window that is open. */
interface Opened<T> {
  room: number
  readonly timer: Timer | undefined
  ask: Ask<T> | undefined
}

class Windows<T> implements Operated<Pane<T>>, Reader<T> {
  readonly #count: number
  readonly #every: Millis
  readonly #intake: Intake<T>
  #ask: Ask<Pane<T>> | undefined
  #open: Opened<T> | undefined
  /** The item that has come and has not been handed out. */
  #held: { readonly item: T } | undefined

  constructor(source: AsyncIterable<T>, options: WindowOptions<T>) {
    this.#count = options.count === undefined ? Infinity : checkWhole('window.count', options.count, 1)
    this.#every = checkNumber('window.every', options.every ?? Infinity, Number.MIN_VALUE, Infinity)
    this.#intake = new Intake(source, options, this)
  }

  get stats(): OperatorStats {
    return this.#intake.stats
  }

  next(): Promise<IteratorResult<Pane<T>, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#ask !== undefined) throw new TypeError('window: one question at a time')
      this.#ask = { resolve, reject }
      this.#intake.open()
      this.#go()
    })
  }

  async return(): Promise<IteratorResult<Pane<T>, undefined>> {
    await this.#intake.leave()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  item(item: T): void {
    this.#held = { item }
    this.#go()
  }

  over(): void {
    this.#go()
  }

  letGo(): T[] {
    const held = this.#held
    this.#held = undefined
    return held === undefined ? [] : [held.item]
  }

  /** Does what there is to do with what is here; reads on where somebody wants more. */
  #go(): void {
    for (;;) {
      const pane = this.#open
      const held = this.#held
      if (held !== undefined && pane === undefined && this.#ask !== undefined) this.#openPane(this.#ask)
      else if (held !== undefined && pane !== undefined && (pane.ask ?? this.#ask) !== undefined)
        this.#spend(pane, held)
      else if (this.#intake.over) return this.#finish()
      else {
        if (held === undefined && (pane?.ask ?? this.#ask) !== undefined) this.#intake.read()
        return
      }
    }
  }

  #openPane(ask: Ask<Pane<T>>): void {
    const timer =
      this.#every === Infinity ? undefined : this.#intake.clock.after(this.#every, () => this.#closePane(pane))
    const pane: Opened<T> = { room: this.#count, timer, ask: undefined }
    this.#open = pane
    this.#ask = undefined
    ask.resolve({ done: false, value: this.#windowOf(pane) })
  }

  #windowOf(pane: Opened<T>): Pane<T> {
    let left = false
    return {
      next: () =>
        new Promise((resolve, reject) => {
          if (left || this.#open !== pane) return resolve({ done: true, value: undefined })
          if (pane.ask !== undefined) throw new TypeError('window: one question at a time')
          pane.ask = { resolve, reject }
          this.#go()
        }),
      return: (): Promise<Taken<T>> => {
        left = true
        pane.ask?.resolve({ done: true, value: undefined })
        pane.ask = undefined
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** Hands an item to whoever reads the window, or skips it, as the next one is wanted. */
  #spend(pane: Opened<T>, { item }: { readonly item: T }): void {
    const { ask } = pane
    pane.ask = undefined
    this.#held = undefined
    pane.room--
    if (ask === undefined) this.#intake.drop(item)
    else {
      this.#intake.emitted++
      ask.resolve({ done: false, value: item })
    }
    if (pane.room === 0) this.#closePane(pane)
  }

  #closePane(pane: Opened<T>): void {
    if (this.#open !== pane) return
    pane.timer?.cancel()
    this.#open = undefined
    pane.ask?.resolve({ done: true, value: undefined })
    pane.ask = undefined
    this.#go()
  }

  /** Nothing more will come: whoever reads is told, the reader of the window of an error before all others. */
  #finish(): void {
    const pane = this.#open
    const ask = pane?.ask ?? this.#ask
    const failure = ask && this.#intake.takeFailure()
    if (failure !== undefined) ask?.reject(failure.reason)
    this.#ask?.resolve({ done: true, value: undefined })
    this.#ask = undefined
    if (pane === undefined) return
    pane.timer?.cancel()
    // An error that nobody has heard of yet is kept for whoever asks next.
    this.#open = undefined
    pane.ask?.resolve({ done: true, value: undefined })
    pane.ask = undefined
  }
}
