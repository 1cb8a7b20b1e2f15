import { checkFunction } from '../ground/index.ts'
import type { Drained, DrainOptions } from './consumer-options.ts'
import type { Gated } from './gated.ts'
import type { KafkaOptions, KafkaStats, MessageWork } from './kafka-options.ts'
import { PartitionedConsumer } from './partitioned-consumer.ts'

/** What is used of a consumer of the shape of `@platformatic/kafka`. It keeps its heartbeats itself. */
export interface KafkaStreamClient {
  commit(options: {
    offsets: { topic: string; partition: number; offset: bigint; leaderEpoch: number }[]
  }): PromiseLike<unknown>
  on(
    event: 'consumer:group:join',
    listener: (joined: { assignments?: { topic: string; partitions: number[] }[] }) => void,
  ): unknown
  on(event: 'consumer:group:rebalance', listener: () => void): unknown
}

/** What is used of its messages. */
export interface KafkaStreamMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: unknown
}

/** What is used of its stream. It is iterable only to say what its messages are. */
export interface KafkaStream<M extends KafkaStreamMessage> extends AsyncIterable<M> {
  on(event: 'data', listener: (message: M) => void): unknown
  pause(): unknown
  resume(): unknown
}

/** What stands between a stream of messages and the work. */
export interface KafkaStreamConsumer extends Gated {
  readonly stats: KafkaStats
  /** Commits what is done, without waiting for the interval. */
  flush(): Promise<void>
  /** Takes nothing more, lets work in progress end, commits. Before `stream.close()` and `consumer.close()`. */
  drain(options?: DrainOptions): Promise<Drained>
}

/** The epoch of a leader, unknown: the protocol's own word for it. */
const NO_EPOCH = -1

/**
 * Kafka messages through a gate, for clients with the stream shape of `@platformatic/kafka`. Such a stream cannot pause
 * one partition, so it is paused as a whole while any partition is over its mark.
 *
 * ```ts
 * const stream = await consumer.consume({ topics: ['orders'], mode: 'committed', autocommit: false })
 * const orders = kafkaStreamConsumer(consumer, stream, async (message, { signal }) => save(message, signal))
 * ```
 * @throws RangeError for an option out of range
 */
export function kafkaStreamConsumer<M extends KafkaStreamMessage>(
  client: KafkaStreamClient,
  stream: KafkaStream<M>,
  work: MessageWork<M>,
  options: KafkaOptions<M> = {},
): KafkaStreamConsumer {
  checkFunction('kafkaStreamConsumer.work', work)
  const full = new Set<string>()
  const consumer = new PartitionedConsumer(
    {
      seeks: false,
      pause: (topic, partition) => {
        if (full.size === 0) stream.pause()
        full.add(`${topic}:${partition}`)
      },
      resume: (topic, partition) => {
        if (full.delete(`${topic}:${partition}`) && full.size === 0) stream.resume()
      },
      commit: (offsets) => client.commit({ offsets: offsets.map((offset) => ({ ...offset, leaderEpoch: NO_EPOCH })) }),
    },
    work,
    options,
  )
  client.on('consumer:group:join', ({ assignments }) => {
    if (assignments !== undefined) consumer.assigned(assignments)
  })
  client.on('consumer:group:rebalance', () => void consumer.flush())
  stream.on('data', (message) => {
    const { topic, partition, offset, key } = message
    void consumer.deliver({ topic, partition, offset, key: nameOf(key), message })
  })
  return consumer
}

/** Keys come as the user's deserializer made them. */
function nameOf(key: unknown): string | undefined {
  if (key === undefined || key === null) return undefined
  if (typeof key === 'string') return key
  return key instanceof Uint8Array ? key.toString() : JSON.stringify(key)
}
