import {
  checkNumber,
  ORDINARY,
  refuseValue,
  type Arrival,
  type Instant,
  type Millis,
  type Priority,
  type RejectionCode,
} from '../ground/index.ts'
import type { Waiter } from '../queue/index.ts'
import type { Expiring } from './expiry.ts'
import type { Answer, Verdict, Waiting } from './gate.ts'

/** What a waiter needs of the room it waits in. */
export interface Room {
  cancel(waiter: GateWaiter): void
}

/**
 * An arrival that waits: the queue's entry, the timer's entry, and what its caller holds, in one object. There may be a
 * million of them: every field counts.
 */
export class GateWaiter implements Waiter, Waiting, Expiring {
  readonly cost: number
  readonly priority: Priority
  readonly flow: string | undefined
  readonly since: Instant
  /** What its end goes by. Its patience, in ms: mostly a small integer, where an instant is a boxed double of 16 B. */
  protected readonly end: number
  /** Who hears the verdict; or the verdict, where that came before anybody could have asked for it. */
  #ear: Answer | Verdict | undefined
  previous: Waiter | undefined
  next: Waiter | undefined
  place = -1
  earlier: Expiring['earlier']
  later: Expiring['later']
  readonly #room: Room

  /** @throws RangeError when the arrival's priority or patience makes no sense */
  constructor(room: Room, arrival: Arrival, cost: number, now: Instant, end: number) {
    this.#room = room
    this.cost = cost
    this.priority = priorityOf(arrival)
    this.flow = arrival.flow
    this.since = now
    this.end = end
  }

  get admitted(): undefined {
    return undefined
  }

  get expires(): Instant {
    return this.since + this.end
  }

  get expiry(): RejectionCode {
    return 'queue_timeout'
  }

  get answer(): Answer | undefined {
    return typeof this.#ear === 'function' ? this.#ear : undefined
  }

  set answer(answer: Answer | undefined) {
    this.#ear = answer
  }

  /** Its answer, where that came while it was being let in. */
  get early(): Verdict | undefined {
    return typeof this.#ear === 'object' ? this.#ear : undefined
  }

  set early(verdict: Verdict) {
    this.#ear = verdict
  }

  cancel(): void {
    this.#room.cancel(this)
  }
}

/** One whose deadline comes before its patience ends. A class, because a field for it would cost all the others. */
class HurriedWaiter extends GateWaiter {
  /** What its end goes by: a difference would not add up to the same instant. */
  get deadline(): Instant {
    return this.end
  }

  override get expires(): Instant {
    return this.end
  }

  override get expiry(): RejectionCode {
    return 'deadline'
  }
}

/** @throws RangeError when the arrival's priority or patience makes no sense */
export function waiterOf(room: Room, arrival: Arrival, cost: number, now: Instant, maxWait: Millis): GateWaiter {
  const patience = Math.min(maxWait, checkNumber('arrival.maxWait', arrival.maxWait ?? maxWait, 0, Infinity))
  const { deadline = Infinity } = arrival
  return deadline < now + patience
    ? new HurriedWaiter(room, arrival, cost, now, deadline)
    : new GateWaiter(room, arrival, cost, now, patience)
}

/**
 * What an arrival takes.
 * @throws RangeError when that, or its patience, makes no sense: at once, not only when it comes to waiting
 */
export function costOf(arrival: Arrival): number {
  const { cost, maxWait, deadline } = arrival
  if (maxWait !== undefined) checkNumber('arrival.maxWait', maxWait, 0, Infinity)
  if (deadline !== undefined) checkDeadline(deadline, deadline)
  if (cost === undefined) return 1
  if (typeof cost === 'number' && cost > 0 && cost < Infinity) return cost
  return refuseValue('arrival.cost', cost, 'a finite number above 0')
}

/** How much it matters. @throws RangeError when that is no class there is */
export function priorityOf(arrival: Arrival): Priority {
  const { priority } = arrival
  if (priority === undefined) return ORDINARY
  if (priority === 0 || priority === 1 || priority === 2 || priority === 3) return priority
  return refuseValue('arrival.priority', priority, '0, 1, 2 or 3')
}

/** True when it is too late to begin. @throws RangeError when the deadline makes no sense */
export function isLate(deadline: Instant, now: Instant): boolean {
  checkDeadline(deadline, now)
  return deadline <= now
}

/** `Date.now()` is between these from 2001 to 2065. */
const WALL_FROM: Instant = 1e12
const WALL_TO: Instant = 3e12

/** @throws RangeError when it makes no sense: on another clock than the gate's it would never come, and nobody notice */
export function checkDeadline(deadline: Instant, now: Instant): void {
  if (typeof deadline !== 'number' || Number.isNaN(deadline))
    refuseValue('arrival.deadline', deadline, 'an instant in ms')
  if (deadline > WALL_FROM && deadline < WALL_TO && now < WALL_FROM / 2)
    refuseValue('arrival.deadline', deadline, "an instant on the gate's clock, `systemClock.now()` + ms,")
}
