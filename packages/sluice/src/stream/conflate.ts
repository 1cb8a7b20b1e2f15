import { checkWhole } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import { Lossy, type Outlet, type Rule } from './lossy.ts'
import type { Operated, OperatorOptions } from './operator.ts'

export interface ConflateOptions<T> extends OperatorOptions<T> {
  /** What an item is about: a newer one about the same replaces it. Default: all are about the same. */
  readonly key?: (item: T) => unknown
  /** How many keys may wait; beyond that the one that waits longest is dropped. A whole number of at least 1. */
  readonly keys: number
}

/** The newest item about one key, waiting to be taken. */
interface Slot<T> {
  readonly key: unknown
  item: T
}

class Conflate<T> implements Rule<T> {
  readonly #slots: Map<unknown, Slot<T>>
  readonly #outlet: Outlet<T, Slot<T>>
  readonly #key: (item: T) => unknown

  constructor(slots: Map<unknown, Slot<T>>, outlet: Outlet<T, Slot<T>>, key: (item: T) => unknown) {
    this.#slots = slots
    this.#outlet = outlet
    this.#key = key
  }

  item(item: T): void {
    const key = this.#key(item)
    const waiting = this.#slots.get(key)
    if (waiting === undefined) {
      const slot = { key, item }
      this.#slots.set(key, slot)
      this.#outlet.emit(slot)
      return
    }
    const old = waiting.item
    waiting.item = item
    this.#outlet.drop(old)
  }

  flush(): void {}

  stop(): void {}
}

/**
 * The newest item about each key, as fast as the consumer takes them: prices by symbol, positions by vehicle. A key keeps
 * its place in the line when its item is replaced. No timer, and nothing is held back from a consumer who waits.
 * @throws RangeError for an option out of range
 */
export function conflate<T>(source: AsyncIterable<T>, options: ConflateOptions<T>): Operated<T> {
  checkOperator('conflate', source, options)
  const slots = new Map<unknown, Slot<T>>()
  const release = (slot: Slot<T>): T => {
    slots.delete(slot.key)
    return slot.item
  }
  return new Lossy<T, Slot<T>>(source, options, {
    capacity: checkWhole('conflate.keys', options.keys, 1),
    rule: (outlet) => new Conflate(slots, outlet, options.key ?? ((): undefined => undefined)),
    open: release,
    lost: release,
  })
}
