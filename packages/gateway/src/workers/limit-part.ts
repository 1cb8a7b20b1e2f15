import {
  semaphore,
  type Arrival,
  type Clock,
  type Gate,
  type Instant,
  type Observer,
  type Outcome,
  type Semaphore,
  type SemaphoreOptions,
  type Timer,
} from 'sluice'
import { BEGAN, KEPT, OUTCOMES, type PartDecision, type PartTold } from './part-news.ts'

export interface LimitPartOptions extends Pick<SemaphoreOptions, 'name' | 'queue' | 'threshold'> {
  /** What may be in flight here until more is known. */
  readonly permits: number
  /** Shows the same time in all workers. */
  readonly clock: Clock
  /** To the one who finds the limit. */
  readonly send: (told: PartTold) => void
  /** Hears when the limit of all moves. Default: nobody. */
  readonly observer?: Observer
}

/** What one worker has of a limit that is found for all of them: it tells what it sees, and is told how much is for it. */
export class LimitPart {
  readonly gate: Gate
  readonly #options: LimitPartOptions
  readonly #slots: Semaphore
  /** Numbers of what is in progress. */
  readonly #numbers = new Map<Arrival, number>()
  #number = 0
  /** In order: when, what, and what became of it. */
  #events: number[] = []
  #timer: Timer | undefined
  #era = 0
  #since: Instant
  #closed = false

  constructor(options: LimitPartOptions) {
    const { clock, name = 'limit', queue, threshold } = options
    this.#options = options
    this.#since = clock.now()
    this.#slots = semaphore({
      name,
      permits: options.permits,
      clock,
      ...(queue !== undefined && { queue }),
      ...(threshold !== undefined && { threshold }),
      observer: {
        waiting: () => this.#arm(),
        admitted: (arrival) => {
          this.#numbers.set(arrival, ++this.#number)
          this.#note(this.#number, BEGAN)
        },
        released: (arrival, outcome) => this.#ended(arrival, outcome),
      },
    })
    this.gate = this.#slots
  }

  /** Says that it is there. */
  begin(): void {
    this.#tell()
  }

  /** From now on so much is for this worker. */
  obey({ permits, era, moved }: PartDecision): void {
    if (this.#closed) return
    if (era !== this.#era) {
      this.#era = era
      this.#since = this.#options.clock.now()
    }
    this.#slots.resize(permits)
    if (moved !== undefined) this.#options.observer?.limitChanged?.(moved.from, moved.to, moved.reason)
  }

  close(): void {
    this.#closed = true
    this.#slots.close()
    this.#arm()
  }

  #ended(arrival: Arrival, outcome: Outcome): void {
    const number = this.#numbers.get(arrival)
    if (number === undefined) return
    this.#numbers.delete(arrival)
    this.#note(number, OUTCOMES.indexOf(outcome))
  }

  #note(number: number, what: number): void {
    this.#events.push(this.#options.clock.now(), number, what)
    this.#arm()
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    this.#timer = this.#options.clock.after(KEPT, () => this.#tell(), { background: true })
  }

  #tell(): void {
    this.#timer = undefined
    const { clock, send } = this.#options
    const { inflight, queued } = this.#slots.stats
    const events = Float64Array.from(this.#events)
    this.#events = []
    const leaves = this.#closed && inflight === 0
    send({ events, until: clock.now(), inflight, queued, era: this.#era, since: this.#since, leaves })
    // Time that passes is news as well, as long as something is in progress.
    if (inflight + queued > 0) this.#arm()
  }
}
