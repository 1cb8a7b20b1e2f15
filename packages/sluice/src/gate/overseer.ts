import {
  checkNumber,
  isRejection,
  RejectedError,
  Rejection,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
} from '../ground/index.ts'
import type { Observer, RunOptions } from './gate.ts'
import { checkDeadline } from './waiter.ts'

/** Who knows of a gate's work that goes on after its time: one for all of it. */
export class Overseer {
  readonly clock: Clock
  /** Pieces of work that were called off and go on all the same. */
  zombies = 0
  readonly #gate: string
  readonly #observer: Observer | undefined

  constructor(gate: string, clock: Clock, observer: Observer | undefined) {
    this.#gate = gate
    this.clock = clock
    this.#observer = observer
  }

  /** How long work may take, in ms; `Infinity` for any time. @throws RangeError for a timeout that is no time */
  patience({ deadline, timeout = Infinity }: RunOptions): Millis {
    checkNumber('run.timeout', timeout, 0, Infinity)
    if (deadline === undefined) return timeout
    const now = this.clock.now()
    checkDeadline(deadline, now)
    return Math.min(timeout, deadline - now)
  }

  /** What the caller gets when the time is up. */
  tooLate(deadline: Instant | undefined): RejectedError {
    const now = this.clock.now()
    return new RejectedError(new Rejection('deadline', this.#gate, now, Math.min(now, deadline ?? now)))
  }

  /** Work ignores its signal. */
  zombieRose(arrival: Arrival): void {
    this.zombies++
    this.#observer?.overdue?.(arrival)
  }

  /** … and has ended after all. */
  zombieFell(): void {
    this.zombies--
  }
}

/** What a thrown error teaches. A judge that breaks costs nobody a slot: to it, too, the work has failed. */
export function outcomeOf(error: unknown, options: RunOptions): Outcome {
  try {
    if (options.outcomeOf !== undefined) return options.outcomeOf(error)
  } catch {
    return 'failure'
  }
  return error instanceof Error && isRejection((error as Partial<RejectedError>).rejection) ? 'dropped' : 'failure'
}
