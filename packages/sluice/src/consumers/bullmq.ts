/**
 * `sluice/bullmq`: jobs through a gate. Imports no client: `bullmqConsumer` for a worker of BullMQ, `jobConsumer` for
 * any other queue of jobs.
 * @module
 */
export {
  bullmqConsumer,
  type BullmqConsumer,
  type BullmqJob,
  type BullmqOptions,
  type BullmqWorker,
} from './bullmq-consumer.ts'
export type { ConsumerOptions, Drained, DrainOptions } from './consumer-options.ts'
export type { Gated } from './gated.ts'
export {
  jobConsumer,
  type JobConsumer,
  type JobConsumerOptions,
  type JobContext,
  type JobRefusal,
  type JobStats,
  type JobWork,
} from './job-consumer.ts'
