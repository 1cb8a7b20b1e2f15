import type { Clock, Instant } from '../ground/index.ts'

/** Reports whose answer somebody waits for, at most: whoever is dropped has the time he asked for, and a moment more. */
const KEPT = 64

/** When the coordinator had heard of those who began to wait since the report before. */
export interface SlotHearing {
  readonly told: number
  /** When a report that told of them was answered; `Infinity` until then. */
  at: Instant
  /** To be called when that is known, or cannot be any more: for those whose time would have been over by now. */
  readonly late: (() => void)[]
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
    const hearing = { told, at: Infinity, late: [] }
    this.#pending.push(hearing)
    if (this.#pending.length > KEPT) this.#pending.shift()
    return hearing
  }

  /** @param report the number of the report that was answered */
  answered(report: number): void {
    if (this.#pending.length === 0) return
    const now = this.#clock.now()
    const heard = this.#pending.filter(({ told }) => told < report)
    this.#pending = this.#pending.filter(({ told }) => told >= report)
    for (const hearing of heard) {
      hearing.at = now
      tellLate(hearing)
    }
  }

  /** The coordinator does not answer any more. */
  failed(): void {
    this.#pending.forEach(tellLate)
  }
}

function tellLate({ late }: SlotHearing): void {
  for (const tell of late.splice(0)) tell()
}
