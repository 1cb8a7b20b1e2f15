import { Kafka, logLevel, type Consumer } from 'kafkajs'
import type { MockCluster } from './broker-servers.ts'

/** What is done of one topic, by whomever, held against every commit the brokers took. */
export class Account {
  readonly #done = new Map<number, Set<number>>()
  /** Messages below which everything is done. */
  readonly #prefix = new Map<number, number>()
  /** Times a message was done that had been done before. */
  repeated = 0
  commits = 0
  /** Commits of something that was not done. */
  readonly early: string[] = []

  done(partition: number, offset: number): void {
    let set = this.#done.get(partition)
    if (set === undefined) this.#done.set(partition, (set = new Set()))
    if (set.has(offset)) this.repeated++
    set.add(offset)
    let prefix = this.#prefix.get(partition) ?? 0
    while (set.has(prefix)) prefix++
    this.#prefix.set(partition, prefix)
  }

  /** Different messages done. */
  get size(): number {
    let size = 0
    for (const set of this.#done.values()) size += set.size
    return size
  }

  watch(consumer: Consumer): void {
    consumer.on('consumer.commit_offsets', ({ payload }) => {
      for (const { partitions } of payload.topics)
        for (const { partition, offset } of partitions) {
          this.commits++
          // Whatever its types say, kafkajs tells of its own commits by the name of the partition.
          const prefix = this.#prefix.get(Number.parseInt(String(partition), 10)) ?? 0
          if (Number(offset) > prefix) this.early.push(`partition ${partition}: ${offset}, done below ${prefix}`)
        }
    })
  }
}

export function kafkaOf(cluster: MockCluster): Kafka {
  return new Kafka({
    brokers: cluster.brokers,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 5000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 30 },
  })
}

/** A member of a group that begins with the first message. */
export async function memberOf(
  kafka: Kafka,
  topic: string,
  groupId: string,
  options: { readonly sessionTimeout?: number; readonly maxWaitTimeInMs?: number } = {},
): Promise<Consumer> {
  const consumer = kafka.consumer({
    groupId,
    // The mock cluster takes 3 s for the first meeting of a group and a session, less a second, for every other.
    sessionTimeout: 4500,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 100,
    ...options,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}

/** Messages with ten to a key, spread over the partitions. */
export async function produce(
  kafka: Kafka,
  cluster: MockCluster,
  topic: string,
  partitions: number,
  count: number,
): Promise<void> {
  await cluster.tell(`topic ${topic} ${partitions}`)
  const producer = kafka.producer()
  await producer.connect()
  for (let from = 0; from < count; from += 1000) {
    const messages = Array.from({ length: Math.min(1000, count - from) }, (_, index) => ({
      key: `key ${Math.floor((from + index) / 10)}`,
      value: `message ${from + index}`,
      partition: (from + index) % partitions,
    }))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}
