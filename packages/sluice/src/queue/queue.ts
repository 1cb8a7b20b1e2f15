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
  /** Where it stands, where the queue has several lines or a heap. Belongs to the queue; -1 for who never waited. */
  place: number
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
   * Who is next, left in; nobody when nobody waits. Whoever it gives up on, because it is too late for them, is taken
   * out and goes to `refuse`. The gate takes the next one or, where it costs more than there is room for, lets it stand:
   * the head of the line is never overtaken because it is wide.
   */
  next(now: Instant, refuse: (waiter: W, code: RejectionCode) => void): W | undefined
  /** Takes out the one that `next` has just named. */
  take(waiter: W, now: Instant): void
  /** Takes out one that gives up. False when it is not in here (any more). */
  remove(waiter: W): boolean
  /**
   * How long a newcomer would wait, in ms, as far as can be told: whoever cannot be answered in time is refused at once
   * instead of after waiting. Default: 0.
   */
  expectedWait?(arrival: Arrival): Millis
  /** The gate has so many slots, now and until it says otherwise: what a queue is long by. */
  limited?(slots: number): void
  /** A slot fell free and nobody was there to take it: a queue that turned somebody away was too short. */
  idled?(): void
  /**
   * What one whom this queue let out has cost in the end, where that differs from its estimate.
   * @param place what `place` was when it was let out
   */
  settle?(place: number, estimated: number, actual: number): void
}

/** How a queue orders and drops: a description, of which each gate opens its own queue. */
export interface QueueDiscipline {
  readonly name: string
  /** The longest anybody waits, in ms. */
  readonly maxWait: Millis
  open<W extends Waiter>(): Queue<W>
}
