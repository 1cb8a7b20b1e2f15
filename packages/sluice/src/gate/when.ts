import {
  checkFunction,
  FREE,
  systemClock,
  type Arrival,
  type Clock,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { coreOf } from './core-of.ts'
import { defineGate } from './define.ts'
import type { Gate, GateCore, GateStats, Verdict, Waiting } from './gate.ts'

/**
 * A gate for some: arrivals for which `applies` says true pass through `gate`, the others pass freely and count nowhere.
 * @throws RangeError for what is no gate
 */
export function when(applies: (arrival: Arrival) => boolean, gate: Gate): Gate {
  return defineGate(new When(checkFunction('when.applies', applies), coreOf('when', gate)))
}

class When implements GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly clock: Clock
  readonly parts: readonly GateCore[]
  readonly #applies: (arrival: Arrival) => boolean
  readonly #inner: GateCore

  constructor(applies: (arrival: Arrival) => boolean, inner: GateCore) {
    this.#applies = applies
    this.#inner = inner
    this.name = inner.name
    this.pressure = inner.pressure
    this.clock = inner.clock ?? systemClock
    this.parts = [inner]
  }

  get stats(): GateStats {
    return this.#inner.stats
  }

  check(arrival: Arrival): void {
    if (this.#applies(arrival)) this.#inner.check?.(arrival)
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    return this.#applies(arrival) ? this.#inner.enter(arrival, mayWait) : FREE
  }

  shut(): void {
    this.#inner.shut?.()
  }

  close(): void {
    this.#inner.close()
  }
}
