import { unwatchAbort, type AbortListener } from '../ground/index.ts'
import type { Link } from './chain.ts'
import type { Taken } from './stream.ts'

/** A consumer that waits for an item. */
export class Taker<T> implements Link, AbortListener {
  previous: Link | undefined
  next: Link | undefined
  readonly give: (taken: Taken<T>) => void
  readonly fail: (error: unknown) => void
  signal: AbortSignal | undefined
  left: ((reason: unknown) => void) | undefined
  /** Those of the same iterator. */
  readonly party: Set<Taker<T>> | undefined

  constructor(give: Taker<T>['give'], fail: Taker<T>['fail'], party: Set<Taker<T>> | undefined) {
    this.give = give
    this.fail = fail
    this.party = party
    party?.add(this)
  }

  aborted(reason: unknown): void {
    this.left?.(reason)
  }

  putAway(): void {
    this.party?.delete(this)
    if (this.signal !== undefined) unwatchAbort(this.signal, this)
  }
}
