import type { Permit, Rejection, Timer } from '../ground/index.ts'
import type { Waiting } from '../gate/index.ts'
import type { Job } from './job.ts'

/** Who called, and is told what became of it. Each visit ends with one of the last two, unless it was called off. */
export interface Caller {
  /** Let in: the plant begins. */
  admitted(visit: Visit): void
  answered(visit: Visit): void
  refused(visit: Visit, rejection: Rejection): void
}

/** Where a visit is. */
export interface Place {
  /** The client of a visit has left. */
  leave(visit: Visit): void
}

/** One attempt on its way through one instance. The state a gate and a plant need to keep for each is in here. */
export class Visit {
  readonly job: Job
  readonly place: Place
  readonly caller: Caller
  /** The visit on whose behalf it is made: one tier further out. */
  readonly outer: Visit | undefined
  permit: Permit | undefined
  waiting: Waiting | undefined
  /** Why it is refused, here or further in. */
  rejection: Rejection | undefined
  /** The gate has been asked. */
  decided = false
  /** Ended, in whatever way. */
  over = false
  /** Called off: nobody is told and nothing is done any more. */
  off = false
  /** Holds something of the plant. Belongs to the plant. */
  running = false
  /** What it waits for in the plant. Belongs to the plant. */
  timer: Timer | undefined
  /** The call it waits for, one tier further in. */
  inner: Visit | undefined
  /** What the plant does when that call has come back. */
  resume: ((visit: Visit) => void) | undefined

  constructor(job: Job, place: Place, caller: Caller, outer?: Visit) {
    this.job = job
    this.place = place
    this.caller = caller
    this.outer = outer
  }
  leave(): void {
    this.place.leave(this)
  }
}
