import {
  checkNumber,
  ORDINARY,
  refuseValue,
  type Arrival,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Priority,
  type RejectionCode,
} from '../ground/index.ts'
import type { Waiter } from '../queue/index.ts'
import type { Expiring } from './expiry.ts'
import type { Answer, Waiting } from './gate.ts'

/** What a slot's permit and its waiters need of the gate they came from. */
export interface SlotOwner {
  release(permit: SlotPermit, outcome: Outcome): void
  cancel(waiter: SlotWaiter): void
}

export class SlotPermit implements Permit {
  readonly cost: number
  readonly waited: Millis
  /** When the work began; 0 where nobody measures. */
  readonly start: Instant
  /** The group of arrivals it is judged with; 0 for none. */
  readonly cohort: number
  #owner: SlotOwner | undefined

  constructor(owner: SlotOwner, cost: number, waited: Millis, start: Instant, cohort: number) {
    this.#owner = owner
    this.cost = cost
    this.waited = waited
    this.start = start
    this.cohort = cohort
  }

  get admitted(): true {
    return true
  }

  release(outcome: Outcome): void {
    const owner = this.#owner
    if (owner === undefined) return
    this.#owner = undefined
    owner.release(this, outcome)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}

export class SlotWaiter implements Waiter, Waiting, Expiring {
  readonly cost: number
  readonly priority: Priority
  readonly flow: string | undefined
  readonly since: Instant
  readonly expires: Instant
  answer: Answer | undefined
  previous: Waiter | undefined
  next: Waiter | undefined
  slot: Expiring['slot']
  earlier: Expiring | undefined
  later: Expiring | undefined
  readonly #owner: SlotOwner
  readonly #deadlineFirst: boolean

  /** @throws RangeError when the arrival's patience makes no sense */
  constructor(owner: SlotOwner, arrival: Arrival, cost: number, now: Instant, maxWait: Millis) {
    this.#owner = owner
    this.cost = cost
    this.priority = arrival.priority ?? ORDINARY
    this.flow = arrival.flow
    this.since = now
    const patience = now + Math.min(maxWait, checkNumber('arrival.maxWait', arrival.maxWait ?? maxWait, 0, Infinity))
    const deadline = arrival.deadline ?? Infinity
    this.#deadlineFirst = deadline < patience
    this.expires = this.#deadlineFirst ? deadline : patience
  }

  get admitted(): undefined {
    return undefined
  }

  get expiry(): RejectionCode {
    return this.#deadlineFirst ? 'deadline' : 'queue_timeout'
  }

  cancel(): void {
    this.#owner.cancel(this)
  }
}

/** What an arrival takes. @throws RangeError when that makes no sense */
export function costOf(arrival: Arrival): number {
  const { cost } = arrival
  if (cost === undefined) return 1
  if (typeof cost === 'number' && cost > 0 && cost < Infinity) return cost
  return refuseValue('arrival.cost', cost, 'a finite number above 0')
}

/** True when it is too late to begin. @throws RangeError when the deadline makes no sense */
export function isLate(deadline: Instant, now: Instant): boolean {
  if (typeof deadline !== 'number' || Number.isNaN(deadline))
    refuseValue('arrival.deadline', deadline, 'an instant in ms')
  return deadline <= now
}
