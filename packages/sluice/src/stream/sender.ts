import type { Timer } from '../ground/index.ts'
import type { Link } from './chain.ts'
import type { PushAnswer } from './stream.ts'

/** A producer that waits for room. */
export class Sender<T> implements Link {
  previous: Link | undefined
  next: Link | undefined
  readonly item: T
  readonly admit: (answer: Exclude<PushAnswer, 'reject'>) => void
  readonly refuse: (error: unknown) => void
  timer: Timer | undefined
  signal: AbortSignal | undefined
  leave: (() => void) | undefined

  constructor(item: T, admit: Sender<T>['admit'], refuse: Sender<T>['refuse']) {
    this.item = item
    this.admit = admit
    this.refuse = refuse
  }

  /** Leaves neither timer nor listener behind. */
  putAway(): void {
    this.timer?.cancel()
    if (this.leave !== undefined) this.signal?.removeEventListener('abort', this.leave)
  }
}
