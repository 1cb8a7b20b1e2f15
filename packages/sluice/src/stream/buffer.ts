import { checkNumber, checkWhole, systemClock, type Clock, type Millis, type Timer } from '../ground/index.ts'
import { leave } from './leave.ts'
import type { Operated, OperatorOptions, OperatorStats } from './operator.ts'
import { Ring } from './ring.ts'
import { tell } from './tell.ts'

export interface BufferOptions<T> extends OperatorOptions<T> {
  /** Items in a batch, at most. A whole number of at least 1. */
  readonly count: number
  /** How long after its first item a batch comes out even if it is not full, in ms. Default: when it is full. */
  readonly maxWait?: Millis
}

interface Ask<T> {
  readonly resolve: (result: IteratorResult<T[], undefined>) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Batches: `count` items, or what has come `maxWait` ms after the first. Loses nothing, reads only while the consumer
 * asks, never gives an empty batch. What is held when the source ends or fails comes out first; only what is held when
 * the consumer leaves is dropped, and counted.
 * @throws RangeError for an option out of range
 */
export function buffer<T>(source: AsyncIterable<T>, options: BufferOptions<T>): Operated<T[]> {
  return new Batches(source, options)
}

class Batches<T> implements Operated<T[]> {
  readonly #source: AsyncIterable<T>
  readonly #options: BufferOptions<T>
  readonly #count: number
  readonly #maxWait: Millis
  readonly #clock: Clock
  readonly #asks = new Ring<Ask<T>>()
  #iterator: AsyncIterator<T> | undefined
  #batch: T[] = []
  #timer: Timer | undefined
  /** The batch is to come out as it is. */
  #due = false
  #reading = false
  #over = false
  #failure: { readonly reason: unknown } | undefined
  #received = 0
  #emitted = 0
  #dropped = 0

  constructor(source: AsyncIterable<T>, options: BufferOptions<T>) {
    this.#source = source
    this.#options = options
    this.#count = checkWhole('buffer.count', options.count, 1)
    this.#maxWait = checkNumber('buffer.maxWait', options.maxWait ?? Infinity, Number.MIN_VALUE, Infinity)
    this.#clock = options.clock ?? systemClock
  }

  get stats(): OperatorStats {
    return { received: this.#received, emitted: this.#emitted, dropped: this.#dropped }
  }

  next(): Promise<IteratorResult<T[], undefined>> {
    return new Promise((resolve, reject) => {
      this.#asks.push({ resolve, reject })
      if (this.#iterator === undefined && !this.#over) this.#begin()
      this.#deliver()
    })
  }

  async return(): Promise<IteratorResult<T[], undefined>> {
    await this.#leave()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #begin(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) return this.#abort()
    try {
      this.#iterator = this.#source[Symbol.asyncIterator]()
      signal?.addEventListener('abort', this.#abort, { once: true })
    } catch (error) {
      this.#end({ reason: error })
    }
  }

  #deliver(): void {
    while (this.#asks.size > 0) {
      if (this.#batch.length >= this.#count || ((this.#due || this.#over) && this.#batch.length > 0)) {
        const batch = this.#letGo()
        this.#emitted += batch.length
        this.#asks.shift()!.resolve({ done: false, value: batch })
      } else if (this.#over) this.#dismiss(this.#asks.shift()!)
      else return this.#read()
    }
  }

  #dismiss(ask: Ask<T>): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure === undefined) ask.resolve({ done: true, value: undefined })
    else ask.reject(failure.reason)
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#iterator!.next().then(this.#arrived, this.#broken)
  }

  readonly #arrived = (result: IteratorResult<T>): void => {
    this.#reading = false
    if (result.done === true) return this.#end(undefined)
    this.#received++
    if (this.#over) return this.#drop(result.value)
    this.#batch.push(result.value)
    if (this.#maxWait < Infinity)
      this.#timer ??= this.#clock.after(this.#maxWait, () => {
        this.#due = true
        this.#deliver()
      })
    this.#deliver()
  }

  readonly #broken = (error: unknown): void => {
    this.#reading = false
    this.#end({ reason: error })
  }

  /** The source is over. */
  #end(failure: { readonly reason: unknown } | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#failure = failure
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#timer?.cancel()
    this.#deliver()
  }

  readonly #abort = (): void => {
    this.#leave({ reason: this.#options.signal!.reason }).catch(() => {})
  }

  /** The consumer is over. */
  async #leave(failure?: { readonly reason: unknown }): Promise<void> {
    const late = this.#over
    for (const item of this.#letGo()) this.#drop(item)
    this.#end(failure)
    if (!late) await leave(this.#iterator, this.#reading)
  }

  #letGo(): T[] {
    const batch = this.#batch
    this.#batch = []
    this.#due = false
    this.#timer?.cancel()
    this.#timer = undefined
    return batch
  }

  #drop(item: T): void {
    this.#dropped++
    tell(this.#clock, this.#options.onDrop, item)
  }
}
