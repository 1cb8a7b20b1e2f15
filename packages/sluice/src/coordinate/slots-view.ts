import type { Clock, Instant, Millis } from '../ground/index.ts'
import type { SlotNews } from './coordinator.ts'

/** How long what was heard of the others' pressure holds where there is no lease, in ms. */
const STALE = 1000

/** What an instance knows of the others: of everything that is not counted the newest news holds. */
export class SlotView {
  readonly #clock: Clock
  readonly #stale: Millis
  #number = 0
  #level = 0
  #heardAt: Instant = -Infinity
  #until = 0
  #named = 0
  /** The best class that waits elsewhere; -1 for nobody. */
  foreign = -1
  fair = 0
  /** Everywhere. */
  used = 0
  queued = 0

  constructor(clock: Clock, lease: Millis) {
    this.#clock = clock
    this.#stale = lease === Infinity ? STALE : lease / 2
  }

  /** Classes below this one had better not wait; 0 when nothing was heard for two heartbeats. */
  get level(): number {
    return this.#level > 0 && this.#clock.now() - this.#heardAt < this.#stale ? this.#level : 0
  }

  /** A new registration: news are counted anew. */
  reset(): void {
    this.#number = 0
  }

  /** Takes what is newer than what is known, and says whether it was. */
  learns(news: SlotNews): boolean {
    if (news.number <= this.#number) return false
    this.#number = news.number
    this.foreign = news.foreign
    this.fair = news.fair
    this.#until = news.until
    this.#named = news.named
    this.used = news.used
    this.queued = news.queued
    this.#level = news.level
    if (news.level > 0) this.#heardAt = this.#clock.now()
    return true
  }

  /** Whether the coordinator has said that the turn of one who waits comes before all who wait elsewhere. */
  precedes(priority: number, serial: number): boolean {
    return serial <= this.#named && (priority > this.foreign || (priority === this.foreign && serial <= this.#until))
  }
}
