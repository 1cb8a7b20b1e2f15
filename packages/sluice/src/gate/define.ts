import {
  inThisContext,
  RejectedError,
  systemClock,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Arrival,
  type Clock,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { Attempt, idleSignal, type Work } from './attempt.ts'
import type { Answer, Entry, Gate, GateCore, GateStats, Observer, RunOptions, Verdict, Waiting } from './gate.ts'
import { ObservedCore } from './observed.ts'
import { outcomeOf, Overseer } from './overseer.ts'

export interface DefineGateOptions {
  /** What is told of every arrival. Default: nobody. */
  readonly observer?: Observer
  /** Times the deadlines of `run`. Default: the core's. */
  readonly clock?: Clock
}

/** The everyday arrival, so that asking for nothing special allocates nothing. */
const ORDINARY_ARRIVAL: RunOptions = Object.freeze({})

/** Makes a {@link Gate} of a {@link GateCore}: promises, aborts, deadlines and metrics, written once for every gate. */
export function defineGate(core: GateCore, options: DefineGateOptions = {}): Gate {
  return new DefinedGate(observed(core, options.observer), options)
}

/** The core, watched where somebody watches. */
export function observed(core: GateCore, observer: Observer | undefined): GateCore {
  return observer === undefined ? core : new ObservedCore(core, observer)
}

/** The class behind `defineGate`, for gates that offer more than a gate. */
export class DefinedGate implements Gate {
  readonly core: GateCore
  readonly #overseer: Overseer

  /** @param core already {@link observed} */
  constructor(core: GateCore, { observer, clock }: DefineGateOptions) {
    this.core = core
    this.#overseer = new Overseer(core.name, clock ?? core.clock ?? systemClock, observer)
  }

  get name(): string {
    return this.core.name
  }

  get pressure(): Signal<Pressure> {
    return this.core.pressure
  }

  get stats(): GateStats {
    return this.core.stats
  }

  get zombies(): number {
    return this.#overseer.zombies
  }

  tryEnter(arrival: Arrival = ORDINARY_ARRIVAL): Verdict {
    return this.core.enter(arrival, false) as Verdict
  }

  enter(arrival: Arrival, answer: Answer): { cancel(): void } | undefined {
    const entered = this.core.enter(arrival, true)
    if (entered.admitted === undefined) {
      entered.answer = inThisContext(answer)
      return entered
    }
    answer(entered)
    return undefined
  }

  acquire(entry: Entry = ORDINARY_ARRIVAL): Promise<Permit> {
    try {
      entry.signal?.throwIfAborted()
      return Promise.resolve(this.admission(this.core.enter(entry, true), entry))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Not `async`: whoever is let in at once pays for one async function, and who waits holds no half-run one. */
  run<T>(work: Work<T>, options: RunOptions = ORDINARY_ARRIVAL): Promise<T> {
    try {
      options.signal?.throwIfAborted()
      const entered = this.core.enter(options, true)
      if (entered.admitted === undefined) return this.#runLater(work, entered, options)
      return this.#start(work, permitOf(entered), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #start<T>(work: Work<T>, permit: Permit, options: RunOptions): Promise<T> {
    if (isTimed(options)) return new Attempt(work, permit, options, this.#overseer).start(work)
    return perform(work, permit, options)
  }

  /** By way of a promise: work is the caller's, and must run in its async context, not in that of whoever released. */
  #runLater<T>(work: Work<T>, waiting: Waiting, options: RunOptions): Promise<T> {
    if (options.signal !== undefined)
      return this.#wait(waiting, options).then((permit) => this.#start(work, permit, options))
    if (!isTimed(options) && options.outcomeOf === undefined) return performLater(work, waiting)
    // Where somebody watches the waiter is theirs, and keeps none: of overdue work they are told all that it asked with.
    if (waiting.deadline !== undefined && isDeadlineAll(options)) return performInTime(work, waiting, this.#overseer)
    return answered(waiting).then((verdict) => this.#start(work, permitOf(verdict), options))
  }

  /**
   * What the promise skin makes of a core's answer: a permit at once where there is one, so that nobody waits for a
   * promise of ours without need.
   * @throws RejectedError when refused at once
   */
  protected admission(entered: Verdict | Waiting, entry: Entry): Permit | Promise<Permit> {
    if (entered.admitted === undefined) return this.#wait(entered, entry)
    return permitOf(entered)
  }

  #wait(waiting: Waiting, { signal }: Entry): Promise<Permit> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) answerTo(waiting, resolve, reject)
      else answerUnlessAborted(waiting, signal, resolve, reject)
    })
  }

  close(): void {
    this.core.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function isTimed({ signal, deadline, timeout }: RunOptions): boolean {
  return signal !== undefined || deadline !== undefined || timeout !== undefined
}

/** Whether nothing of it matters once the work begins but the deadline. */
function isDeadlineAll({ timeout, overdue, outcomeOf: judge }: RunOptions): boolean {
  return timeout === undefined && overdue === undefined && judge === undefined
}

/** @throws RejectedError where there is none */
function permitOf(verdict: Verdict): Permit {
  if (verdict.admitted) return verdict
  throw new RejectedError(verdict)
}

/** Work that nobody can call off. Chained, not awaited: an async function would cost 200 bytes more. */
function perform<T>(work: Work<T>, permit: Permit, options: RunOptions): Promise<T> {
  try {
    return Promise.resolve(work(idleSignal(work))).then(
      (value) => {
        permit.release('success')
        return value
      },
      (error) => {
        permit.release(outcomeOf(error, options))
        throw error
      },
    )
  } catch (error) {
    permit.release(outcomeOf(error, options))
    return Promise.reject(error)
  }
}

/**
 * The same for one who waits. Of a million waiters, each holds no more than this knows: not the gate, not the options; and
 * bound, for a closure and its scope would be more.
 */
function performLater<T>(work: Work<T>, waiting: Waiting): Promise<T> {
  return answered(waiting).then((performOnce<T>).bind(undefined, work))
}

function performOnce<T>(work: Work<T>, verdict: Verdict): Promise<T> {
  return perform(work, permitOf(verdict), ORDINARY_ARRIVAL)
}

/** The same for one with a deadline that keeps it itself. */
function performInTime<T>(work: Work<T>, waiting: Waiting, overseer: Overseer): Promise<T> {
  return answered(waiting).then((performOnceInTime<T>).bind(overseer, work, waiting))
}

function performOnceInTime<T>(this: Overseer, work: Work<T>, { deadline }: Waiting, verdict: Verdict): Promise<T> {
  return new Attempt(work, permitOf(verdict), { deadline: deadline! }, this).start(work)
}

/** A promise of the answer whose own function is that answer's: of a million waiters each would pay for another. */
function answered(waiting: Waiting): Promise<Verdict> {
  return new Promise((resolve) => {
    waiting.answer = resolve
  })
}

function answerTo(waiting: Waiting, resolve: (permit: Permit) => void, reject: (reason: unknown) => void): void {
  waiting.answer = (verdict): void => {
    if (verdict.admitted) resolve(verdict)
    else reject(new RejectedError(verdict))
  }
}

/** Apart from {@link answerTo}, so that a million waiters without a signal do not each hold the room for one. */
function answerUnlessAborted(
  waiting: Waiting,
  signal: AbortSignal,
  resolve: (permit: Permit) => void,
  reject: (reason: unknown) => void,
): void {
  const caller: AbortListener = { aborted: () => waiting.cancel() }
  watchAbort(signal, caller)
  waiting.answer = (verdict): void => {
    unwatchAbort(signal, caller)
    if (verdict.admitted) resolve(verdict)
    else reject(verdict.code === 'cancelled' && signal.aborted ? signal.reason : new RejectedError(verdict))
  }
}
