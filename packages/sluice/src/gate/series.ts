import {
  Rejection,
  systemClock,
  worst,
  type Clock,
  type Arrival,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { coreOf } from './core-of.ts'
import { defineGate } from './define.ts'
import type { Answer, Gate, GateCore, GateStats, Verdict, Waiting } from './gate.ts'

/**
 * Gates one behind the other, outermost first: an arrival must pass them all. What was taken further out is given back
 * (as `ignored`, at no cost: spent tokens come back) when somebody further in refuses; permits end innermost first, once each, with the same outcome.
 * `maxWait` is the patience for all of them together. Its pressure is the worst of its parts, with the cause named;
 * its stats are those of the innermost gate, with everybody who waits anywhere counted as queued; `core.parts` has each.
 * @throws RangeError without any gate, and for what is none
 */
export function series(...gates: readonly [Gate, ...Gate[]]): Gate {
  return defineGate(new Series(gates.map((gate) => coreOf('series', gate))))
}

class Series implements GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly clock: Clock
  readonly parts: readonly GateCore[]

  constructor(parts: readonly GateCore[]) {
    if (parts.length === 0) throw new RangeError('series: expected at least one gate, got none')
    this.parts = parts
    this.name = parts.map((part) => part.name).join('>')
    this.clock = parts.find((part) => part.clock !== undefined)?.clock ?? systemClock
    this.pressure = worst(...parts.map((part) => part.pressure))
  }

  get stats(): GateStats {
    const { limit, inflight } = this.parts.at(-1)!.stats
    let queued = 0
    for (const part of this.parts) queued += part.stats.queued
    return { limit, inflight, queued }
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    const permits: Permit[] = []
    const verdict = advance(this.parts, arrival, mayWait, permits)
    if (verdict.admitted !== undefined) return verdict
    const passage = new Passage(this.parts, arrival, permits, verdict)
    try {
      for (let at = permits.length + 1; at < this.parts.length; at++) this.parts[at]!.check?.(arrival)
    } catch (error) {
      passage.cancel()
      throw error
    }
    return passage
  }

  check(arrival: Arrival): void {
    for (const part of this.parts) part.check?.(arrival)
  }

  shut(): void {
    for (const part of this.parts) part.shut?.()
  }

  close(): void {
    this.shut()
    // Innermost first: whoever an answer lets through a gate further out finds the next one closed.
    for (const part of this.parts.toReversed()) part.close()
  }
}

/** Goes on from the gate after the last permit: through them all, to a refusal, or to where it must wait. */
function advance(parts: readonly GateCore[], arrival: Arrival, mayWait: boolean, permits: Permit[]): Verdict | Waiting {
  try {
    while (permits.length < parts.length) {
      const verdict = parts[permits.length]!.enter(arrival, mayWait)
      if (verdict.admitted === undefined) return verdict
      if (!verdict.admitted) {
        giveBack(permits, 'ignored', 0)
        return verdict
      }
      permits.push(verdict)
    }
  } catch (error) {
    giveBack(permits, 'ignored', 0)
    throw error
  }
  return new SeriesPermit(permits)
}

/** Innermost first: what is nearest to the work learns of its end before those who wait further out are let in. */
function giveBack(permits: readonly Permit[], outcome: Outcome, cost?: number): void {
  for (let at = permits.length - 1; at >= 0; at--) permits[at]!.release(outcome, cost)
}

class SeriesPermit implements Permit {
  readonly waited: Millis
  readonly #permits: readonly Permit[]

  constructor(permits: readonly Permit[]) {
    let waited = 0
    for (const permit of permits) waited += permit.waited
    this.waited = waited
    this.#permits = permits
  }

  get admitted(): true {
    return true
  }

  release(outcome: Outcome, cost?: number): void {
    giveBack(this.#permits, outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}

/** One arrival that waits at one of the gates, with the permits of those further out in hand. */
class Passage implements Waiting {
  answer: Answer | undefined
  readonly #parts: readonly GateCore[]
  readonly #permits: Permit[]
  #arrival: Arrival
  #at!: Waiting
  #told = false

  constructor(parts: readonly GateCore[], arrival: Arrival, permits: Permit[], at: Waiting) {
    this.#parts = parts
    this.#arrival = arrival
    this.#permits = permits
    this.#waitAt(at)
  }

  get admitted(): undefined {
    return undefined
  }

  cancel(): void {
    this.#at.cancel()
    // On its way from one gate to the next there is nobody to cancel at: what it then gets, it gives back.
    this.#tell(new Rejection('cancelled', this.#parts[this.#permits.length]?.name ?? '', 1, 0))
  }

  #waitAt(at: Waiting): void {
    this.#at = at
    at.answer = (verdict): void => this.#goOn(verdict)
    if (this.#told) at.cancel()
  }

  #goOn(verdict: Verdict): void {
    if (!verdict.admitted) {
      giveBack(this.#permits, 'ignored', 0)
      return this.#tell(verdict)
    }
    this.#permits.push(verdict)
    const { maxWait } = this.#arrival
    if (maxWait !== undefined) this.#arrival = { ...this.#arrival, maxWait: Math.max(0, maxWait - verdict.waited) }
    let next: Verdict | Waiting
    try {
      next = advance(this.#parts, this.#arrival, true, this.#permits)
    } catch (error) {
      // Everything is given back; whoever waits must hear something, and the error must not be lost.
      this.#tell(
        new Rejection('limit_exceeded', this.#parts[this.#permits.length]?.name ?? '', this.#arrival.cost ?? 1, 0),
      )
      throw error
    }
    if (next.admitted === undefined) this.#waitAt(next)
    else this.#tell(next)
  }

  /** The first verdict is the one; a permit that comes after it goes back. */
  #tell(verdict: Verdict): void {
    if (!this.#told) {
      this.#told = true
      this.answer?.(verdict)
    } else if (verdict.admitted) verdict.release('ignored', 0)
  }
}
