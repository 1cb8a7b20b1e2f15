import type { Priority } from '../ground/index.ts'
import type { BucketsWaiter } from './buckets-waiter.ts'

/** Who waits for a tenant's tokens: the best class first, and in a class who came first. */
export class BucketsLine implements Iterable<BucketsWaiter> {
  /** What all of them want. */
  readonly wanted: number[]
  readonly #classes: readonly Set<BucketsWaiter>[] = [new Set(), new Set(), new Set(), new Set()]

  constructor(buckets: number) {
    this.wanted = Array.from({ length: buckets }, () => 0)
  }

  get size(): number {
    const [a, b, c, d] = this.#classes
    return a!.size + b!.size + c!.size + d!.size
  }

  /** True where somebody of this class or a better one waits. */
  isBefore(priority: Priority): boolean {
    for (let at: number = priority; at < 4; at++) if (this.#classes[at]!.size > 0) return true
    return false
  }

  /** Who is next. */
  get first(): BucketsWaiter | undefined {
    for (let at = 3; at >= 0; at--) for (const waiter of this.#classes[at]!) return waiter
    return undefined
  }

  has(waiter: BucketsWaiter): boolean {
    return this.#classes[waiter.priority]!.has(waiter)
  }

  add(waiter: BucketsWaiter): void {
    this.#classes[waiter.priority]!.add(waiter)
    for (let at = 0; at < this.wanted.length; at++) this.wanted[at]! += waiter.amounts[at]!
  }

  remove(waiter: BucketsWaiter): void {
    this.#classes[waiter.priority]!.delete(waiter)
    // From nothing anew, or what is rounded off would be wanted for ever.
    const rest = this.size > 0 ? 1 : 0
    for (let at = 0; at < this.wanted.length; at++) this.wanted[at] = rest * (this.wanted[at]! - waiter.amounts[at]!)
  }

  *[Symbol.iterator](): Iterator<BucketsWaiter> {
    for (let at = 3; at >= 0; at--) yield* this.#classes[at]!
  }
}
