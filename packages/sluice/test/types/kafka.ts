/** The Kafka door against the real clients. Compiled, not run. */
import { Consumer } from '@platformatic/kafka'
import { Kafka, type KafkaMessage } from 'kafkajs'
import { kafkaConsumer, kafkaStreamConsumer } from '../../src/consumers/kafka.ts'

export async function withKafkajs(): Promise<void> {
  const consumer = new Kafka({ brokers: ['localhost:9092'] }).consumer({ groupId: 'orders' })
  const orders = kafkaConsumer(consumer, async (message: KafkaMessage) => message.value?.length, {
    giveUp: async (_error, message, attempts) => attempts > 5 || message.headers?.['poison'] !== undefined,
  })
  await consumer.run({ autoCommit: false, eachMessage: orders.eachMessage })
  await orders.drain()
}

export async function withPlatformatic(): Promise<void> {
  const consumer = new Consumer({ clientId: 'orders', groupId: 'orders', bootstrapBrokers: ['localhost:9092'] })
  const stream = await consumer.consume({ topics: ['orders'], mode: 'committed', autocommit: false })
  const orders = kafkaStreamConsumer(consumer, stream, async (message) => message.value.toString('utf8'), {
    arrivalOf: (message) => ({ flow: message.headers.get(Buffer.from('tenant'))?.toString() ?? 'nobody' }),
  })
  await orders.drain()
}
