import { ORDINARY, refuseValue, type Arrival, type Instant, type Priority, type Timer } from '../ground/index.ts'
import type { Answer, Verdict, Waiting } from '../gate/index.ts'

/** An arrival that waits for a slot. */
export class SlotWaiter implements Waiting {
  readonly arrival: Arrival
  readonly priority: Priority
  readonly since: Instant
  timer: Timer | undefined
  previous: SlotWaiter | undefined
  next: SlotWaiter | undefined
  /** False once it was answered. */
  waits = true
  /** Its answer, where that came before anybody could have asked for it. */
  early: Verdict | undefined
  answer: Answer | undefined
  readonly #leave: (waiter: SlotWaiter) => void

  constructor(arrival: Arrival, since: Instant, leave: (waiter: SlotWaiter) => void) {
    this.arrival = arrival
    this.priority = slotPriority(arrival)
    this.since = since
    this.#leave = leave
  }

  get admitted(): undefined {
    return undefined
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
