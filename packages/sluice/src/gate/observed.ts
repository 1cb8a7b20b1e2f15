import type { Arrival, Clock, Millis, Outcome, Permit, Pressure, Signal } from '../ground/index.ts'
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

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    return this.tell(arrival, this.#core.enter(arrival, mayWait))
  }

  /** Tells of an answer of the core, however it was come by. */
  tell(arrival: Arrival, entered: Verdict | Waiting): Verdict | Waiting {
    if (entered.admitted === undefined) return new ObservedWaiting(entered, arrival, this.#observer)
    return told(this.#observer, arrival, entered)
  }

  close(): void {
    this.#core.close()
  }
}

function told(observer: Observer, arrival: Arrival, verdict: Verdict): Verdict {
  if (!verdict.admitted) {
    observer.rejected?.(arrival, verdict)
    return verdict
  }
  observer.admitted?.(arrival, verdict.waited)
  return new ObservedPermit(verdict, arrival, observer)
}

class ObservedWaiting implements Waiting {
  answer: Answer | undefined
  readonly #waiting: Waiting

  constructor(waiting: Waiting, arrival: Arrival, observer: Observer) {
    this.#waiting = waiting
    observer.waiting?.(arrival)
    waiting.answer = (verdict): void => this.answer?.(told(observer, arrival, verdict))
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
  #observer: Observer | undefined

  constructor(permit: Permit, arrival: Arrival, observer: Observer) {
    this.#permit = permit
    this.#arrival = arrival
    this.#observer = observer
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return this.#permit.waited
  }

  release(outcome: Outcome, cost?: number): void {
    const observer = this.#observer
    if (observer === undefined) return
    this.#observer = undefined
    observer.released?.(this.#arrival, outcome)
    this.#permit.release(outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
