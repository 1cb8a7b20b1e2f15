import type { Clock } from '../ground/index.ts'

/** What every operator takes. */
export interface OperatorOptions<T> {
  readonly clock?: Clock
  /** Ends it: the source is left, and the consumer gets `signal.reason`. */
  readonly signal?: AbortSignal
  /** Receives every item that does not come out. */
  readonly onDrop?: (item: T) => void
}

/** A reading, in items: `received` is the sum of the other two and of what is held at the moment. */
export interface OperatorStats {
  readonly received: number
  readonly emitted: number
  readonly dropped: number
}

/** What an operator makes of a source. */
export interface Operated<R> extends AsyncIterableIterator<R, undefined, void> {
  return(): Promise<IteratorResult<R, undefined>>
  readonly stats: OperatorStats
}
