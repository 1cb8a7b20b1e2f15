/**
 * `sluice/amqp`: messages of an AMQP queue through a gate. Imports no client: any channel of the shape of amqplib will do.
 * @module
 */
export { amqpConsumer, type AmqpConsumer } from './amqp-consumer.ts'
export type {
  AmqpChannel,
  AmqpContext,
  AmqpMessage,
  AmqpOptions,
  AmqpStats,
  AmqpVerdict,
  AmqpWork,
} from './amqp-options.ts'
export type { ConsumerOptions, Drained, DrainOptions } from './consumer-options.ts'
export type { Gated } from './gated.ts'
