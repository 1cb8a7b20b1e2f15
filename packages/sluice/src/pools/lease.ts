import {
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Timer,
} from '../ground/index.ts'
import { faultOf, type PoolPort } from './pool-port.ts'

/** Whoever lends. */
export interface Lender<C extends object> {
  readonly port: PoolPort<C>
  readonly clock: Clock
  /** How long a connection that was called off may take to come back, in ms. */
  readonly grace: Millis
  /** It is coming back. */
  returning(lease: Lease<C>): void
  /** It did not come back in time and is closed with its work still going on. */
  abandoned(): void
  /** What is said to whoever is out of time. */
  tooLate(deadline: Instant): unknown
}

/** What bounds a lease. */
export interface LeaseOptions {
  readonly signal: AbortSignal | undefined
  /** `Infinity` for none. */
  readonly deadline: Instant
  /** Who took it, as an object with a `stack`. */
  readonly taker: { readonly stack?: string } | undefined
  readonly flow: string | undefined
}

/** Why a connection is closed that the next one must not have. Made once: it says nothing of who left it so. */
const LEFT_BUSY = new Error('given back inside a transaction, or with a statement still running')

interface CalledOff {
  readonly reason: unknown
  readonly outcome: Outcome
}

/**
 * A connection lent to one piece of work, with the permit for it. It ends once, however often and by whom it is given
 * back; the permit comes back when the connection is in the pool again or closed.
 *
 * At its deadline, or when its caller leaves, what the server is doing for it is cancelled. Then it has `grace` ms to
 * come back before it is taken away.
 */
export class Lease<C extends object> implements AbortListener {
  readonly client: C
  readonly since: Instant
  readonly flow: string | undefined
  readonly #lender: Lender<C>
  readonly #permit: Permit
  readonly #options: LeaseOptions
  #timer: Timer | undefined
  #calledOff: CalledOff | undefined
  #cancelled: PromiseLike<void> | undefined
  #hurry: ((reason: unknown) => void) | undefined
  #lost: unknown
  #ended = false

  constructor(lender: Lender<C>, client: C, permit: Permit, options: LeaseOptions) {
    this.#lender = lender
    this.client = client
    this.#permit = permit
    this.#options = options
    this.flow = options.flow
    this.since = lender.clock.now()
    const { signal, deadline } = options
    if (deadline < Infinity)
      this.#timer = lender.clock.after(deadline - this.since, () => this.callOff(lender.tooLate(deadline), 'dropped'))
    if (signal === undefined) return
    // Left between the answer of the pool and now, of which no event will tell any more.
    if (signal.aborted) this.aborted(signal.reason)
    else watchAbort(signal, this)
  }

  /** True once it was given back or taken away. */
  get ended(): boolean {
    return this.#ended
  }

  /** How long the connection was waited for, in ms. */
  get waited(): Millis {
    return this.#permit.waited
  }

  /** Who took it. Empty where nobody noted that. */
  get stack(): string {
    return this.#options.taker?.stack?.replace(/^.*\n/, '') ?? ''
  }

  /** Why it cannot be worked with any more; `undefined` while it can. */
  get refusal(): unknown {
    if (this.#calledOff !== undefined) return this.#calledOff.reason
    if (this.#ended) return new Error('this connection was given back to its pool: take another one')
    return this.#lender.port.brokenBy?.(this.client)
  }

  /** True while called off, and not given back: what is left to do is to clean up. */
  get isCalledOff(): boolean {
    return this.#calledOff !== undefined && !this.#ended
  }

  /**
   * Does the work and gives the connection back. When it is called off the caller gets its answer at once, and the
   * connection comes back when the server has let go of it.
   */
  run<T>(work: (client: C) => PromiseLike<T> | T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#hurry = reject
      const failed = (error: unknown): void => {
        this.fail(error)
        reject(error)
      }
      let result: PromiseLike<T> | T
      try {
        result = work(this.client)
      } catch (error) {
        return failed(error)
      }
      Promise.resolve(result).then((value) => {
        this.end('success')
        resolve(value)
      }, failed)
    })
  }

  /** Gives the connection back after an error: to be closed where the error says so. */
  fail(error: unknown): void {
    this.suffer(error)
    this.end(faultOf(this.#lender.port, error).outcome)
  }

  /** Notes an error of its work: the pool may hear of a lost connection only after it was given back. */
  suffer(error: unknown): void {
    if (faultOf(this.#lender.port, error).broken) this.#lost ??= error
  }

  /** Gives the connection back. @param close why it is to be closed; default: it may be used again */
  end(outcome: Outcome, close?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#putAway()
    this.#lender.returning(this)
    const last = this.#calledOff?.outcome ?? outcome
    // On its way to the server a cancel would hit whoever came next.
    if (this.#cancelled === undefined) this.#giveBack(last, close)
    else void this.#cancelled.then(() => this.#giveBack(last, close))
  }

  /** Its caller's signal was. */
  aborted(reason: unknown): void {
    this.callOff(reason, 'ignored')
  }

  /** Stops its work, on the server too, and refuses more of it. */
  callOff(reason: unknown, outcome: Outcome): void {
    if (this.#ended || this.#calledOff !== undefined) return
    this.#calledOff = { reason, outcome }
    this.#putAway()
    this.#hurry?.(reason)
    const { port, clock, grace } = this.#lender
    this.#cancelled = port.cancel?.(this.client).then(undefined, () => undefined)
    this.#timer = clock.after(grace, () => {
      if (this.#ended) return
      this.#lender.abandoned()
      this.end(outcome, reason)
    })
  }

  #giveBack(outcome: Outcome, close: unknown): void {
    const { port } = this.#lender
    let back: unknown
    try {
      const reason = close ?? this.#lost ?? (port.reusable?.(this.client) === false ? LEFT_BUSY : undefined)
      back = reason === undefined ? port.give(this.client) : port.close(this.client, reason)
    } catch {
      // Given back behind the guard's back: the pool says so, and the slot must not pay for it.
    }
    const free = (): void => this.#permit.release(outcome)
    // Pools may have promises of their own make.
    if (typeof (back as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function')
      Promise.resolve(back).then(free, free)
    else free()
  }

  #putAway(): void {
    const { signal } = this.#options
    this.#timer?.cancel()
    if (signal !== undefined) unwatchAbort(signal, this)
  }
}
