import {
  inThisContext,
  isRejection,
  RejectedError,
  Rejection,
  systemClock,
  type Arrival,
  type Clock,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { Attempt, idleSignal, type Overseer } from './attempt.ts'
import type { Answer, Entry, Gate, GateCore, GateStats, Observer, RunOptions, Verdict, Waiting } from './gate.ts'
import { ObservedPermit } from './observed-permit.ts'

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
  return new DefinedGate(core, options.observer, options.clock ?? core.clock ?? systemClock)
}

/** The class behind `defineGate`, for gates that offer more than a gate. */
export class DefinedGate implements Gate {
  readonly core: GateCore
  zombies = 0
  readonly #observer: Observer | undefined
  readonly #clock: Clock

  constructor(core: GateCore, observer: Observer | undefined, clock: Clock) {
    this.core = core
    this.#observer = observer
    this.#clock = clock
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

  tryEnter(arrival: Arrival = ORDINARY_ARRIVAL): Verdict {
    const verdict = this.core.enter(arrival, false) as Verdict
    return this.#observer === undefined ? verdict : this.#told(this.#observer, arrival, verdict)
  }

  enter(arrival: Arrival, answer: Answer): { cancel(): void } | undefined {
    const verdict = this.core.enter(arrival, true)
    const observer = this.#observer
    if (verdict.admitted !== undefined) {
      answer(observer === undefined ? verdict : this.#told(observer, arrival, verdict))
      return undefined
    }
    const inContext = inThisContext(answer)
    observer?.waiting?.(arrival)
    verdict.answer = observer === undefined ? inContext : (late): void => inContext(this.#told(observer, arrival, late))
    return verdict
  }

  async acquire(entry: Entry = ORDINARY_ARRIVAL): Promise<Permit> {
    entry.signal?.throwIfAborted()
    return this.admission(this.core.enter(entry, true), entry)
  }

  async run<T>(work: (signal: AbortSignal) => PromiseLike<T> | T, options: RunOptions = ORDINARY_ARRIVAL): Promise<T> {
    options.signal?.throwIfAborted()
    const entered = this.admission(this.core.enter(options, true), options)
    const permit = entered instanceof Promise ? await entered : entered
    if (options.signal !== undefined || options.deadline !== undefined || options.timeout !== undefined)
      return new Attempt<T>(work, permit, options, this.#clock, this.#overseer(options)).start(
        work,
        this.#patience(options),
      )
    try {
      const result = await work(idleSignal(work))
      permit.release('success')
      return result
    } catch (error) {
      permit.release(outcomeOf(error, options))
      throw error
    }
  }

  /** How long work may take, in ms. */
  #patience({ deadline, timeout = Infinity }: RunOptions): Millis {
    return deadline === undefined ? timeout : Math.min(timeout, deadline - this.#clock.now())
  }

  #overseer(options: RunOptions): Overseer {
    return {
      tooLate: () => {
        const now = this.#clock.now()
        return new RejectedError(new Rejection('deadline', this.name, now, Math.min(now, options.deadline ?? now)))
      },
      outcomeOf: (error) => outcomeOf(error, options),
      zombieRose: () => {
        this.zombies++
        this.#observer?.overdue?.(options)
      },
      zombieFell: () => {
        this.zombies--
      },
    }
  }

  /**
   * What the promise skin makes of a core's answer: a permit at once where there is one, so that nobody waits for a
   * promise of ours without need.
   * @throws RejectedError when refused at once
   */
  protected admission(entered: Verdict | Waiting, entry: Entry): Permit | Promise<Permit> {
    if (entered.admitted === undefined) return this.#wait(entered, entry)
    const observer = this.#observer
    const told = observer === undefined ? entered : this.#told(observer, entry, entered)
    if (told.admitted) return told
    throw new RejectedError(told)
  }

  #wait(waiting: Waiting, entry: Entry): Promise<Permit> {
    const { signal } = entry
    this.#observer?.waiting?.(entry)
    return new Promise((resolve, reject) => {
      const leave = (): void => waiting.cancel()
      signal?.addEventListener('abort', leave, { once: true })
      waiting.answer = (verdict): void => {
        signal?.removeEventListener('abort', leave)
        const told = this.#observer === undefined ? verdict : this.#told(this.#observer, entry, verdict)
        if (told.admitted) resolve(told)
        else reject(told.code === 'cancelled' && signal?.aborted === true ? signal.reason : new RejectedError(told))
      }
    })
  }

  close(): void {
    this.core.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #told(observer: Observer, arrival: Arrival, verdict: Verdict): Verdict {
    if (!verdict.admitted) {
      observer.rejected?.(arrival, verdict)
      return verdict
    }
    observer.admitted?.(arrival, verdict.waited)
    return new ObservedPermit(verdict, arrival, observer)
  }
}

/** What a thrown error teaches. */
function outcomeOf(error: unknown, options: RunOptions): Outcome {
  if (options.outcomeOf !== undefined) return options.outcomeOf(error)
  return error instanceof Error && isRejection((error as Partial<RejectedError>).rejection) ? 'dropped' : 'failure'
}
