import type { Instant, Priority, Timer } from '../ground/index.ts'
import type { Answer, Verdict, Waiting } from '../gate/index.ts'
import type { Asker, BucketsRank } from './buckets-rank.ts'

/** An arrival that waits for tokens of its tenant, or for the answer to whether there are any. */
export class BucketsWaiter implements Waiting, Asker {
  readonly cost: number
  readonly amounts: readonly number[]
  readonly since: Instant
  readonly priority: Priority
  readonly rank: BucketsRank | undefined
  readonly waits = true
  answer: Answer | undefined
  /** Ends its patience. */
  timer: Timer | undefined
  readonly #left: (waiter: BucketsWaiter, code: 'cancelled') => void

  constructor(
    cost: number,
    amounts: readonly number[],
    since: Instant,
    priority: Priority,
    rank: BucketsRank | undefined,
    left: (waiter: BucketsWaiter, code: 'cancelled') => void,
  ) {
    this.cost = cost
    this.amounts = amounts
    this.since = since
    this.priority = priority
    this.rank = rank
    this.#left = left
  }

  get admitted(): undefined {
    return undefined
  }

  cancel(): void {
    this.#left(this, 'cancelled')
  }

  tell(verdict: Verdict): void {
    this.timer?.cancel()
    const { answer } = this
    this.answer = undefined
    answer?.(verdict)
  }
}
