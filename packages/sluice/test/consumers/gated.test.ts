import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { amqpConsumer, type AmqpMessage } from '../../src/consumers/amqp.ts'
import { bullmqConsumer, jobConsumer, type BullmqJob } from '../../src/consumers/bullmq.ts'
import {
  kafkaConsumer,
  kafkaStreamConsumer,
  type Gated,
  type KafkaMessage,
  type KafkaStreamMessage,
} from '../../src/consumers/kafka.ts'
import { semaphore, type Gate } from '../../src/index.ts'
import { prometheus } from '../../src/observe/prometheus.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'

/** A consumer with a client made up on the spot, and a way to give it one piece of work. */
type Maker = (options: { readonly clock: VirtualClock; readonly gate?: Gate }) => {
  readonly consumer: Gated
  readonly give: () => unknown
}

const job: BullmqJob = { moveToDelayed: async () => undefined }

const MAKERS: Readonly<Record<string, Maker>> = {
  kafkaConsumer: (options) => {
    const client = {
      pause: () => undefined,
      resume: () => undefined,
      commitOffsets: async () => undefined,
      on: () => undefined,
    }
    const consumer = kafkaConsumer(client, (_message: KafkaMessage) => 'done', options)
    const heartbeat = async (): Promise<void> => undefined
    const message = { offset: '0', key: null }
    return { consumer, give: () => consumer.eachMessage({ topic: 'orders', partition: 0, message, heartbeat }) }
  },
  kafkaStreamConsumer: (options) => {
    const stream = Object.assign(new EventEmitter(), {
      pause: () => undefined,
      resume: () => undefined,
      async *[Symbol.asyncIterator](): AsyncGenerator<KafkaStreamMessage> {},
    })
    const client = { commit: async () => undefined, on: () => undefined }
    const consumer = kafkaStreamConsumer<KafkaStreamMessage>(client, stream, () => 'done', options)
    return { consumer, give: () => stream.emit('data', { topic: 'orders', partition: 0, offset: 0n, key: null }) }
  },
  amqpConsumer: (options) => {
    const consumer = amqpConsumer<AmqpMessage>('orders', () => 'done', options)
    const give = (): Promise<void> =>
      consumer.attach({
        prefetch: async () => undefined,
        consume: async (_queue, onMessage) => {
          onMessage({ properties: {} })
          return { consumerTag: 'one' }
        },
        cancel: async () => undefined,
        ack: () => undefined,
        nack: () => undefined,
        on: () => undefined,
      })
    return { consumer, give }
  },
  jobConsumer: (options) => {
    const consumer = jobConsumer((_job: string) => 'done', options)
    return { consumer, give: () => consumer.process('mail', () => undefined) }
  },
  bullmqConsumer: (options) => {
    const consumer = bullmqConsumer((_job: BullmqJob) => 'done', options)
    return { consumer, give: () => consumer.process(job) }
  },
}

describe('what a consumer shows of its gate', () => {
  for (const [name, make] of Object.entries(MAKERS)) {
    it(`S3.8 ${name}: its work is counted in Prometheus`, async () => {
      const { consumer, give } = make({ clock: new VirtualClock(1000) })
      const registry = new Registry()
      prometheus({ registry, gate: consumer.gate, tally: consumer.tally! })
      assert.match(await registry.metrics(), /^backpressure_admitted_total 0$/m)
      void give()
      await settle()
      const text = await registry.metrics()
      assert.match(text, /^backpressure_admitted_total 1$/m)
      assert.match(text, /^backpressure_released_total\{outcome="success"\} 1$/m)
      assert.match(text, new RegExp(`^backpressure_limit ${consumer.gate.stats.limit}$`, 'm'))
    })

    it(`${name}: a gate that was given is the one that is shown, and counts for whoever made it`, () => {
      const clock = new VirtualClock(1000)
      const gate = semaphore({ permits: 3, clock })
      const { consumer } = make({ clock, gate })
      assert.deepEqual([consumer.gate, consumer.tally], [gate, undefined])
    })
  }
})
