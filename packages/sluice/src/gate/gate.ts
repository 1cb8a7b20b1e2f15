import type { Arrival, Clock, Instant, Millis, Outcome, Permit, Pressure, Rejection, Signal } from '../ground/index.ts'

/** What a gate says. `verdict.admitted` tells the two apart. */
export type Verdict = Permit | Rejection

/** Receives the verdict of an arrival that had to wait. Called exactly once; must not throw. */
export type Answer = (verdict: Verdict) => void

/**
 * An arrival that waits. Whoever receives one sets `answer` before giving control back, and may `cancel`.
 */
export interface Waiting {
  readonly admitted: undefined
  /** The deadline it was asked with, where it keeps it: then nobody else need. */
  readonly deadline?: Instant
  answer: Answer | undefined
  /** Stops waiting: answers `cancelled` before it returns, unless it was answered already. */
  cancel(): void
}

/** What a gate holds at this moment, in units of cost except `queued`, which counts arrivals. */
export interface GateStats {
  /** What may be in flight at once; `Infinity` where the gate does not count that. */
  readonly limit: number
  readonly inflight: number
  readonly queued: number
}

/**
 * What the author of a gate writes: synchronous, free of promises, and without timers but the injected clock's.
 * `defineGate` makes a {@link Gate} of it. The laws in `sluice/testing` say what is expected of it.
 */
export interface GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  /** A reading, made when asked for. */
  readonly stats: GateStats
  /** What deadlines are measured on. Default: the platform's clock. */
  readonly clock?: Clock | undefined
  /** The gates this one is made of, where it is made of others. */
  readonly parts?: readonly GateCore[]
  /** True while forgetting it and making a new one would change nothing. Default: nothing in flight, queued, pressing, and its parts so. */
  readonly atRest?: boolean | undefined
  /** Another of its kind that shares what is constant: for those who need one for each of many keys. */
  readonly sibling?: (() => GateCore) | undefined
  /**
   * Throws what `enter` would for an arrival that can never be let in. Asked by gates made of others before somebody
   * waits at one of them for nothing. Default: nothing to say.
   */
  check?(arrival: Arrival): void
  /**
   * Decides. Answers a {@link Waiting} only where `mayWait` is true and the arrival's `maxWait` is not 0.
   * @throws RangeError when the arrival itself makes no sense (a cost of -1), naming field and value
   */
  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting
  /**
   * From now on refuses everybody who comes with `closed` and lets in nobody who waits, without telling them yet: what is
   * made of several gates shuts all before it closes any, for telling somebody runs code that may release elsewhere.
   */
  shut?(): void
  /** Refuses everybody who waits and everybody who comes with `closed`. Permits in use end as usual. Idempotent. */
  close(): void
}

/** What a gate tells whoever watches it. Every member is optional; a gate nobody watches pays one check. */
export interface Observer {
  /** Begins to wait; exactly one of the next two follows. */
  waiting?(arrival: Arrival): void
  admitted?(arrival: Arrival, waited: Millis): void
  rejected?(arrival: Arrival, rejection: Rejection): void
  released?(arrival: Arrival, outcome: Outcome): void
  /** Work of `run` was called off, by its caller or for being late, and goes on all the same. */
  overdue?(arrival: Arrival): void
  /** An adaptive limit moved, and why. */
  limitChanged?(from: number, to: number, reason: string): void
}

/** What `acquire` and `run` take: an arrival, and a way to give up. */
export interface Entry extends Arrival {
  /** Stops the waiting, and in `run` the work. */
  readonly signal?: AbortSignal
}

/** What `run` takes. */
export interface RunOptions extends Entry {
  /** How long the work may take once it was let in, in ms. Default: until the `deadline`, if there is one. */
  readonly timeout?: Millis
  /**
   * What becomes of the permit when work goes on although it was called off: `hold` keeps it until the work has really
   * ended, so that no more is in progress than the limit says; `release` frees it at once and counts the work as a
   * zombie. Default `hold`.
   */
  readonly overdue?: 'hold' | 'release'
  /**
   * What a thrown error teaches the gate. Default: `dropped` for a `RejectedError` from further in, else `failure`. Not
   * asked about work that was called off. Must not throw.
   */
  readonly outcomeOf?: (error: unknown) => Outcome
}

/** What the user of a gate holds. Made by `defineGate`, never by hand. */
export interface Gate extends Disposable {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly stats: GateStats
  readonly core: GateCore
  /** Pieces of work of `run` that were called off and go on all the same. */
  readonly zombies: number
  /** Now or never. Never waits, never allocates a promise. */
  tryEnter(arrival?: Arrival): Verdict
  /**
   * Waits if it must. `answer` is called exactly once, in the async context of this call: before `enter` returns
   * (which then returns nothing), or later, unless the result is cancelled first (which answers `cancelled`).
   */
  enter(arrival: Arrival, answer: Answer): { cancel(): void } | undefined
  /**
   * Waits for a permit.
   * @throws RejectedError when refused; `signal.reason` when aborted while waiting
   */
  acquire(entry?: Entry): Promise<Permit>
  /**
   * Waits for a permit, does the work, gives the permit back. The work receives a signal, which is aborted when
   * `options.signal` is, and when `deadline` or `timeout` comes: then the caller gets its answer at once, and the permit
   * comes back when the work has ended (see `overdue`), as `ignored` or `dropped`. A result is a `success`.
   * @throws RejectedError when refused, or with code `deadline` when out of time; `signal.reason` when aborted;
   * whatever the work throws
   */
  run<T>(work: (signal: AbortSignal) => PromiseLike<T> | T, options?: RunOptions): Promise<T>
  close(): void
}
