import {
  inThisContext,
  isRejection,
  RejectedError,
  Rejection,
  systemClock,
  type Arrival,
  type Clock,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import type { Answer, Entry, Gate, GateCore, GateStats, Observer, RunOptions, Verdict, Waiting } from './gate.ts'
import { ObservedPermit } from './observed-permit.ts'
import { workSignal, type WorkSignal } from './work-signal.ts'

export interface DefineGateOptions {
  /** What is told of every arrival. Default: nobody. */
  readonly observer?: Observer
  /** Times the deadlines of `run`. Default: the platform's clock. */
  readonly clock?: Clock
}

/** The everyday arrival, so that asking for nothing special allocates nothing. */
const ORDINARY_ARRIVAL: RunOptions = Object.freeze({})

/** Makes a {@link Gate} of a {@link GateCore}: promises, aborts, deadlines and metrics, written once for every gate. */
export function defineGate(core: GateCore, options: DefineGateOptions = {}): Gate {
  return new DefinedGate(core, options.observer, options.clock ?? systemClock)
}

class DefinedGate implements Gate {
  readonly core: GateCore
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
    verdict.answer = observer === undefined ? inContext : (late): void => inContext(this.#told(observer, arrival, late))
    return verdict
  }

  async acquire(entry: Entry = ORDINARY_ARRIVAL): Promise<Permit> {
    return this.#begin(entry)
  }

  async run<T>(work: (signal: AbortSignal) => PromiseLike<T> | T, options: RunOptions = ORDINARY_ARRIVAL): Promise<T> {
    const entered = this.#begin(options)
    const permit = entered instanceof Promise ? await entered : entered
    const control = workSignal(work.length > 0, options, this.#clock, () => this.#tooLate(options))
    try {
      const result = await work(control.signal)
      permit.release('success')
      return result
    } catch (error) {
      permit.release(this.#outcomeOf(error, options, control))
      throw error
    } finally {
      control.dispose()
    }
  }

  /** A permit at once where there is one, so that nobody waits for a promise of ours without need. */
  #begin(entry: Entry): Permit | Promise<Permit> {
    const { signal } = entry
    signal?.throwIfAborted()
    const verdict = this.core.enter(entry, true)
    const observer = this.#observer
    if (verdict.admitted === undefined) return this.#wait(verdict, entry)
    const told = observer === undefined ? verdict : this.#told(observer, entry, verdict)
    if (told.admitted) return told
    throw new RejectedError(told)
  }

  #wait(waiting: Waiting, entry: Entry): Promise<Permit> {
    const { signal } = entry
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

  #tooLate(options: RunOptions): RejectedError {
    return new RejectedError(new Rejection('deadline', this.name, this.#clock.now(), options.deadline ?? 0))
  }

  #outcomeOf(error: unknown, options: RunOptions, control: WorkSignal): Outcome {
    if (options.outcomeOf !== undefined) return options.outcomeOf(error)
    if (options.signal?.aborted === true) return 'ignored'
    if (control.expired) return 'dropped'
    return error instanceof Error && isRejection((error as Partial<RejectedError>).rejection) ? 'dropped' : 'failure'
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
