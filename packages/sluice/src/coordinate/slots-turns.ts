import type { SlotLines } from './slots-lines.ts'
import type { SlotWaiter } from './slots-waiter.ts'

/** Who is next here when a slot is free. */
export interface SlotTurns {
  /** Nobody also where somebody waits whose turn it is not yet. */
  readonly next: SlotWaiter | undefined
  /** The coordinator has granted slots for these. */
  add(priority: number, line: number, count: number): void
  /** Whoever was next has got its slots. */
  took(waiter: SlotWaiter): void
  /** All that was granted is in use. */
  clear(): void
}

interface Turn {
  readonly priority: number
  readonly line: number
  count: number
}

/**
 * The best class, or with shares the one that is due; within it the tenant, and with shares the class as well, for which
 * the coordinator has granted, else by virtual time here.
 */
export class SharedTurns implements SlotTurns {
  readonly #lines: SlotLines
  #turns: Turn[] = []

  constructor(lines: SlotLines) {
    this.#lines = lines
  }

  get next(): SlotWaiter | undefined {
    const { first } = this.#lines
    if (first === undefined) return undefined
    while (this.#turns.length > 0) {
      const { priority, line, count } = this.#turns[0]!
      // Where each class is sure of a share, a better one that came meanwhile waits for a turn of its own.
      if (priority < first.priority && this.#lines.shares === undefined) return first
      const waiter = count > 0 ? this.#lines.firstOf(priority, line) : undefined
      if (waiter !== undefined) return waiter
      this.#turns.shift()
    }
    return first
  }

  add(priority: number, line: number, count: number): void {
    this.#turns.push({ priority, line, count })
  }

  took(waiter: SlotWaiter): void {
    const [turn] = this.#turns
    if (turn?.priority === waiter.priority) turn.count--
  }

  clear(): void {
    if (this.#turns.length > 0) this.#turns = []
  }
}

/** What the coordinator has said of the order of those it was told of by their numbers. */
export interface SlotOrder {
  precedes(priority: number, serial: number): boolean
}

/** Only those for whom slots were granted, or of whom it is known that they come before everybody elsewhere. */
export class StrictTurns implements SlotTurns {
  readonly #lines: SlotLines
  readonly #order: SlotOrder
  /** The last for whom a slot was granted, in each class. */
  readonly #granted = [0, 0, 0, 0]

  constructor(lines: SlotLines, order: SlotOrder) {
    this.#lines = lines
    this.#order = order
  }

  get next(): SlotWaiter | undefined {
    const { first } = this.#lines
    if (first === undefined) return undefined
    const { priority, serial } = first
    if (this.#isGranted(first) || this.#order.precedes(priority, serial)) return first
    // What is here for somebody less important was granted while nobody better was known to wait anywhere. Given back it
    // would be for somebody else, and the one it was for would count as served.
    for (let below = priority - 1; below >= 0; below--) if (this.#isGranted(this.#lines.firstOf(below, 0))) return first
    return undefined
  }

  #isGranted(waiter: SlotWaiter | undefined): boolean {
    return waiter !== undefined && waiter.serial <= this.#granted[waiter.priority]!
  }

  add(priority: number, line: number): void {
    this.#granted[priority] = Math.max(this.#granted[priority] ?? 0, line)
  }

  took(): void {}

  clear(): void {}
}
