import { checkNumber, checkWhole, type Millis, type Timer } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import type { Ask } from './ask.ts'
import { Intake, type Reader } from './intake.ts'
import type { Operated, OperatorOptions, OperatorStats } from './operator.ts'
import { Ring } from './ring.ts'

export interface BufferOptions<T> extends OperatorOptions<T> {
  /** Items in a batch, at most. A whole number of at least 1. */
  readonly count: number
  /** How long after its first item a batch comes out even if it is not full, in ms. Default: when it is full. */
  readonly maxWait?: Millis
}

/**
 * Batches: `count` items, or what has come `maxWait` ms after the first. Loses nothing, reads only while the consumer
 * asks, never gives an empty batch. What is held when the source ends or fails comes out first; only what is held when
 * the consumer leaves is dropped, and counted.
 * @throws RangeError for an option out of range
 */
export function buffer<T>(source: AsyncIterable<T>, options: BufferOptions<T>): Operated<T[]> {
  checkOperator('buffer', source, options)
  return new Batches(source, options)
}

class Batches<T> implements Operated<T[]>, Reader<T> {
  readonly #count: number
  readonly #maxWait: Millis
  readonly #intake: Intake<T>
  readonly #asks = new Ring<Ask<T[]>>()
  #batch: T[] = []
  #timer: Timer | undefined
  /** The batch is to come out as it is. */
  #due = false

  constructor(source: AsyncIterable<T>, options: BufferOptions<T>) {
    this.#count = checkWhole('buffer.count', options.count, 1)
    this.#maxWait = checkNumber('buffer.maxWait', options.maxWait ?? Infinity, Number.MIN_VALUE, Infinity)
    this.#intake = new Intake(source, options, this)
  }

  get stats(): OperatorStats {
    return this.#intake.stats
  }

  next(): Promise<IteratorResult<T[], undefined>> {
    return new Promise((resolve, reject) => {
      this.#asks.push({ resolve, reject })
      this.#intake.open()
      this.#deliver()
    })
  }

  async return(): Promise<IteratorResult<T[], undefined>> {
    await this.#intake.leave()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  item(item: T): void {
    this.#batch.push(item)
    if (this.#maxWait < Infinity)
      this.#timer ??= this.#intake.clock.after(this.#maxWait, () => {
        this.#due = true
        this.#deliver()
      })
    this.#deliver()
  }

  over(): void {
    this.#timer?.cancel()
    this.#deliver()
  }

  letGo(): T[] {
    const batch = this.#batch
    this.#batch = []
    this.#due = false
    this.#timer?.cancel()
    this.#timer = undefined
    return batch
  }

  #deliver(): void {
    const { over } = this.#intake
    while (this.#asks.size > 0) {
      if (this.#batch.length >= this.#count || ((this.#due || over) && this.#batch.length > 0)) {
        const batch = this.letGo()
        this.#intake.emitted += batch.length
        this.#asks.shift()!.resolve({ done: false, value: batch })
      } else if (over) this.#dismiss(this.#asks.shift()!)
      else return this.#intake.read()
    }
  }

  #dismiss(ask: Ask<T[]>): void {
    const failure = this.#intake.takeFailure()
    if (failure === undefined) ask.resolve({ done: true, value: undefined })
    else ask.reject(failure.reason)
  }
}
