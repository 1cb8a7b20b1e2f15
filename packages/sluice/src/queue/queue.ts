import type { Arrival, Instant, Millis, Priority, RejectionCode } from '../ground/index.ts'

/** An arrival that stands in a queue. */
export interface Waiter {
  readonly cost: number
  readonly priority: Priority
  readonly flow: string | undefined
  /** When it began to wait. */
  readonly since: Instant
  /** When waiting on becomes pointless: the end of its patience or its deadline, whichever is first. */
  readonly expires: Instant
  /** What it is refused with at `expires`. */
  readonly expiry: RejectionCode
  /** Neighbours in the queue's list. They belong to the queue. */
  previous: Waiter | undefined
  next: Waiter | undefined
}

/** Who waits, who is next, who is turned away. No timers and no clock: `now` is an argument. */
export interface Queue<W extends Waiter = Waiter> {
  /** How many wait. */
  readonly size: number
  /** How many may wait. */
  readonly capacity: number
  /** True when this arrival, pushed now, would come straight back: refusing then costs no waiter. */
  rejects(arrival: Arrival): boolean
  /** Takes a newcomer. Returns whoever must be refused to make it fit, possibly the newcomer, or nobody. */
  push(waiter: W, now: Instant): W | undefined
  /**
   * The next to serve, taken out, or nobody when the queue is empty or the next one costs more than `room`:
   * the head of the line is never overtaken because it is large. Whoever it gives up on goes to `refuse`.
   */
  pop(now: Instant, room: number, refuse: (waiter: W, code: RejectionCode) => void): W | undefined
  /** Takes a waiter out. False when it is not in here (any more). */
  remove(waiter: W): boolean
}

/** How a queue orders and drops: a description, of which each gate opens its own queue. */
export interface QueueDiscipline {
  readonly name: string
  /** The longest anybody waits, in ms. */
  readonly maxWait: Millis
  open<W extends Waiter>(): Queue<W>
}
