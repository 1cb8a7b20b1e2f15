import { systemClock, tell, unwatchAbort, watchAbort, type AbortListener, type Clock } from '../ground/index.ts'
import { leave } from './leave.ts'
import { malformed } from './malformed.ts'
import type { OperatorOptions, OperatorStats } from './operator.ts'

/** Whoever an {@link Intake} reads for. */
export interface Reader<T> {
  /** An item has come. */
  item(item: T): void
  /** No item will come any more: the source has ended or failed, or nobody wants it. May be told more than once. */
  over(): void
  /** Gives up what it holds, as nobody wants that either. */
  letGo(): Iterable<T>
}

/** Why an iterator ends in an error. */
export interface Failure {
  readonly reason: unknown
}

/**
 * Reads a source for an operator that loses nothing: one item at a time, only when asked to, until the source or the
 * consumer is over, whichever is first. Counts what goes through it.
 */
export class Intake<T> implements AbortListener {
  readonly clock: Clock
  emitted = 0
  readonly #source: AsyncIterable<T>
  readonly #options: OperatorOptions<T>
  readonly #reader: Reader<T>
  #iterator: AsyncIterator<T> | undefined
  #reading = false
  #over = false
  #failure: Failure | undefined
  #received = 0
  #dropped = 0

  constructor(source: AsyncIterable<T>, options: OperatorOptions<T>, reader: Reader<T>) {
    this.#source = source
    this.#options = options
    this.#reader = reader
    this.clock = options.clock ?? systemClock
  }

  get over(): boolean {
    return this.#over
  }

  get stats(): OperatorStats {
    return { received: this.#received, emitted: this.emitted, dropped: this.#dropped }
  }

  /** Begins with the first question. */
  open(): void {
    if (this.#iterator !== undefined || this.#over) return
    const { signal } = this.#options
    if (signal?.aborted === true) return this.aborted(signal.reason)
    try {
      this.#iterator = this.#source[Symbol.asyncIterator]()
      if (signal !== undefined) watchAbort(signal, this)
    } catch (error) {
      this.#end({ reason: error })
    }
  }

  /** Asks the source for an item, unless it already does. */
  read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      // Not every iterator keeps to promises; a promise comes out of this as it is.
      Promise.resolve(this.#iterator!.next()).then(this.#arrived, this.#broken)
    } catch (error) {
      this.#broken(error)
    }
  }

  /** Why it is over, for the first who asks: an error is told once. */
  takeFailure(): Failure | undefined {
    const failure = this.#failure
    this.#failure = undefined
    return failure
  }

  /** The consumer is over. @throws what the source throws at being left, see `leave` */
  async leave(failure?: Failure): Promise<void> {
    const late = this.#over
    const held = this.#reader.letGo()
    this.#end(failure)
    // Told last: a stranger who asks for more is not to wake what is over.
    for (const item of held) this.drop(item)
    if (!late) await leave(this.#iterator, this.#reading)
  }

  drop(item: T): void {
    this.#dropped++
    tell(this.clock, this.#options.onDrop, item)
  }

  readonly #arrived = (result: IteratorResult<T>): void => {
    this.#reading = false
    const wrong = malformed(result)
    if (wrong !== undefined) return this.#end({ reason: wrong })
    if (result.done === true) return this.#end(undefined)
    this.#received++
    if (this.#over) this.drop(result.value)
    else this.#reader.item(result.value)
  }

  readonly #broken = (error: unknown): void => {
    this.#reading = false
    this.#end({ reason: error })
  }

  #end(failure: Failure | undefined): void {
    if (!this.#over) {
      this.#over = true
      this.#failure = failure
      if (this.#options.signal !== undefined) unwatchAbort(this.#options.signal, this)
    }
    this.#reader.over()
  }

  aborted(reason: unknown): void {
    this.leave({ reason }).catch(() => {})
  }
}
