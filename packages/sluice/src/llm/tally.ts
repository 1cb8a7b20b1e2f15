import type { Clock, Instant, Millis, RejectionCode } from '../ground/index.ts'
import { Histogram } from '../measure/index.ts'
import type { Amounts } from './charges.ts'
import type { BudgetName, RefusalClass } from './profile.ts'

/** How long what is in use is averaged over, in ms. */
const WINDOW: Millis = 60_000

/** What has happened at one model: counts that only grow, and a mean of what is in use. */
export class QuotaTally {
  readonly waits: Histogram = new Histogram()
  /** Calls that were begun, that ended well, that were cut off, by now. */
  begun = 0
  settled = 0
  abandoned = 0
  /** Calls of which nothing was heard for too long. */
  overdue = 0
  /** Refusals of the provider, by class; and how many of them were 429. */
  readonly refusals: Partial<Record<RefusalClass, number>> = {}
  status429 = 0
  /** Requests the pool itself refused, by code. */
  readonly rejections: Partial<Record<RejectionCode, number>> = {}
  /** Tokens used, as settled. */
  input = 0
  output = 0
  readonly #clock: Clock
  readonly #rates: Partial<Record<BudgetName, number>> = {}
  #at: Instant

  constructor(clock: Clock) {
    this.#clock = clock
    this.#at = clock.now()
  }

  began(waited: Millis, taken: Readonly<Amounts>): void {
    this.begun++
    this.waits.record(waited)
    this.use(taken)
  }

  /** So much more is in use; below 0 what came back. */
  use(amounts: Readonly<Amounts>): void {
    this.#decay()
    for (const [name, amount] of Object.entries(amounts) as [BudgetName, number][])
      this.#rates[name] = (this.#rates[name] ?? 0) + amount / WINDOW
  }

  refused(code: RejectionCode): void {
    this.rejections[code] = (this.rejections[code] ?? 0) + 1
  }

  refusedBy(is: RefusalClass, status: number): void {
    this.refusals[is] = (this.refusals[is] ?? 0) + 1
    if (status === 429) this.status429++
  }

  /** What this process uses of a budget, in tokens a ms, as a mean that forgets in a minute. */
  rateOf(name: BudgetName): number {
    this.#decay()
    return Math.max(0, this.#rates[name] ?? 0)
  }

  #decay(): void {
    const now = this.#clock.now()
    const keep = Math.exp(-Math.max(0, now - this.#at) / WINDOW)
    this.#at = now
    for (const [name, rate] of Object.entries(this.#rates) as [BudgetName, number][]) this.#rates[name] = rate * keep
  }
}
