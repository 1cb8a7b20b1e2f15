import {
  checkFunction,
  checkNumber,
  checkOptions,
  checkWhole,
  systemClock,
  type Clock,
  type Millis,
} from '../ground/index.ts'
import { coreOf, type Gate } from '../gate/index.ts'
import { checkSource } from './check-source.ts'
import { ConcurrentMap } from './concurrent-map.ts'

/** What the work is told beside its item. */
export interface MapContext {
  /** Aborted when the item has run out of time, or its result is not wanted any more. */
  readonly signal: AbortSignal
  /** The number of the item in the source, from 0. */
  readonly index: number
}

export interface MapConcurrentOptions {
  /** How many items may be in progress, or done and not asked for yet. A whole number of at least 1. */
  readonly concurrency: number
  /** Results in the order of the source; otherwise as they complete. Default true. */
  readonly ordered?: boolean
  /** Ends it all. */
  readonly signal?: AbortSignal
  /** How long one item may take, in ms. Default: any time. */
  readonly timeout?: Millis
  /** Admits each item. A refusal is an error like any other; `timeout` counts from the admission. Default: none. */
  readonly gate?: Gate
  readonly clock?: Clock
}

/**
 * Maps a source with a bounded number of items in progress: what `Promise.all(huge.map(work))` should have been.
 *
 * Nothing is pulled before the consumer asks, and nothing while `concurrency` items are in progress or waiting to be
 * asked for. The first error, an early `break`, and the abort of `signal` abort what is in progress and return the
 * source once. Results that were complete, and in turn, come out before an error does. Leaving does not wait for work
 * that ignores its signal, nor for a source that is busy with an item.
 *
 * ```ts
 * for await (const page of mapConcurrent(urls, (url, { signal }) => fetch(url, { signal }), { concurrency: 8 })) …
 * ```
 * @throws RangeError for an option out of range. Iterating throws whatever source or work throws; a `RejectedError` with
 * code `deadline` for an item out of time; `signal.reason` when aborted
 */
export function mapConcurrent<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  work: (item: T, context: MapContext) => PromiseLike<R> | R,
  options: MapConcurrentOptions,
): AsyncIterableIterator<R, undefined, void> {
  checkSource('mapConcurrent', source)
  checkOptions('mapConcurrent', options)
  checkFunction('mapConcurrent.work', work)
  if (options.gate !== undefined) coreOf('mapConcurrent.gate', options.gate)
  return new ConcurrentMap(source, work, {
    ...options,
    concurrency: checkWhole('mapConcurrent.concurrency', options.concurrency, 1),
    ordered: options.ordered ?? true,
    timeout: checkNumber('mapConcurrent.timeout', options.timeout ?? Infinity, 0, Infinity),
    clock: options.clock ?? systemClock,
  })
}
