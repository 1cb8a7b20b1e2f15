import { checkFunction, checkNumber, systemClock, type Millis } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import type { Drained, DrainOptions } from './consumer-options.ts'
import type { Gated } from './gated.ts'
import { Heartbeat } from './heartbeat.ts'
import type { KafkaOptions, KafkaStats, MessageWork } from './kafka-options.ts'
import { PartitionedConsumer } from './partitioned-consumer.ts'

/** Some partitions of a topic. */
export interface TopicPartitions {
  topic: string
  partitions: number[]
}

/** What is used of a consumer of the shape of kafkajs. */
export interface KafkaClient {
  pause(topics: TopicPartitions[]): void
  resume(topics: TopicPartitions[]): void
  commitOffsets(offsets: { topic: string; partition: number; offset: string }[]): PromiseLike<unknown>
  on(
    event: 'consumer.group_join',
    listener: (event: { payload: { memberAssignment: Record<string, number[]> } }) => void,
  ): unknown
  on(event: 'consumer.rebalancing', listener: () => void): unknown
}

/** What is used of a message of the shape of kafkajs. */
export interface KafkaMessage {
  readonly offset: string
  readonly key: { toString(encoding: 'latin1'): string } | null
}

/** What such a consumer hands to `eachMessage`. */
export interface KafkaPayload<M extends KafkaMessage> {
  readonly topic: string
  readonly partition: number
  readonly message: M
  readonly heartbeat: () => PromiseLike<void>
}

export interface KafkaConsumerOptions<M> extends KafkaOptions<M> {
  /**
   * How often the broker is told that we are alive while there is work, in ms: a third of the session timeout, or less.
   * Above 0, `Infinity` for never; default 3000.
   */
  readonly heartbeatInterval?: Millis
}

/** What stands between a consumer of the shape of kafkajs and the work. */
export interface KafkaConsumer<M extends KafkaMessage> extends Gated {
  /** For `consumer.run({ autoCommit: false, eachMessage })`. */
  readonly eachMessage: (payload: KafkaPayload<M>) => Promise<void>
  readonly stats: KafkaStats
  /** Commits what is done, without waiting for the interval. */
  flush(): Promise<void>
  /**
   * Takes nothing more, lets work in progress end, commits. What was waiting is left for whoever gets the partition.
   * Before `consumer.disconnect()`, for nothing can be committed after it.
   */
  drain(options?: DrainOptions): Promise<Drained>
}

/**
 * Kafka messages through a gate, for clients with the handler shape of kafkajs: `eachMessage`, `pause`, `resume`,
 * `commitOffsets`. `eachMessage` returns at once and the partition is paused at the high mark, so that the client's own
 * loop goes on and the group keeps us.
 *
 * ```ts
 * const orders = kafkaConsumer(consumer, async (message, { signal }) => save(message, signal))
 * await consumer.run({ autoCommit: false, eachMessage: orders.eachMessage })
 * ```
 * @throws RangeError for an option out of range
 */
export function kafkaConsumer<M extends KafkaMessage>(
  client: KafkaClient,
  work: MessageWork<M>,
  options: KafkaConsumerOptions<M> = {},
): KafkaConsumer<M> {
  return new HandlerConsumer(client, checkFunction('kafkaConsumer.work', work), options)
}

class HandlerConsumer<M extends KafkaMessage> implements KafkaConsumer<M> {
  readonly #consumer: PartitionedConsumer<M>
  readonly #heartbeat: Heartbeat
  readonly #options: KafkaConsumerOptions<M>
  #beat: (() => PromiseLike<void>) | undefined

  constructor(client: KafkaClient, work: MessageWork<M>, options: KafkaConsumerOptions<M>) {
    this.#options = options
    const every = checkNumber('kafka.heartbeatInterval', options.heartbeatInterval ?? 3000, Number.MIN_VALUE, Infinity)
    this.#heartbeat = new Heartbeat(options.clock ?? systemClock, every, () => this.#tell())
    this.#consumer = new PartitionedConsumer(
      {
        seeks: true,
        pause: (topic, partition) => client.pause([{ topic, partitions: [partition] }]),
        resume: (topic, partition) => client.resume([{ topic, partitions: [partition] }]),
        commit: (offsets) =>
          client.commitOffsets(
            offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
          ),
      },
      work,
      options,
    )
    client.on('consumer.group_join', ({ payload: { memberAssignment } }) => {
      this.#consumer.assigned(Object.entries(memberAssignment).map(([topic, partitions]) => ({ topic, partitions })))
    })
    // While the old members are still known: whoever gets our partitions then has less to repeat.
    client.on('consumer.rebalancing', () => void this.#consumer.flush())
  }

  get gate(): Gate {
    return this.#consumer.gate
  }

  get tally(): Tally | undefined {
    return this.#consumer.tally
  }

  get stats(): KafkaStats {
    return this.#consumer.stats
  }

  readonly eachMessage = async ({ topic, partition, message, heartbeat }: KafkaPayload<M>): Promise<void> => {
    this.#beat = heartbeat
    const { offset, key } = message
    const room = this.#consumer.deliver({
      topic,
      partition,
      offset: BigInt(offset),
      key: key?.toString('latin1'),
      message,
    })
    this.#heartbeat.start()
    if (room !== undefined) await room
  }

  flush(): Promise<void> {
    return this.#consumer.flush()
  }

  async drain(options?: DrainOptions): Promise<Drained> {
    try {
      return await this.#consumer.drain(options)
    } finally {
      this.#heartbeat.stop()
    }
  }

  /** A heartbeat that fails is the client's to act on: its own loop will meet the same answer. */
  #tell(): boolean {
    if (this.#consumer.stats.unfinished === 0) return false
    this.#beat?.().then(undefined, (error) => this.#options.onError?.(error))
    return true
  }
}
