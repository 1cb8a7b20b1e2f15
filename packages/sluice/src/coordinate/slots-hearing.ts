import type { Clock, Instant } from '../ground/index.ts'

/** Reports whose answer somebody waits for, at most: whoever is dropped has the time he asked for, and a moment more. */
const KEPT = 64

/** When the coordinator had heard of those who began to wait since the report before. */
export interface SlotHearing {
  readonly told: number
  /** When a report that told of them was answered; `Infinity` until then. */
  at: Instant
}

/** Keeps who has been heard: the time an answer takes on its way is nobody's time in the queue. */
export class SlotHearings {
  readonly #clock: Clock
  #pending: SlotHearing[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For whoever begins to wait now. @param told reports made so far */
  next(told: number): SlotHearing {
    const last = this.#pending.at(-1)
    if (last?.told === told) return last
    const hearing = { told, at: Infinity }
    this.#pending.push(hearing)
    if (this.#pending.length > KEPT) this.#pending.shift()
    return hearing
  }

  /** @param report the number of the report that was answered */
  answered(report: number): void {
    if (this.#pending.length === 0) return
    const now = this.#clock.now()
    for (const hearing of this.#pending) if (hearing.told < report) hearing.at = now
    this.#pending = this.#pending.filter(({ told }) => told >= report)
  }
}
