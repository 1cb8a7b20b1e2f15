import {
  systemClock,
  throwLater,
  type Arrival,
  type Clock,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import type { Answer, GateCore, GateStats, Observer, Verdict, Waiting } from './gate.ts'

/**
 * A core whose every arrival is told to an observer, also where it is a part of another gate. Gates that nobody watches
 * are not wrapped and pay nothing.
 */
export class ObservedCore implements GateCore {
  readonly #core: GateCore
  readonly #observer: Observer

  constructor(core: GateCore, observer: Observer) {
    this.#core = core
    this.#observer = observer
  }

  get name(): string {
    return this.#core.name
  }

  get pressure(): Signal<Pressure> {
    return this.#core.pressure
  }

  get stats(): GateStats {
    return this.#core.stats
  }

  get clock(): Clock | undefined {
    return this.#core.clock
  }

  get parts(): readonly GateCore[] {
    return this.#core.parts ?? []
  }

  get atRest(): boolean | undefined {
    return this.#core.atRest
  }

  /** Only where the core can make one: asked once, when it is made. */
  get sibling(): (() => GateCore) | undefined {
    const { sibling } = this.#core
    return sibling && ((): GateCore => new ObservedCore(sibling.call(this.#core), this.#observer))
  }

  check(arrival: Arrival): void {
    this.#core.check?.(arrival)
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    return this.tell(arrival, this.#core.enter(arrival, mayWait))
  }

  /** Tells of an answer of the core, however it was come by. */
  tell(arrival: Arrival, entered: Verdict | Waiting): Verdict | Waiting {
    if (entered.admitted === undefined) return new ObservedWaiting(entered, arrival, this)
    return this.told(arrival, entered)
  }

  /** What an observer throws surfaces by itself: the gate it watches must not stop half-way. */
  told(arrival: Arrival, verdict: Verdict): Verdict {
    try {
      if (verdict.admitted) this.#observer.admitted?.(arrival, verdict.waited)
      else this.#observer.rejected?.(arrival, verdict)
    } catch (error) {
      this.#thrown(error)
    }
    return verdict.admitted ? new ObservedPermit(verdict, arrival, this) : verdict
  }

  waits(arrival: Arrival): void {
    try {
      this.#observer.waiting?.(arrival)
    } catch (error) {
      this.#thrown(error)
    }
  }

  released(arrival: Arrival, outcome: Outcome): void {
    try {
      this.#observer.released?.(arrival, outcome)
    } catch (error) {
      this.#thrown(error)
    }
  }

  #thrown(error: unknown): void {
    throwLater(this.clock ?? systemClock, error)
  }

  shut(): void {
    this.#core.shut?.()
  }

  close(): void {
    this.#core.close()
  }
}

class ObservedWaiting implements Waiting {
  answer: Answer | undefined
  readonly #waiting: Waiting

  constructor(waiting: Waiting, arrival: Arrival, core: ObservedCore) {
    this.#waiting = waiting
    core.waits(arrival)
    waiting.answer = (verdict): void => this.answer?.(core.told(arrival, verdict))
  }

  get admitted(): undefined {
    return undefined
  }

  cancel(): void {
    this.#waiting.cancel()
  }
}

class ObservedPermit implements Permit {
  readonly #permit: Permit
  readonly #arrival: Arrival
  #core: ObservedCore | undefined

  constructor(permit: Permit, arrival: Arrival, core: ObservedCore) {
    this.#permit = permit
    this.#arrival = arrival
    this.#core = core
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return this.#permit.waited
  }

  release(outcome: Outcome, cost?: number): void {
    const core = this.#core
    if (core === undefined) return
    this.#core = undefined
    core.released(this.#arrival, outcome)
    this.#permit.release(outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
