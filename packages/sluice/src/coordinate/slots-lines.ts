import { hashOf, type Instant } from '../ground/index.ts'
import type { Classes, SlotDemand } from './coordinator.ts'
import { SlotClass } from './slots-class.ts'
import { SlotShares, widestClass } from './slots-shares.ts'
import type { SlotWaiter } from './slots-waiter.ts'

/** Of those who wait, how many are told of one by one where each must be served in its turn. */
const NAMED = 64
const RANKS = [3, 2, 1, 0] as const

/** How much each tenant may have beside others; 1 for whom it does not name. */
export type SlotWeights = Readonly<Record<string, number>>

/**
 * Who waits here: the most important class first, or each by its share; within it tenants by weight, or in strict order
 * whoever came first.
 */
export class SlotLines {
  readonly #classes = [new SlotClass(0), new SlotClass(1), new SlotClass(2), new SlotClass(3)] as const
  readonly #strict: boolean
  readonly #weights: SlotWeights
  /** What each class is sure of. */
  readonly shares: Classes | undefined
  readonly #owed = new SlotShares()
  #serials = 0
  size = 0

  constructor(strict: boolean, weights: SlotWeights, shares: Classes | undefined) {
    this.#strict = strict
    this.#weights = weights
    this.shares = shares
  }

  get sizes(): Classes {
    const [sheddable, low, ordinary, critical] = this.#classes
    return [sheddable.size, low.size, ordinary.size, critical.size]
  }

  /** Who is next. */
  get first(): SlotWaiter | undefined {
    if (this.size === 0) return undefined
    if (this.shares !== undefined) return this.#classes[this.#owed.due(this.sizes).priority]?.first
    for (const rank of RANKS) if (this.#classes[rank].size > 0) return this.#classes[rank].first
    return undefined
  }

  /** Who is next of a line of a class. */
  firstOf(priority: number, line: number): SlotWaiter | undefined {
    return this.#classes[priority]?.firstOf(line)
  }

  /** Whom a class loses first. */
  last(priority: 0 | 1 | 2 | 3): SlotWaiter | undefined {
    return this.#classes[priority].last
  }

  /**
   * Who goes when one more of a class comes and there are places for so many: one of the least important class below it,
   * or of the class furthest beyond its share. Nobody where it is the newcomer's turn to go.
   */
  loser(priority: 0 | 1 | 2 | 3, places: number): SlotWaiter | undefined {
    if (this.shares !== undefined) {
      const sizes: [number, number, number, number] = [...this.sizes]
      sizes[priority]++
      const widest = widestClass(sizes, this.shares, places)
      return widest === priority ? undefined : this.#classes[widest]?.last
    }
    for (const rank of this.#classes) if (rank.priority < priority && rank.size > 0) return rank.last
    return undefined
  }

  /** Everybody who needs more slots than that. */
  wider(limit: number): SlotWaiter[] {
    return [...this].filter(({ cost }) => cost > limit)
  }

  append(waiter: SlotWaiter): void {
    const { flow } = waiter.arrival
    waiter.serial = ++this.#serials
    // Collisions of 32 bits share a line.
    const id = flow === undefined || this.#strict ? 0 : hashOf(flow)
    this.#classes[waiter.priority].append(waiter, id, flow === undefined ? 1 : this.#weightOf(flow))
    this.size++
  }

  /** @param served whether it gets what it waited for */
  remove(waiter: SlotWaiter, served: boolean): void {
    const { priority, cost } = waiter
    if (served && this.shares !== undefined) this.#owed.took(priority, cost, cost, this.sizes, this.shares)
    this.#classes[priority].remove(waiter, served)
    this.size--
  }

  *[Symbol.iterator](): Generator<SlotWaiter> {
    for (const rank of RANKS) yield* this.#classes[rank].waiters()
  }

  /** Who waits, in the order they are served in. */
  demand(now: Instant): SlotDemand[] {
    const demand: SlotDemand[] = []
    if (this.size === 0) return demand
    if (this.#strict) {
      for (const { priority, serial: line, cost, since } of this) {
        demand.push({ priority, line, weight: 1, cost, count: 1, age: now - since })
        if (demand.length === NAMED) break
      }
      return demand
    }
    for (const rank of RANKS) if (this.#classes[rank].size > 0) this.#classes[rank].demand(now, demand)
    return demand
  }

  #weightOf(flow: string): number {
    return Object.hasOwn(this.#weights, flow) ? this.#weights[flow]! : 1
  }
}
