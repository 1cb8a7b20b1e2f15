import {
  checkOptions,
  systemClock,
  tell,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Clock,
} from '../ground/index.ts'
import { channel } from './channel.ts'
import {
  subscribeTo,
  type Emitter,
  type EventNames,
  type Observables,
  type PushFunction,
  type Subscribable,
} from './push-source.ts'
import type { Channel, ChannelOptions, ChannelStats, PushAnswer, Taken } from './stream.ts'

/** How the buffer between the two is bounded. A source that pushes cannot wait: for it `block` is `reject`. */
export interface FromPushOptions<T> extends ChannelOptions<T> {
  /** Ends it: the source is left, and the consumer gets `signal.reason`. */
  readonly signal?: AbortSignal
}

/** An async iterable of what a source has pushed. */
export interface Pushed<T> extends AsyncIterableIterator<T, undefined, void> {
  return(): Promise<IteratorResult<T, undefined>>
  readonly stats: ChannelStats
}

/**
 * Turns a source that pushes into an async iterable, through a bounded {@link channel}: what is too much is lost by its
 * policy, and counted.
 *
 * It subscribes at once, so that nothing is missed before the first question; whoever does not iterate it must call
 * `return`. It unsubscribes once: when the source has ended or failed, when the loop is left, or when `signal` is
 * aborted. What came before the end of the source, or its error, is still handed out.
 *
 * - a function `(push, close, fail) => unsubscribe`, which sees the answers of the channel;
 * - an observable: anything with `subscribe`, `Symbol.observable` or `@@observable`;
 * - an emitter, with `on` and `off` or `addEventListener` and `removeEventListener`, and the name of its event.
 * @throws RangeError for an option out of range or no source; whatever subscribing throws
 */
export function fromPush<T>(emitter: Emitter, options: FromPushOptions<T> & EventNames): Pushed<T>
export function fromPush<T>(source: Subscribable<T> | Observables<T>, options: FromPushOptions<T>): Pushed<T>
export function fromPush<T>(source: PushFunction<T>, options: FromPushOptions<T>): Pushed<T>
export function fromPush<T>(source: unknown, options: FromPushOptions<T> & Partial<EventNames>): Pushed<T> {
  const bridge = new Bridge<T>(checkOptions('fromPush', options))
  bridge.connect(source, options)
  return bridge
}

class Bridge<T> implements Pushed<T>, AbortListener {
  readonly #channel: Channel<T>
  readonly #consumer: AsyncIterableIterator<T, undefined, void>
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  #unsubscribe: (() => void) | undefined
  #over = false

  constructor(options: FromPushOptions<T>) {
    this.#channel = channel({ name: 'fromPush', ...options })
    this.#consumer = this.#channel[Symbol.asyncIterator]()
    this.#clock = options.clock ?? systemClock
    this.#signal = options.signal
  }

  get stats(): ChannelStats {
    return this.#channel.stats
  }

  connect(source: unknown, events: Partial<EventNames>): void {
    const signal = this.#signal
    if (signal?.aborted === true) return this.aborted(signal.reason)
    if (signal !== undefined) watchAbort(signal, this)
    try {
      const unsubscribe = subscribeTo<T>(source, events, {
        push: (item): PushAnswer => this.#channel.push(item),
        close: () => {
          this.#leave()
          this.#channel.close()
        },
        fail: (error) => {
          this.#leave()
          this.#channel.fail(error)
        },
      })
      // It may have come to its end before it has told how to leave it.
      if (this.#over) tell(this.#clock, unsubscribe)
      else this.#unsubscribe = unsubscribe
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  next(): Promise<Taken<T>> {
    return this.#consumer.next()
  }

  async return(): Promise<Taken<T>> {
    this.#leave()
    await this.#consumer.return!()
    this.#channel.abort()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  aborted(reason: unknown): void {
    this.#leave()
    this.#channel.abort(reason)
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this)
    tell(this.#clock, this.#unsubscribe)
    this.#unsubscribe = undefined
  }
}
