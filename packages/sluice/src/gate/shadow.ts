import {
  FREE,
  systemClock,
  type Arrival,
  type Clock,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { defineGate } from './define.ts'
import type { Gate, GateCore, GateStats, Observer, Verdict, Waiting } from './gate.ts'

/**
 * Asks a gate, tells `observer` what it would have done, and lets everybody in at once: how one tries a gate on live
 * traffic before it may refuse anybody. Whoever would have waited is told of as admitted or rejected when the gate
 * decides; if it has ended by then, as admitted.
 */
export function shadow(gate: Gate, observer: Observer): Gate {
  return defineGate(new Shadow(gate.core, observer))
}

class Shadow implements GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly clock: Clock
  readonly parts: readonly GateCore[]
  readonly #inner: GateCore
  readonly #observer: Observer

  constructor(inner: GateCore, observer: Observer) {
    this.#inner = inner
    this.#observer = observer
    this.name = inner.name
    this.pressure = inner.pressure
    this.clock = inner.clock ?? systemClock
    this.parts = [inner]
  }

  get stats(): GateStats {
    return this.#inner.stats
  }

  enter(arrival: Arrival): Verdict {
    let entered: Verdict | Waiting
    try {
      entered = this.#inner.enter(arrival, true)
    } catch {
      // An arrival the gate cannot make sense of would have been an error: not while it is only being tried.
      return FREE
    }
    return new ShadowPermit(arrival, entered, this.#observer)
  }

  close(): void {
    // It refuses nobody, so there is nothing to close; and the gate behind it may be in use elsewhere.
  }
}

class ShadowPermit implements Permit {
  readonly #arrival: Arrival
  readonly #observer: Observer
  #permit: Permit | undefined
  #waiting: Waiting | undefined
  #ended = false

  constructor(arrival: Arrival, entered: Verdict | Waiting, observer: Observer) {
    this.#arrival = arrival
    this.#observer = observer
    if (entered.admitted === undefined) {
      this.#waiting = entered
      entered.answer = (verdict): void => this.#answered(verdict)
    } else this.#answered(entered)
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return 0
  }

  release(outcome: Outcome, cost?: number): void {
    if (this.#ended) return
    this.#ended = true
    const waiting = this.#waiting
    if (waiting !== undefined) {
      // The work is done before its turn would have come.
      this.#observer.admitted?.(this.#arrival, 0)
      waiting.cancel()
    }
    if (this.#permit !== undefined || waiting !== undefined) this.#observer.released?.(this.#arrival, outcome)
    this.#permit?.release(outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }

  #answered(verdict: Verdict): void {
    this.#waiting = undefined
    if (this.#ended) return
    if (!verdict.admitted) return this.#observer.rejected?.(this.#arrival, verdict)
    this.#permit = verdict
    this.#observer.admitted?.(this.#arrival, verdict.waited)
  }
}
