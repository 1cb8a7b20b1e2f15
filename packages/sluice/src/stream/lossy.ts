import { systemClock, tell, unwatchAbort, watchAbort, type AbortListener, type Clock } from '../ground/index.ts'
import { channel } from './channel.ts'
import { leave } from './leave.ts'
import type { Operated, OperatorOptions, OperatorStats } from './operator.ts'
import type { Channel, Taken } from './stream.ts'

/** Where a {@link Rule} puts what comes out, and what does not. */
export interface Outlet<T, H> {
  readonly clock: Clock
  emit(held: H): void
  drop(item: T): void
}

/** Which items of a source come out, and when. */
export interface Rule<T> {
  item(item: T): void
  /** The source has ended: what is held comes out, rather than be lost. */
  flush(): void
  /** Nobody listens any more: what is held is dropped, and no timer stays behind. */
  stop(): void
}

export interface LossyParts<T, H> {
  /** How many of what comes out may wait for a consumer who is busy; beyond that the oldest is dropped. */
  readonly capacity: number
  readonly rule: (outlet: Outlet<T, H>) => Rule<T>
  /** The item to be handed out for what was put into the outlet. */
  readonly open: (held: H) => T
  /** The item that is lost when the outlet had to drop something. */
  readonly lost: (held: H) => T
}

/**
 * Reads a source as fast as it gives, from the first question on, and hands out what a rule lets through. What the
 * consumer is too slow for is dropped, the oldest first, and counted: memory is bounded whatever the source does.
 */
export class Lossy<T, H> implements Operated<T>, AbortListener {
  readonly clock: Clock
  readonly #source: AsyncIterable<T>
  readonly #options: OperatorOptions<T>
  readonly #open: (held: H) => T
  readonly #rule: Rule<T>
  readonly #out: Channel<H>
  readonly #consumer: AsyncIterableIterator<H, undefined, void>
  #iterator: AsyncIterator<T> | undefined
  #reading = false
  #over = false
  #received = 0
  #dropped = 0

  constructor(source: AsyncIterable<T>, options: OperatorOptions<T>, parts: LossyParts<T, H>) {
    this.#source = source
    this.#options = options
    this.clock = options.clock ?? systemClock
    this.#open = parts.open
    this.#out = channel<H>({
      capacity: parts.capacity,
      policy: 'drop-oldest',
      clock: this.clock,
      onDrop: (held) => this.drop(parts.lost(held)),
    })
    this.#consumer = this.#out[Symbol.asyncIterator]()
    this.#rule = parts.rule(this)
  }

  get stats(): OperatorStats {
    return { received: this.#received, emitted: this.#out.stats.taken, dropped: this.#dropped }
  }

  emit(held: H): void {
    this.#out.push(held)
  }

  drop(item: T): void {
    this.#dropped++
    tell(this.clock, this.#options.onDrop, item)
  }

  async next(): Promise<Taken<T>> {
    if (this.#iterator === undefined && !this.#over) this.#begin()
    const taken = await this.#consumer.next()
    return taken.done === true ? taken : { done: false, value: this.#open(taken.value) }
  }

  async return(): Promise<Taken<T>> {
    const leaving = this.#leave()
    await this.#consumer.return!()
    this.#out.abort()
    await leaving
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #begin(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) return this.aborted(signal.reason)
    this.#iterator = this.#source[Symbol.asyncIterator]()
    if (signal !== undefined) watchAbort(signal, this)
    void this.#read(this.#iterator).then(
      () => this.#end(() => this.#out.close()),
      (error: unknown) => this.#end(() => this.#out.fail(error)),
    )
  }

  async #read(iterator: AsyncIterator<T>): Promise<void> {
    while (!this.#over) {
      this.#reading = true
      const result = await iterator.next()
      this.#reading = false
      if (result.done === true) return
      this.#received++
      if (this.#over) return this.drop(result.value)
      try {
        this.#rule.item(result.value)
      } catch (error) {
        // The rule asks strangers; the source is not to blame and must be told.
        leave(iterator, false).catch(() => {})
        throw error
      }
    }
  }

  #end(finish: () => void): void {
    if (this.#over) return
    this.#over = true
    if (this.#options.signal !== undefined) unwatchAbort(this.#options.signal, this)
    this.#rule.flush()
    finish()
  }

  aborted(reason: unknown): void {
    this.#leave().catch(() => {})
    this.#out.abort(reason)
  }

  async #leave(): Promise<void> {
    if (this.#over) return
    this.#over = true
    if (this.#options.signal !== undefined) unwatchAbort(this.#options.signal, this)
    this.#rule.stop()
    await leave(this.#iterator, this.#reading)
  }
}
