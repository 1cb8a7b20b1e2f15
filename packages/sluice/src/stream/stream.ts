import type { Millis, Pressure, Signal, World } from '../ground/index.ts'

/** What becomes of an item that comes to a full channel. */
export type OverflowPolicy = 'block' | 'reject' | 'drop-oldest' | 'drop-newest' | 'drop-random'

/**
 * What a push says. `ok`: it is in, go on. `pause`: go on if you must, but better wait for `onResume`. `reject`: it is
 * not in and is still yours.
 */
export type PushAnswer = 'ok' | 'pause' | 'reject'

/** Why the channel lost an item that its producer is rid of. */
export type DropReason = 'oldest' | 'newest' | 'random' | 'aborted'

/**
 * Why an item did not get in, which its producer was told: no room, no room in the time it had, its signal was aborted
 * while it waited, or the channel takes nothing any more.
 */
export type RefusalReason = 'full' | 'timeout' | 'cancelled' | 'closed'

/** A reading. `pushed` is always the sum of all the other figures but `takers`. */
export interface ChannelStats {
  /** Items handed to `push` or `send`, whatever became of them. */
  readonly pushed: number
  /** Items handed to a consumer. */
  readonly taken: number
  /** Items inside. */
  readonly size: number
  /** Items whose producers wait for room. */
  readonly senders: number
  readonly dropped: Readonly<Record<DropReason, number>>
  readonly rejected: Readonly<Record<RefusalReason, number>>
  /** Consumers that wait for an item. */
  readonly takers: number
}

export interface ChannelOptions<T> extends World {
  /** How many items it holds. A whole number from 1 to 16,777,216. There is no default, as none would be right. */
  readonly capacity: number
  /** What becomes of an item that comes when it is full. */
  readonly policy: OverflowPolicy
  /** Filled to this share of the capacity it asks its producers to pause. Above 0, at most 1. Default 0.8. */
  readonly highWater?: number
  /** Emptied to this share it lets them resume. From 0 to below `highWater`. Default 0.2. */
  readonly lowWater?: number
  /** Receives every item that will not come out, dropped or refused, and why. */
  readonly onDrop?: (item: T, reason: DropReason | RefusalReason) => void
  /** It has risen to the high mark. */
  readonly onPause?: () => void
  /** It has fallen to the low mark, or was aborted, after a pause. Exactly once for each pause. */
  readonly onResume?: () => void
  /** For people, pressure and refusals. Default `channel`. */
  readonly name?: string
}

export interface SendOptions {
  /** Stops the waiting. */
  readonly signal?: AbortSignal
  /** How long it may wait for room, in ms. 0: not at all. Default: for ever. */
  readonly timeout?: Millis
}

export interface TakeOptions {
  /** Stops the waiting. */
  readonly signal?: AbortSignal
}

/** An item, or `done` when there will be none any more. Any value may be an item, `undefined` too. */
export type Taken<T> = IteratorResult<T, undefined>

/**
 * A bounded queue between producers and consumers. Each item goes to exactly one consumer, in the order they came;
 * iterating it takes.
 */
export interface Channel<T> extends AsyncIterable<T> {
  readonly name: string
  readonly capacity: number
  /** Items inside. */
  readonly size: number
  readonly stats: ChannelStats
  /** Takes nothing any more: it was closed, has failed, or was aborted. */
  readonly closed: boolean
  /** 1 is full; above that producers wait. */
  readonly pressure: Signal<Pressure>
  /**
   * Hands an item over, without waiting: where the policy is `block`, a full channel answers `reject`, as nothing
   * synchronous can wait.
   */
  push(item: T): PushAnswer
  /**
   * Hands an item over. Where the policy is `block`, it waits for room, first come first served; elsewhere it does what
   * `push` does.
   * @throws RejectedError with code `queue_full`, `queue_timeout` or `closed`; `signal.reason` when aborted while
   * waiting; the reason of `abort`. The item is then not in.
   */
  send(item: T, options?: SendOptions): Promise<Exclude<PushAnswer, 'reject'>>
  /**
   * Waits for an item, first come first served.
   * @throws `signal.reason` when aborted while waiting; the reason of `abort`, or of `fail` once all items are taken
   */
  take(options?: TakeOptions): Promise<Taken<T>>
  /**
   * An item if there is one; `done` when there will be none any more; `undefined` when there is none now.
   * @throws as `take` does
   */
  tryTake(): Taken<T> | undefined
  /**
   * Takes no more. What is inside, and what producers already wait with, is still handed out; then consumers are done.
   */
  close(): void
  /** As `close`, but then consumers get `error`. */
  fail(error: unknown): void
  /**
   * Gives up: drops what is inside, counted as `aborted`, and rejects everybody who waits with `reason`, and every
   * consumer who comes.
   * @param reason default: a `RejectedError` with code `closed`
   */
  abort(reason?: unknown): void
  /**
   * Leaving the loop leaves the channel as it is, for other consumers. `return` also ends what that iterator waits for:
   * no item is taken for a consumer who has gone.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, void>
}
