/**
 * `sluice/kafka`: Kafka messages through a gate. Imports no client: anything of the shape of kafkajs or of
 * `@platformatic/kafka` will do.
 * @module
 */
export type { ConsumerOptions, Drained, DrainOptions } from './consumer-options.ts'
export type { Gated } from './gated.ts'
export {
  kafkaConsumer,
  type KafkaClient,
  type KafkaConsumer,
  type KafkaConsumerOptions,
  type KafkaMessage,
  type KafkaPayload,
  type TopicPartitions,
} from './kafka-consumer.ts'
export type { KafkaOptions, KafkaStats, MessageContext, MessageWork } from './kafka-options.ts'
export {
  kafkaStreamConsumer,
  type KafkaStream,
  type KafkaStreamClient,
  type KafkaStreamConsumer,
  type KafkaStreamMessage,
} from './kafka-stream-consumer.ts'
