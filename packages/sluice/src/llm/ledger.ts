import type { BucketsDemand, BucketsRank, BucketsStanding } from '../coordinate/index.ts'
import type { TokenLine } from './token-line.ts'
import type { LlmWaiter } from './waiter.ts'

/** Tenants the store is told of, or asked for, at once; twice as many at most. */
const ABREAST = 16

/** Tenants whose charges are kept until the store is told, at most. */
const REMEMBERED = 1024

/**
 * Brings the service tenants have received here and in all other processes together, as long as somebody waits: the store
 * counts for all, this line goes by what it says. Both count on their own scale; what lies between is the same for all
 * tenants. As long as nobody waits elsewhere the line goes by its own figures.
 */
export class Ledger {
  readonly #line: TokenLine<LlmWaiter>
  readonly #isShared: () => boolean
  /** Which time of waiting it is; 0 while nobody waits. */
  #episode = 0
  /** What a figure of the line is beyond the store's. */
  #shift = 0
  /** What was charged here, and the store does not know. */
  readonly #untold = new Map<string, number>()

  /** @param isShared true where there are other processes */
  constructor(line: TokenLine<LlmWaiter>, isShared: () => boolean) {
    this.#line = line
    this.#isShared = isShared
  }

  /** A tenant was charged so much, divided by its weight. */
  charged(tenant: string, more: number): void {
    if (this.#episode === 0) return
    this.#untold.set(tenant, (this.#untold.get(tenant) ?? 0) + more)
    if (this.#untold.size <= REMEMBERED) return
    const [oldest] = this.#untold.keys()
    this.#untold.delete(oldest!)
  }

  /**
   * Where one who waits stands among those of all processes.
   * @param charge the service it is expected to be, divided by the weight of its tenant
   * @param changed called when the store has said how tenants stand, and it is still not its turn
   */
  rankOf(waiter: LlmWaiter, charge: number, changed: () => void): BucketsRank {
    return {
      line: waiter.tenant,
      charge,
      told: () => this.#tell(waiter),
      heard: (told, standing, granted) => {
        if (standing === undefined) return this.#forget()
        if (standing.episode !== this.#episode) this.#begin(standing)
        // The store has charged it; here it is when it begins.
        if (granted) this.charged(waiter.tenant, -charge)
        told.forEach(({ line }, at) => {
          this.#line.place(line, standing.charged[at]! + this.#shift + (this.#untold.get(line) ?? 0))
        })
        if (!granted) changed()
      },
    }
  }

  #tell({ tenant, priority }: LlmWaiter): Pick<BucketsDemand, 'told' | 'abreast'> {
    if (!this.#isShared()) return { told: [], abreast: 0 }
    const names = new Set([tenant, ...this.#line.next(priority, ABREAST)])
    const abreast = names.size
    for (const name of this.#untold.keys()) {
      if (names.size > 2 * ABREAST) break
      names.add(name)
    }
    const told = [...names].map((line) => {
      const more = this.#untold.get(line) ?? 0
      this.#untold.delete(line)
      return { line, more }
    })
    return { told, abreast }
  }

  #begin({ episode, virtual }: BucketsStanding): void {
    this.#untold.clear()
    this.#episode = episode
    this.#shift = this.#line.least - virtual
  }

  #forget(): void {
    this.#untold.clear()
    this.#episode = 0
  }
}
