import type { Millis } from '../ground/index.ts'
import type { ConsumerOptions } from './consumer-options.ts'

/** What is used of a message. */
export interface AmqpMessage {
  readonly properties: { readonly headers?: Readonly<Record<string, unknown>> | undefined }
}

/** What is used of a channel of the shape of amqplib. */
export interface AmqpChannel<M extends AmqpMessage> {
  prefetch(count: number): PromiseLike<unknown>
  consume(
    queue: string,
    onMessage: (message: M | null) => void,
    options?: { noAck?: boolean },
  ): PromiseLike<{ readonly consumerTag: string }>
  cancel(consumerTag: string): PromiseLike<unknown>
  ack(message: M): void
  nack(message: M, allUpTo: boolean, requeue: boolean): void
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** What becomes of a message: `reject` is `nack` without requeueing, which is how a message is dead-lettered. */
export type AmqpVerdict = 'ack' | 'requeue' | 'reject'

/** What an AMQP consumer takes. */
export interface AmqpOptions<M extends AmqpMessage> extends ConsumerOptions<M> {
  /**
   * How many messages wait here for each that may be at work: the prefetch is the gate's limit times 1 more than this.
   * At least 0; default 0.5.
   */
  readonly ahead?: number
  /** The highest prefetch, and the one of a gate without a limit. A whole number from 1 to 65,535; default 1000. */
  readonly mostPrefetch?: number
  /** How often the prefetch may follow the limit, in ms; above 0; default 1000. */
  readonly adjustInterval?: Millis
  /**
   * What becomes of a message whose work failed. Default: `requeue`, after `retryDelay`. `reject` without a dead-letter
   * exchange at the queue throws the message away. If it fails itself: `requeue`.
   */
  readonly onFailure?: (error: unknown, message: M) => AmqpVerdict
  /** How long a message whose work failed is held before it is requeued, in ms; at least 0; default 1000. */
  readonly retryDelay?: Millis
  /**
   * What becomes of a message a gate refused: `requeue` gives it to whoever has room; `wait` holds it until the gate
   * said to come back. A message that finds our own gate full always waits: that is what it was prefetched for. Default:
   * `requeue`, but `wait` for a message that carries `x-delivery-count`, for a quorum queue counts how often a message
   * comes back and throws it away in the end.
   */
  readonly onRefusal?: 'requeue' | 'wait'
}

/** What the work is told beside the message. */
export interface AmqpContext {
  /** Aborted when the channel is lost, when the time is up, and when draining takes too long. */
  readonly signal: AbortSignal
}

/** What one message asks for. It is acknowledged when the promise is fulfilled, never before. */
export type AmqpWork<M> = (message: M, context: AmqpContext) => unknown

/** What an AMQP consumer holds and has done. */
export interface AmqpStats {
  /** Messages delivered and neither acknowledged nor returned. */
  readonly unsettled: number
  readonly running: number
  /** As last told to the broker; 0 without a channel. */
  readonly prefetch: number
  readonly acked: number
  readonly requeued: number
  readonly rejected: number
  /** Times work failed. */
  readonly failed: number
  /** Times a gate said no. */
  readonly refused: number
  /** Messages that could not be settled, because their channel was gone. The broker delivers them again. */
  readonly lost: number
}
