import type { Priority } from 'sluice'
import { TokenLine, type LineEntry } from 'sluice/llm'

/** One who waits, and how much service it is expected to be. */
export interface BandEntry extends LineEntry {
  readonly service: number
}

const RANKS: readonly Priority[] = [3, 2, 1, 0]

/**
 * Who is next: the highest band, but each lower one is owed a part of what the higher have while it waits; within a band the
 * tenant that has had the least service for its weight (`TokenLine`).
 */
export class Bands<E extends BandEntry> {
  readonly #lines: readonly TokenLine<E>[]
  /** What each band has coming to it, in service. */
  readonly #owed: number[] = [0, 0, 0, 0]
  readonly #reserve: number

  /** @param reserve the part of the service of higher bands that each lower one is owed, 0 to 0.5 */
  constructor(weightOf: (tenant: string) => number, reserve: number) {
    this.#lines = RANKS.map(() => new TokenLine<E>(weightOf))
    this.#reserve = reserve
  }

  get size(): number {
    let sum = 0
    for (const line of this.#lines) sum += line.size
    return sum
  }

  /** Service a tenant has received in a band, divided by its weight. */
  serviceOf(tenant: string, priority: Priority): number {
    return this.#lines[priority]!.serviceOf(tenant)
  }

  waitingOf(priority: Priority): { readonly entries: number; readonly tenants: number } {
    return this.#lines[priority]!.waitingOf(priority)
  }

  lengthOf(tenant: string, priority: Priority): number {
    return this.#lines[priority]!.lengthOf(tenant, priority)
  }

  push(entry: E, again = false): void {
    this.#lines[entry.priority]!.push(entry, again)
  }

  remove(entry: E): boolean {
    const line = this.#lines[entry.priority]!
    const removed = line.remove(entry)
    if (line.size === 0) this.#owed[entry.priority] = 0
    return removed
  }

  /** Who is next, left in. */
  get next(): E | undefined {
    let highest: E | undefined
    for (const rank of RANKS) {
      const { first } = this.#lines[rank]!
      if (first === undefined) continue
      if (highest === undefined) highest = first
      else if (this.#owed[rank]! >= first.service) return first
    }
    return highest
  }

  /** Takes out one whose turn it is. */
  take(entry: E): void {
    const { priority, service } = entry
    const line = this.#lines[priority]!
    line.take(entry, service)
    let isHighest = true
    for (const rank of RANKS) {
      if (rank > priority && this.#lines[rank]!.size > 0) isHighest = false
      if (rank < priority && this.#lines[rank]!.size > 0) this.#owed[rank]! += service * this.#reserve
    }
    if (line.size === 0) this.#owed[priority] = 0
    else if (!isHighest) this.#owed[priority]! -= service
  }

  /** What one that was taken has really received beyond what was expected; below 0 what it did not. */
  settle(entry: E, more: number): void {
    this.#lines[entry.priority]!.settle(entry.tenant, more)
  }

  /** Who has to go so that one of this tenant and band can come. */
  victim(tenant: string, priority: Priority): E | undefined {
    for (let rank = 0; rank <= priority; rank++) {
      const line = this.#lines[rank]!
      if (line.size === 0) continue
      // Of a lower band whoever has most waiting; of its own only one that has more than it.
      return line.victim(tenant, rank < priority ? 3 : priority)
    }
    return undefined
  }

  *[Symbol.iterator](): IterableIterator<E> {
    for (const line of this.#lines) yield* line
  }
}
