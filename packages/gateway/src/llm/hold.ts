import type { CallSite } from './call-site.ts'
import type { Asker } from './line.ts'

/** What one call holds of the bounds of the queue. */
export class Hold {
  readonly #site: CallSite
  readonly #asker: Asker
  #count = 0
  #tokens = 0
  isDetour = false
  bytes = 0

  constructor(site: CallSite, asker: Asker) {
    this.#site = site
    this.#asker = asker
  }

  /** Takes so much more, at the cost of others where they are less important; false where there is no room. */
  tryTake(count: number, bytes: number, tokens: number): boolean {
    if (!this.#site.makeRoom(this.#asker, count, bytes, tokens)) return false
    this.#move(count, bytes, tokens)
    return true
  }

  /** There is no room in the queue, but there may be another way: its body is read for that. */
  tryDetour(): boolean {
    const { holdings } = this.#site
    if (!holdings.mayDetour) return false
    holdings.detours++
    this.isDetour = true
    return true
  }

  /** Its body is there. */
  endDetour(): void {
    if (this.isDetour) this.#site.holdings.detours--
    this.isDetour = false
  }

  /** It waits again: it has been let in before. */
  waitsAgain(): void {
    this.#move(1, 0, 0)
  }

  /** It does not wait any more, but its body is kept. */
  begun(): void {
    this.endDetour()
    this.#move(-this.#count, 0, -this.#tokens)
  }

  release(): void {
    this.endDetour()
    this.#move(-this.#count, -this.bytes, -this.#tokens)
  }

  #move(count: number, bytes: number, tokens: number): void {
    const { holdings } = this.#site
    holdings.count += count
    holdings.bytes += bytes
    holdings.tokens += tokens
    this.#count += count
    this.bytes += bytes
    this.#tokens += tokens
  }
}
