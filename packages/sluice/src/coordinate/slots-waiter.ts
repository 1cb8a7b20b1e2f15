import {
  checkNumber,
  checkWhole,
  ORDINARY,
  refuseValue,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Priority,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import type { Answer, Verdict, Waiting } from '../gate/index.ts'

/** An arrival that waits for slots. */
export class SlotWaiter implements Waiting {
  readonly arrival: Arrival
  readonly priority: Priority
  readonly cost: number
  readonly since: Instant
  timer: Timer | undefined
  /** Until when it waits, and how it is refused then. */
  readonly expires: Instant
  readonly expiry: RejectionCode
  /** Whose line it waits in. */
  line = 0
  /** Rises with every arrival here that waits. */
  serial = 0
  previous: SlotWaiter | undefined
  next: SlotWaiter | undefined
  /** False once it was answered. */
  waits = true
  /** Its answer, where that came before anybody could have asked for it. */
  early: Verdict | undefined
  answer: Answer | undefined
  readonly #leave: (waiter: SlotWaiter) => void

  /** @param maxWait the longest that anybody waits, in ms */
  constructor(arrival: Arrival, since: Instant, maxWait: Millis, leave: (waiter: SlotWaiter) => void) {
    this.arrival = arrival
    this.priority = slotPriority(arrival)
    this.cost = arrival.cost ?? 1
    this.since = since
    const { deadline = Infinity } = arrival
    const until = since + Math.min(arrival.maxWait ?? maxWait, maxWait)
    this.expires = Math.min(deadline, until)
    this.expiry = deadline < until ? 'deadline' : 'queue_timeout'
    this.#leave = leave
  }

  get admitted(): undefined {
    return undefined
  }

  /** Tells whoever waits, now or as soon as it listens. What a listener throws surfaces by itself. */
  answered(verdict: Verdict, clock: Clock): void {
    const { answer } = this
    if (answer === undefined) {
      this.early = verdict
      return
    }
    this.answer = undefined
    try {
      answer(verdict)
    } catch (error) {
      throwLater(clock, error)
    }
  }

  cancel(): void {
    this.#leave(this)
  }
}

/** How much it matters. @throws RangeError when that is no class there is */
export function slotPriority({ priority }: Arrival): Priority {
  if (priority === undefined) return ORDINARY
  if (priority === 0 || priority === 1 || priority === 2 || priority === 3) return priority
  return refuseValue('arrival.priority', priority, '0, 1, 2 or 3')
}

/** @throws RangeError naming the field when the arrival makes no sense */
export function checkSlotArrival({ cost, maxWait, deadline }: Arrival): void {
  if (cost !== undefined && cost !== 1) checkWhole('arrival.cost', cost, 1)
  if (maxWait !== undefined) checkNumber('arrival.maxWait', maxWait, 0, Infinity)
  if (deadline !== undefined && (typeof deadline !== 'number' || Number.isNaN(deadline)))
    refuseValue('arrival.deadline', deadline, 'an instant in ms')
}
