import type { Clock, Instant, Millis } from '../ground/index.ts'
import { isAlive } from './place.ts'
import type { Member } from './roster.ts'

/** For how long a process that lives and says nothing is waited for, in ms: it may stand still. */
const PATIENCE: Millis = 2000
/** How long after its greeting a process may take to say what it holds, in ms. */
const SETTLE: Millis = 100
/** How often it is looked whether those who are missing live, in ms. */
const LOOK: Millis = 25

/**
 * The time in which an arbiter that follows another hears what is held and grants nothing: the window, and beyond it as
 * long as somebody is missing who may hold something, and lives. On a busy machine processes get no turn for longer
 * than any window that would be short enough on an idle one.
 */
export class Learning {
  readonly #clock: Clock
  readonly #missing: Map<string, number>
  readonly #patient: Instant
  /** When it is over, if nobody is missing. */
  #until: Instant
  #looked: Instant = -Infinity
  #over: boolean

  constructor(clock: Clock, window: Millis, missing: readonly Member[]) {
    const now = clock.now()
    this.#clock = clock
    this.#over = window === 0
    this.#until = now + window
    this.#patient = now + Math.max(window, PATIENCE)
    this.#missing = new Map(missing.map(({ id, pid }) => [id, pid]))
  }

  /** Somebody has said who it is. */
  heard(id: string): void {
    if (this.#missing.delete(id)) this.#until = Math.max(this.#until, this.#clock.now() + SETTLE)
  }

  /** How much longer it takes at least, in ms; 0 once it is over, for ever. */
  readonly rest = (): Millis => {
    if (this.#over) return 0
    const now = this.#clock.now()
    if (now < this.#until) return this.#until - now
    if (this.#missing.size > 0 && now < this.#patient) {
      if (now >= this.#looked + LOOK) {
        this.#looked = now
        for (const [id, pid] of this.#missing) if (!isAlive(pid)) this.#missing.delete(id)
      }
      if (this.#missing.size > 0) return LOOK
    }
    this.#over = true
    return 0
  }
}
