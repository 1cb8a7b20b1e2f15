import { checkNumber, type Instant, type Millis } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import { Lossy, type Outlet, type Rule } from './lossy.ts'
import type { Operated, OperatorOptions } from './operator.ts'

export interface ThrottleOptions<T> extends OperatorOptions<T> {
  /** How long after an item all others are dropped, in ms. Above 0. */
  readonly every: Millis
}

/** Needs no timer: what comes too early is dropped when it comes. */
class Throttle<T> implements Rule<T> {
  readonly #outlet: Outlet<T, T>
  readonly #every: Millis
  #from: Instant = -Infinity

  constructor(outlet: Outlet<T, T>, every: Millis) {
    this.#outlet = outlet
    this.#every = every
  }

  item(item: T): void {
    const now = this.#outlet.clock.now()
    if (now < this.#from) return this.#outlet.drop(item)
    this.#from = now + this.#every
    this.#outlet.emit(item)
  }

  flush(): void {}

  stop(): void {}
}

/**
 * At most one item in `every` ms: the first, at once; those that follow it too closely are dropped. For clicks, where
 * the first is the one that counts; where the newest does, see `audit`.
 * @throws RangeError for an option out of range
 */
export function throttle<T>(source: AsyncIterable<T>, options: ThrottleOptions<T>): Operated<T> {
  checkOperator('throttle', source, options)
  const every = checkNumber('throttle.every', options.every, Number.MIN_VALUE)
  return new Lossy<T, T>(source, options, {
    capacity: 1,
    rule: (outlet) => new Throttle(outlet, every),
    open: (item) => item,
    lost: (item) => item,
  })
}
