import {
  FREE,
  systemClock,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { coreOf } from './core-of.ts'
import { defineGate, observed } from './define.ts'
import type { Gate, GateCore, GateStats, Observer, Verdict, Waiting } from './gate.ts'

/**
 * Asks a gate, tells `observer` what it would have done, and lets everybody in at once: how one tries a gate on live
 * traffic before it may refuse anybody. Whoever would have waited is told of when the gate decides, and holds its permit
 * for as long as its work took, from then on: so the gate sees the traffic it would see if it stood there for real.
 * @throws RangeError for what is no gate
 */
export function shadow(gate: Gate, observer: Observer): Gate {
  return defineGate(new Shadow(observed(coreOf('shadow', gate), observer)))
}

class Shadow implements GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly clock: Clock
  readonly parts: readonly GateCore[]
  readonly #inner: GateCore

  constructor(inner: GateCore) {
    this.#inner = inner
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
    return new ShadowPermit(entered, this.clock)
  }

  close(): void {
    // It refuses nobody, so there is nothing to close; and the gate behind it may be in use elsewhere.
  }
}

/** Let in for real at once; what the gate behind does about it follows, later where it would have made it wait. */
class ShadowPermit implements Permit {
  readonly #clock: Clock
  readonly #began: Instant
  #permit: Permit | undefined
  /** How the work ended and how long it took, once it has. */
  #end: { readonly outcome: Outcome; readonly took: Millis; readonly cost: number | undefined } | undefined

  constructor(entered: Verdict | Waiting, clock: Clock) {
    this.#clock = clock
    this.#began = clock.now()
    if (entered.admitted === undefined) entered.answer = (verdict): void => this.#answered(verdict)
    else this.#answered(entered)
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return 0
  }

  release(outcome: Outcome, cost?: number): void {
    if (this.#end !== undefined) return
    this.#end = { outcome, took: this.#clock.now() - this.#began, cost }
    // Begun later, it would have ended as much later.
    if (this.#permit !== undefined) this.#giveBack(this.#permit, this.#permit.waited)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }

  #answered(verdict: Verdict): void {
    if (!verdict.admitted) return
    this.#permit = verdict
    if (this.#end !== undefined) this.#giveBack(verdict, this.#end.took)
  }

  #giveBack(permit: Permit, after: Millis): void {
    const { outcome, cost } = this.#end!
    if (after <= 0) permit.release(outcome, cost)
    else this.#clock.after(after, () => permit.release(outcome, cost), { background: true })
  }
}
