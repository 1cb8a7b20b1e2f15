import {
  checkFunction,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Outcome,
  type Permit,
  type Timer,
} from '../ground/index.ts'
import type { RunOptions } from './gate.ts'
import { outcomeOf, type Overseer } from './overseer.ts'
import { isThenable } from './thenable.ts'

const NEVER = new AbortController().signal

/** What `run` does. */
export type Work<T> = (signal: AbortSignal) => PromiseLike<T> | T

/**
 * The signal for work that cannot be stopped from outside. Work that declares no parameter cannot listen and gets one
 * that is shared; a shared one for work that does would collect its listeners for ever.
 */
export function idleSignal(work: Work<unknown>): AbortSignal {
  return listens(checkFunction('run.work', work)) ? new AbortController().signal : NEVER
}

/** The last work that was found to declare no parameter: V8 takes 10 ns to tell, a tenth of a whole `run`. */
let deaf: unknown

function listens(work: Work<unknown>): boolean {
  if (work === deaf || typeof work !== 'function') return false
  if (work.length > 0) return true
  deaf = work
  return false
}

/**
 * One piece of work with a time limit or a caller who may leave. When either comes, the work's signal is aborted and the
 * caller gets its answer at once; the permit is held until the work has really ended, unless `overdue` says otherwise.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` are avoided: the first costs 8–12 µs a call on Node 20 and 22 and keeps
 * memory. A controller is made only for work that declares a parameter.
 */
export class Attempt<T> implements AbortListener {
  readonly #permit: Permit
  readonly #options: RunOptions
  readonly #overseer: Overseer
  readonly #controller: AbortController | undefined
  #timer: Timer | undefined
  /** How the work is to end, once it has been called off. */
  #calledOff: Outcome | undefined
  #settled = false
  #zombie = false
  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void

  constructor(work: Work<T>, permit: Permit, options: RunOptions, overseer: Overseer) {
    this.#permit = permit
    this.#options = options
    this.#overseer = overseer
    this.#controller = listens(work) ? new AbortController() : undefined
  }

  /** Does the work. */
  start(work: Work<T>): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    try {
      this.#begin(work)
    } catch (error) {
      this.#failed(error)
    }
    return promise
  }

  #begin(work: Work<T>): void {
    checkFunction('run.work', work)
    const { signal, deadline } = this.#options
    const patience = this.#overseer.patience(this.#options)
    // Left between being let in and now, of which no event will tell any more; or late: not every gate looks at deadlines.
    if (signal?.aborted === true || patience <= 0) {
      this.#permit.release('ignored', 0)
      this.#reject(signal?.aborted === true ? signal.reason : this.#overseer.tooLate(deadline))
      return
    }
    if (signal !== undefined) watchAbort(signal, this)
    if (patience < Infinity)
      this.#timer = this.#overseer.clock.after(patience, () =>
        this.#callOff('dropped', this.#overseer.tooLate(deadline)),
      )
    const result = work(this.#controller?.signal ?? NEVER)
    // The platform's own promise comes back as it is; of any other kind only the first word counts.
    if (isThenable(result)) void Promise.resolve(result).then(this.#done, this.#failed)
    else this.#done(result)
  }

  /** Its caller leaves. */
  aborted(reason: unknown): void {
    this.#callOff('ignored', reason)
  }

  #callOff(outcome: Outcome, reason: unknown): void {
    if (this.#settled || this.#calledOff !== undefined) return
    this.#calledOff = outcome
    this.#putAway()
    this.#reject(reason)
    this.#controller?.abort(reason)
    if (this.#options.overdue === 'release') this.#permit.release(outcome)
    // Work that heeds its signal has ended by the next turn of the event loop.
    this.#timer = this.#overseer.clock.after(0, () => {
      if (this.#settled) return
      this.#zombie = true
      this.#overseer.zombieRose(this.#options)
    })
  }

  readonly #done = (value: T): void => {
    if (this.#end('success')) this.#resolve(value)
  }

  readonly #failed = (error: unknown): void => {
    // Asked only where it decides: the user's function sees each error at most once.
    const outcome = this.#calledOff ?? outcomeOf(error, this.#options)
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
    if (this.#options.signal !== undefined) unwatchAbort(this.#options.signal, this)
  }
}
