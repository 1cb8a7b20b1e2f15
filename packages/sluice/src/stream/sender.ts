import { unwatchAbort, type AbortListener, type Timer } from '../ground/index.ts'
import type { Link } from './chain.ts'
import type { PushAnswer } from './stream.ts'

/** A producer that waits for room. */
export class Sender<T> implements Link, AbortListener {
  previous: Link | undefined
  next: Link | undefined
  readonly item: T
  readonly admit: (answer: Exclude<PushAnswer, 'reject'>) => void
  readonly refuse: (error: unknown) => void
  timer: Timer | undefined
  signal: AbortSignal | undefined
  left: ((reason: unknown) => void) | undefined

  constructor(item: T, admit: Sender<T>['admit'], refuse: Sender<T>['refuse']) {
    this.item = item
    this.admit = admit
    this.refuse = refuse
  }

  aborted(reason: unknown): void {
    this.left?.(reason)
  }

  /** Leaves neither timer nor listener behind. */
  putAway(): void {
    this.timer?.cancel()
    if (this.signal !== undefined) unwatchAbort(this.signal, this)
  }
}
