import { tell, type Clock } from '../ground/index.ts'
import type { LossReason } from './reader.ts'

/** Nothing lost, by every reason. */
export function noLosses(): Record<LossReason, number> {
  return { oldest: 0, coalesced: 0, 'too-large': 0, full: 0, disconnected: 0, left: 0, closed: 0 }
}

/** Counts what does not reach a reader, and says so. */
export class Losses<T> {
  readonly counts: Record<LossReason, number> = noLosses()
  readonly #clock: Clock
  readonly #onDrop: ((message: T, reason: LossReason) => void) | undefined

  constructor(clock: Clock, onDrop: ((message: T, reason: LossReason) => void) | undefined) {
    this.#clock = clock
    this.#onDrop = onDrop
  }

  add(message: T, reason: LossReason): void {
    this.counts[reason]++
    tell(this.#clock, this.#onDrop, message, reason)
  }
}
