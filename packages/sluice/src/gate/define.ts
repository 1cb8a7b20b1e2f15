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
import { ObservedCore } from './observed.ts'

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
  zombies = 0
  readonly #observer: Observer | undefined
  readonly #clock: Clock

  /** @param core already {@link observed} */
  constructor(core: GateCore, { observer, clock }: DefineGateOptions) {
    this.core = core
    this.#observer = observer
    this.#clock = clock ?? core.clock ?? systemClock
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
    if (entered.admitted) return entered
    throw new RejectedError(entered)
  }

  #wait(waiting: Waiting, entry: Entry): Promise<Permit> {
    const { signal } = entry
    return new Promise((resolve, reject) => {
      const leave = (): void => waiting.cancel()
      signal?.addEventListener('abort', leave, { once: true })
      waiting.answer = (verdict): void => {
        signal?.removeEventListener('abort', leave)
        if (verdict.admitted) resolve(verdict)
        else
          reject(verdict.code === 'cancelled' && signal?.aborted === true ? signal.reason : new RejectedError(verdict))
      }
    })
  }

  close(): void {
    this.core.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** What a thrown error teaches. A judge that breaks costs nobody a slot: to it, too, the work has failed. */
function outcomeOf(error: unknown, options: RunOptions): Outcome {
  try {
    if (options.outcomeOf !== undefined) return options.outcomeOf(error)
  } catch {
    return 'failure'
  }
  return error instanceof Error && isRejection((error as Partial<RejectedError>).rejection) ? 'dropped' : 'failure'
}
