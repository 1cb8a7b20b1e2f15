import {
  Rejection,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
} from '../ground/index.ts'
import type { Answer, GateCore, Verdict, Waiting } from '../gate/index.ts'

/** What one who waits needs of the pause that may hold it. */
export interface Detention {
  readonly name: string
  readonly clock: Clock
  readonly left: Millis
  /** How long one that does not say waits in all, in ms. */
  readonly maxHold: Millis
  sendBack(one: Detained): Rejection | undefined
  letGo(one: Detained): boolean
}

/** An arrival that waits for the end of a pause, or in the queue behind it. */
export class Detained implements Waiting {
  answer: Answer | undefined
  readonly #by: Detention
  readonly #arrival: Arrival
  #at: Waiting | undefined
  readonly #since: Instant
  readonly #patience: Instant | undefined
  #told = false

  constructor(by: Detention, arrival: Arrival, at: Waiting | undefined, since?: Instant, patience?: Instant) {
    this.#by = by
    this.#arrival = arrival
    this.#since = since ?? by.clock.now()
    this.#patience = patience
    if (at !== undefined) this.#waitAt(at)
  }

  get admitted(): undefined {
    return undefined
  }

  get deadline(): Instant {
    return this.#arrival.deadline ?? Infinity
  }

  /** When it gives up, whether it is held or stands in the queue. */
  get patience(): Instant {
    return this.#patience ?? this.#since + (this.#arrival.maxWait ?? this.#by.maxHold)
  }

  cancel(): void {
    if (this.#told) return
    if (this.#at !== undefined) this.#at.cancel()
    else this.#by.letGo(this)
    this.tell(new Rejection('cancelled', this.#by.name, 1, 0))
  }

  /** The pause is over. */
  goOn(inner: GateCore, now: Instant): void {
    try {
      const entered = inner.enter({ ...this.#arrival, maxWait: Math.max(0, this.patience - now) }, true)
      if (entered.admitted === undefined) this.#waitAt(entered)
      else this.tell(entered)
    } catch (error) {
      // An arrival that makes no sense to the gate within: the others must not wait because of it.
      this.tell(new Rejection('limit_exceeded', this.#by.name, this.#arrival.cost ?? 1, 0))
      throwLater(this.#by.clock, error)
    }
  }

  /** The first verdict is the one; a permit that comes after it goes back. */
  tell(verdict: Verdict): void {
    if (this.#told) {
      if (verdict.admitted) verdict.release('ignored', 0)
      return
    }
    this.#told = true
    try {
      this.answer?.(verdict.admitted ? this.#dated(verdict) : verdict)
    } catch (error) {
      throwLater(this.#by.clock, error)
    }
  }

  #waitAt(at: Waiting): void {
    this.#at = at
    at.answer = (verdict): void => this.#answered(verdict)
  }

  #answered(verdict: Verdict): void {
    this.#at = undefined
    if (!verdict.admitted || this.#told || this.#by.left <= 0) return this.tell(verdict)
    verdict.release('ignored', 0)
    const refusal = this.#by.sendBack(this)
    if (refusal !== undefined) this.tell(refusal)
  }

  /** Its wait is all of it, not only that at the gate which let it in. */
  #dated(permit: Permit): Permit {
    const waited = this.#by.clock.now() - this.#since
    return waited > permit.waited ? new DatedPermit(permit, waited) : permit
  }
}

class DatedPermit implements Permit {
  readonly waited: Millis
  readonly #permit: Permit

  constructor(permit: Permit, waited: Millis) {
    this.#permit = permit
    this.waited = waited
  }

  get admitted(): true {
    return true
  }

  release(outcome: Outcome, cost?: number): void {
    this.#permit.release(outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
