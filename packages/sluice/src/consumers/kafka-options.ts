import type { Millis } from '../ground/index.ts'
import type { ConsumerOptions } from './consumer-options.ts'

/** What a Kafka consumer takes. `M` is the client's message. */
export interface KafkaOptions<M> extends ConsumerOptions<M> {
  /**
   * How many messages of one partition may be here, from the oldest that is not done on: waiting, at work, or done
   * behind one that is not. A whole number of at least 1; default 100.
   */
  readonly buffer?: number
  /** The share of `buffer` at which the partition is paused, above 0 to 1. Default 0.8. */
  readonly highWater?: number
  /** The share of `buffer` at which it goes on, below `highWater`. Default 0.2. */
  readonly lowWater?: number
  /**
   * What is done one after another: the messages of a `partition`; those of a partition with the same `key` (without a
   * key: beside everything); or `none`. Default `partition`.
   */
  readonly order?: 'partition' | 'key' | 'none'
  /** The longest an offset that may be committed waits, in ms; at least 0. Default 500. */
  readonly commitInterval?: Millis
  /**
   * Asked when the work of a message failed. `true` counts the message as done, `false` does the work again. The place for
   * a dead-letter topic: send, then answer `true`. If it fails itself, the work is done again. Default: never.
   * @param attempts how often the work has failed, from 1
   */
  readonly giveUp?: (error: unknown, message: M, attempts: number) => boolean | PromiseLike<boolean>
  /** How long to wait before the second attempt, in ms; doubles up to 30 s. Above 0; default 1000. */
  readonly retryDelay?: Millis
}

/** What the work is told beside the message. */
export interface MessageContext {
  /** Aborted when the partition is lost, when the time is up, and when draining takes too long. */
  readonly signal: AbortSignal
  readonly topic: string
  readonly partition: number
}

/** What one message asks for. Done when its promise is; the offset is committed after that, never before. */
export type MessageWork<M> = (message: M, context: MessageContext) => unknown

/** What a Kafka consumer holds and has done. */
export interface KafkaStats {
  /** Messages from the oldest of each partition that is not done on. */
  readonly unfinished: number
  readonly running: number
  readonly paused: number
  /** Messages done, those given up among them. */
  readonly done: number
  readonly givenUp: number
  /** Times work failed. */
  readonly failed: number
  /** Times a gate said no. */
  readonly refused: number
  /** Messages delivered again that were known already. */
  readonly repeated: number
  /** Messages not done when their partition was taken away. */
  readonly revoked: number
}
