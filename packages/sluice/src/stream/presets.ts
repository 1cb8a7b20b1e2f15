import { fifo } from '../queue/index.ts'
import { limiter, type Gate, type LimiterOptions } from '../gate/index.ts'
import { channel } from './channel.ts'
import { mapConcurrent, type MapConcurrentOptions, type MapContext } from './map-concurrent.ts'
import type { Channel, ChannelOptions } from './stream.ts'

/** What a preset leaves open. */
export interface PresetOptions<T> extends Omit<ChannelOptions<T>, 'capacity' | 'policy'> {
  readonly capacity?: number
}

/**
 * Payments, orders: nothing is lost, producers wait for room with `await send(item)`. Holds 1,000 by default.
 * @throws RangeError for an option out of range
 */
export function lossless<T>(options: PresetOptions<T> = {}): Channel<T> {
  return channel({ name: 'lossless', capacity: 1000, ...options, policy: 'block' })
}

/**
 * Live metrics, video: the newest matter, the oldest are dropped and counted. Holds 100 by default.
 * @throws RangeError for an option out of range
 */
export function latest<T>(options: PresetOptions<T> = {}): Channel<T> {
  return channel({ name: 'latest', capacity: 100, ...options, policy: 'drop-oldest' })
}

/**
 * Interactive requests: in at once or refused at the door, nobody waits. Finds its limit itself, unless given one.
 * @throws RangeError for an option out of range
 */
export function interactive(options: Omit<LimiterOptions, 'queue'> = {}): Gate {
  return limiter({ name: 'interactive', ...options, queue: fifo({ capacity: 0, maxWait: 0 }) })
}

/**
 * Stream processing: the consumer pulls, and nothing is read before it asks. 8 items in progress by default.
 * @throws RangeError for an option out of range
 */
export function pull<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  work: (item: T, context: MapContext) => PromiseLike<R> | R,
  options: Partial<MapConcurrentOptions> = {},
): AsyncIterableIterator<R, undefined, void> {
  return mapConcurrent(source, work, { concurrency: 8, ...options })
}
