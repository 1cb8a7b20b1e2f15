import { systemClock, systemRandom, type Clock, type Instant, type Millis, type Random } from 'sluice'

export interface SlowServiceOptions {
  /** How many are served at once. At least 1. Default 20. */
  readonly slots?: number
  /** Average time in a slot, in ms. Default 50. */
  readonly service?: Millis
  /** Time in a slot varies evenly by this share either way, 0 to 1. Default 0.1. */
  readonly jitter?: number
  /**
   * True: who leaves while waiting is skipped. Default false: like most real services, it does not notice, and does
   * the work of clients long gone. That is what turns overload into collapse.
   */
  readonly skipDeparted?: boolean
  readonly clock?: Clock
  readonly random?: Random
}

/** A piece of work and who waits for it. */
export interface Job {
  /** The work is done. */
  done(): void
  /** True once nobody waits for it any more. */
  readonly departed: boolean
}

interface Queued {
  readonly job: Job
  readonly since: Instant
}

/**
 * A service with a knee: so many slots, so much time in each, and an unbounded first-in-first-out queue behind them.
 * Its capacity is `slots / service`, exactly: a timer that fires late makes one answer late but costs no capacity.
 */
export class SlowService {
  readonly #slots: number
  /** Average time in a slot, in ms, of what is begun from now on. */
  service: Millis
  readonly #jitter: number
  readonly #skipDeparted: boolean
  readonly #clock: Clock
  readonly #random: Random
  #queue: Queued[] = []
  #head = 0
  #busy = 0

  constructor(options: SlowServiceOptions = {}) {
    this.#slots = options.slots ?? 20
    this.service = options.service ?? 50
    this.#jitter = options.jitter ?? 0.1
    this.#skipDeparted = options.skipDeparted ?? false
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
  }

  get busy(): number {
    return this.#busy
  }

  get queued(): number {
    return this.#queue.length - this.#head
  }

  /** Takes a job, now or when its turn comes. */
  take(job: Job): void {
    const now = this.#clock.now()
    if (this.#busy < this.#slots) {
      this.#busy++
      this.#serve(job, now)
    } else {
      this.#queue.push({ job, since: now })
    }
  }

  #serve(job: Job, from: Instant): void {
    const end = from + this.service * (1 + this.#jitter * (2 * this.#random() - 1))
    this.#clock.after(end - this.#clock.now(), () => {
      job.done()
      const next = this.#next()
      if (next === undefined) this.#busy--
      // The slot was free at `end`, whenever this timer came to say so.
      else this.#serve(next.job, Math.max(end, next.since))
    })
  }

  #next(): Queued | undefined {
    for (;;) {
      const next = this.#queue[this.#head]
      if (next === undefined) return undefined
      this.#head++
      if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head)
        this.#head = 0
      }
      if (!(this.#skipDeparted && next.job.departed)) return next
    }
  }
}
