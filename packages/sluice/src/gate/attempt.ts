import type { Clock, Outcome, Permit, Timer } from '../ground/index.ts'
import type { RunOptions } from './gate.ts'

const NEVER = new AbortController().signal

/** Who wants to know of work that goes on after its time. */
export interface Overseer {
  /** What the caller gets when the time is up. */
  tooLate(): Error
  /** What the permit ends with when the work has thrown. */
  outcomeOf(error: unknown): Outcome
  /** Work ignores its signal. */
  zombieRose(): void
  /** … and has ended after all. */
  zombieFell(): void
}

/**
 * The signal for work that cannot be stopped from outside. Work that declares no parameter cannot listen and gets one
 * that is shared; a shared one for work that does would collect its listeners for ever.
 */
export function idleSignal(work: (signal: AbortSignal) => unknown): AbortSignal {
  return work.length === 0 ? NEVER : new AbortController().signal
}

/**
 * One piece of work with a time limit or a caller who may leave. When either comes, the work's signal is aborted and the
 * caller gets its answer at once; the permit is held until the work has really ended, unless `overdue` says otherwise.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` are avoided: the first costs 8–12 µs a call on Node 20 and 22 and keeps
 * memory. A controller is made only for work that declares a parameter.
 */
export class Attempt<T> {
  readonly #permit: Permit
  readonly #options: RunOptions
  readonly #overseer: Overseer
  readonly #clock: Clock
  readonly #controller: AbortController | undefined
  #timer: Timer | undefined
  /** How the work is to end, once it has been called off. */
  #calledOff: Outcome | undefined
  #settled = false
  #zombie = false
  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void

  constructor(
    work: (signal: AbortSignal) => unknown,
    permit: Permit,
    options: RunOptions,
    clock: Clock,
    overseer: Overseer,
  ) {
    this.#permit = permit
    this.#options = options
    this.#overseer = overseer
    this.#clock = clock
    this.#controller = work.length === 0 ? undefined : new AbortController()
  }

  /** Does the work. `patience`: how long it may take, in ms; `Infinity` for any time. */
  start(work: (signal: AbortSignal) => PromiseLike<T> | T, patience: number): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { signal } = this.#options
    // Left between being let in and now, of which no event will tell any more; or late: not every gate looks at deadlines.
    if (signal?.aborted === true || patience <= 0) {
      this.#permit.release('ignored', 0)
      this.#reject(signal?.aborted === true ? signal.reason : this.#overseer.tooLate())
      return promise
    }
    signal?.addEventListener('abort', this.#leave, { once: true })
    if (patience < Infinity) this.#timer = this.#clock.after(patience, this.#expire)
    let result: PromiseLike<T> | T
    try {
      result = work(this.#controller?.signal ?? NEVER)
    } catch (error) {
      this.#failed(error)
      return promise
    }
    if (isThenable(result)) result.then(this.#done, this.#failed)
    else this.#done(result)
    return promise
  }

  readonly #expire = (): void => this.#callOff('dropped', this.#overseer.tooLate())

  readonly #leave = (): void => this.#callOff('ignored', this.#options.signal!.reason)

  #callOff(outcome: Outcome, reason: unknown): void {
    if (this.#settled || this.#calledOff !== undefined) return
    this.#calledOff = outcome
    this.#putAway()
    this.#reject(reason)
    this.#controller?.abort(reason)
    if (this.#options.overdue === 'release') this.#permit.release(outcome)
    // Work that heeds its signal has ended by the next turn of the event loop.
    this.#timer = this.#clock.after(0, () => {
      if (this.#settled) return
      this.#zombie = true
      this.#overseer.zombieRose()
    })
  }

  readonly #done = (value: T): void => {
    if (this.#end('success')) this.#resolve(value)
  }

  readonly #failed = (error: unknown): void => {
    // Asked only where it decides: the user's function sees each error at most once.
    const outcome = this.#calledOff ?? this.#overseer.outcomeOf(error)
    if (this.#end(outcome)) this.#reject(error)
  }

  /** The work has ended. True when its caller is still waiting for that. */
  #end(outcome: Outcome): boolean {
    this.#settled = true
    this.#putAway()
    if (this.#zombie) this.#overseer.zombieFell()
    this.#permit.release(this.#calledOff ?? outcome)
    return this.#calledOff === undefined
  }

  #putAway(): void {
    this.#timer?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#leave)
  }
}

function isThenable<T>(value: PromiseLike<T> | T): value is PromiseLike<T> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
