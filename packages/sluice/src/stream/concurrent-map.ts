import {
  RejectedError,
  Rejection,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Clock,
  type Millis,
  type Timer,
} from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { Ask } from './ask.ts'
import { leave } from './leave.ts'
import { malformed } from './malformed.ts'
import { Ring } from './ring.ts'

/** What a {@link ConcurrentMap} is made of, checked. */
export interface ConcurrentMapParts {
  readonly concurrency: number
  readonly ordered: boolean
  readonly signal?: AbortSignal
  readonly timeout: Millis
  readonly gate?: Gate
  readonly clock: Clock
}

type Work<T, R> = (item: T, context: { readonly signal: AbortSignal; readonly index: number }) => PromiseLike<R> | R

/** One item in progress, and what its work is told. */
class Task<R> {
  readonly index: number
  timer: Timer | undefined
  settled = false
  value: R | undefined
  #controller: AbortController | undefined

  constructor(index: number) {
    this.index = index
  }

  /** Made when asked for: most work never listens. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  callOff(reason: unknown): void {
    this.timer?.cancel()
    // For work that asks later, too.
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }
}

/** The iterator behind `mapConcurrent`. */
export class ConcurrentMap<T, R> implements AbortListener, AsyncIterableIterator<R, undefined, void> {
  readonly #source: Iterable<T> | AsyncIterable<T>
  readonly #work: Work<T, R>
  readonly #parts: ConcurrentMapParts
  readonly #asks = new Ring<Ask<R>>()
  readonly #running = new Set<Task<R>>()
  /** What comes out next: in the order of the source from the start on, or in the order of completion. */
  readonly #line = new Ring<Task<R>>()
  #iterator: Iterator<T> | AsyncIterator<T> | undefined
  #asked = 0
  #pulled = 0
  #pulling = false
  #exhausted = false
  #stopped = false
  #failure: { readonly reason: unknown } | undefined

  constructor(source: Iterable<T> | AsyncIterable<T>, work: Work<T, R>, parts: ConcurrentMapParts) {
    this.#source = source
    this.#work = work
    this.#parts = parts
  }

  next(): Promise<IteratorResult<R, undefined>> {
    return new Promise((resolve, reject) => {
      this.#asks.push({ resolve, reject })
      this.#asked++
      if (this.#iterator === undefined && !this.#stopped) this.#open()
      this.#deliver()
      this.#pull()
    })
  }

  async return(): Promise<IteratorResult<R, undefined>> {
    await this.#stop(undefined)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #open(): void {
    const { signal } = this.#parts
    if (signal?.aborted === true) return this.#fail(signal.reason)
    try {
      // Not by `in`: a string is a source, too.
      const source = this.#source as AsyncIterable<T> & Iterable<T>
      this.#iterator = source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]()
      if (signal !== undefined) watchAbort(signal, this)
    } catch (error) {
      this.#fail(error)
    }
  }

  #pull(): void {
    const { concurrency, ordered } = this.#parts
    while (!this.#stopped && !this.#exhausted && !this.#pulling) {
      const inside = ordered ? this.#line.size : this.#line.size + this.#running.size
      // Each question allows one pull, the first fills up: between questions nothing is pulled.
      if (inside >= concurrency || this.#pulled >= this.#asked + concurrency - 1) return
      this.#pulled++
      this.#pulling = true
      try {
        const result = this.#iterator!.next()
        if (result instanceof Promise) return void result.then(this.#pulledLater, this.#broken)
        if ('then' in result) return void Promise.resolve(result).then(this.#pulledLater, this.#broken)
        this.#arrived(result)
      } catch (error) {
        this.#broken(error)
      }
    }
  }

  readonly #pulledLater = (result: IteratorResult<T>): void => {
    const wrong = malformed(result)
    if (wrong !== undefined) return this.#broken(wrong)
    this.#arrived(result)
    this.#pull()
  }

  #arrived(result: IteratorResult<T>): void {
    this.#pulling = false
    if (result.done !== true) return this.#start(result.value)
    this.#exhausted = true
    this.#rest()
    this.#deliver()
  }

  /** The source has thrown: it is over, and need not be told. */
  readonly #broken = (error: unknown): void => {
    this.#pulling = false
    this.#exhausted = true
    this.#fail(error)
  }

  #start(item: T): void {
    if (this.#stopped) return
    const { gate, ordered, timeout, clock } = this.#parts
    const task = new Task<R>(this.#pulled - 1)
    this.#running.add(task)
    if (ordered) this.#line.push(task)
    void this.#result(item, task).then(
      (value) => this.#done(task, value),
      (error: unknown) => {
        if (!this.#running.delete(task)) return
        task.timer?.cancel()
        this.#fail(error)
      },
    )
    if (timeout < Infinity && gate === undefined && !this.#stopped)
      task.timer = clock.after(timeout, () =>
        this.#fail(new RejectedError(new Rejection('deadline', 'mapConcurrent', timeout, timeout))),
      )
  }

  async #result(item: T, task: Task<R>): Promise<R> {
    const { gate, timeout } = this.#parts
    if (gate === undefined) return this.#work(item, task)
    const { index, signal } = task
    const limits = timeout < Infinity ? { signal, timeout } : { signal }
    return gate.run((signal) => this.#work(item, { signal, index }), limits)
  }

  #done(task: Task<R>, value: R): void {
    if (!this.#running.delete(task)) return
    task.timer?.cancel()
    task.settled = true
    task.value = value
    if (!this.#parts.ordered) this.#line.push(task)
    this.#rest()
    this.#deliver()
    this.#pull()
  }

  /** Nothing is left that could be called off: the signal's listener must not outlive that. */
  #rest(): void {
    if (this.#exhausted && this.#running.size === 0) this.#deafen()
  }

  #deliver(): void {
    while (this.#asks.size > 0 && this.#line.first?.settled === true)
      this.#asks.shift()!.resolve({ done: false, value: this.#line.shift()!.value as R })
    if (!this.#stopped && !(this.#exhausted && this.#running.size === 0 && this.#line.size === 0)) return
    while (this.#asks.size > 0) {
      const ask = this.#asks.shift()!
      const failure = this.#failure
      this.#failure = undefined
      if (failure === undefined) ask.resolve({ done: true, value: undefined })
      else ask.reject(failure.reason)
    }
  }

  aborted(reason: unknown): void {
    this.#fail(reason)
  }

  #deafen(): void {
    const { signal } = this.#parts
    if (signal !== undefined) unwatchAbort(signal, this)
  }

  #fail(reason: unknown): void {
    // What the source says to being left is of no interest beside the first error.
    this.#stop({ reason }).catch(() => {})
  }

  async #stop(failure: { readonly reason: unknown } | undefined): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#failure = failure
    this.#deafen()
    const running = [...this.#running]
    this.#running.clear()
    for (const task of running) task.callOff(failure?.reason)
    // Who leaves does not want what is complete either.
    if (failure === undefined) while (this.#line.size > 0) this.#line.shift()
    this.#deliver()
    if (!this.#exhausted) await leave(this.#iterator, this.#pulling)
  }
}
