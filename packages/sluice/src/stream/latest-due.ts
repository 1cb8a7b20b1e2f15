import type { Instant, Timer } from '../ground/index.ts'
import { Lossy, type Outlet, type Rule } from './lossy.ts'
import type { Operated, OperatorOptions } from './operator.ts'

/** When the item held is to come out; `due` is what was said of the one before it, where that is still held. */
export type WhenDue = (now: Instant, due: Instant | undefined) => Instant

/** Holds the newest item until it is due, and drops those before it. */
class LatestDue<T> implements Rule<T> {
  readonly #outlet: Outlet<T, T>
  readonly #whenDue: WhenDue
  #held: { readonly item: T } | undefined
  #due: Instant | undefined
  #timer: Timer | undefined

  constructor(outlet: Outlet<T, T>, whenDue: WhenDue) {
    this.#outlet = outlet
    this.#whenDue = whenDue
  }

  item(item: T): void {
    const { clock } = this.#outlet
    const before = this.#held
    this.#held = { item }
    const now = clock.now()
    this.#due = this.#whenDue(now, this.#due)
    this.#timer ??= clock.after(this.#due - now, this.#fire)
    if (before !== undefined) this.#outlet.drop(before.item)
  }

  readonly #fire = (): void => {
    const { clock } = this.#outlet
    const rest = this.#due! - clock.now()
    // Put off since it was set, rather than set anew for every item.
    if (rest > 0) this.#timer = clock.after(rest, this.#fire)
    else this.flush()
  }

  flush(): void {
    const held = this.#letGo()
    if (held !== undefined) this.#outlet.emit(held.item)
  }

  stop(): void {
    const held = this.#letGo()
    if (held !== undefined) this.#outlet.drop(held.item)
  }

  #letGo(): { readonly item: T } | undefined {
    const held = this.#held
    this.#timer?.cancel()
    this.#timer = undefined
    this.#held = undefined
    this.#due = undefined
    return held
  }
}

/** The newest item of a source, whenever it is due. */
export function latestDue<T>(
  source: AsyncIterable<T>,
  options: OperatorOptions<T>,
  whenDue: (clock: Outlet<T, T>['clock']) => WhenDue,
): Operated<T> {
  return new Lossy<T, T>(source, options, {
    capacity: 1,
    rule: (outlet) => new LatestDue(outlet, whenDue(outlet.clock)),
    open: (item) => item,
    lost: (item) => item,
  })
}
