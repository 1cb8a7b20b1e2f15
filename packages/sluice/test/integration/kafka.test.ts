import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, Kafka } from 'kafkajs'
import { kafkaConsumer, type KafkaClient } from '../../src/consumers/kafka.ts'
import { semaphore } from '../../src/index.ts'
import { compiler, libcHeader, missing, mockCluster, mockHeader, type MockCluster } from './broker-servers.ts'
import { kafkaOf, memberOf, produce, Account } from './kafka-rig.ts'
import { until } from './waiting.ts'

const skip = missing(['gcc', compiler], ['libc6-dev', libcHeader], ['librdkafka-dev', mockHeader])

/** The client, with what it is told to pause and to resume. */
function heard(consumer: Consumer, tell: (word: 'pause' | 'resume', partition: number) => void): KafkaClient {
  return {
    pause: (topics) => {
      for (const { partitions } of topics) for (const partition of partitions) tell('pause', partition)
      consumer.pause(topics)
    },
    resume: (topics) => {
      for (const { partitions } of topics) for (const partition of partitions) tell('resume', partition)
      consumer.resume(topics)
    },
    commitOffsets: (offsets) => consumer.commitOffsets(offsets),
    on: consumer.on.bind(consumer) as KafkaClient['on'],
  }
}

describe('sluice/kafka, with kafkajs, on a mock cluster (librdkafka)', { skip, concurrency: true }, () => {
  let cluster: MockCluster
  let kafka: Kafka
  const running = new Set<Consumer>()
  const member = async (...args: Parameters<typeof memberOf>): Promise<Consumer> => {
    const consumer = await memberOf(...args)
    running.add(consumer)
    return consumer
  }
  before(async () => {
    cluster = await mockCluster(3)
    kafka = kafkaOf(cluster)
  })
  after(async () => {
    await Promise.all([...running].map((consumer) => consumer.disconnect()))
    await cluster.stop()
  })

  it('S1.12 pauses a partition at the high mark and resumes it at the low one, exactly once each', async () => {
    await produce(kafka, cluster, 'marks', 2, 2000)
    const consumer = await member(kafka, 'marks', 'marks')
    const record = new Account()
    record.watch(consumer)
    const words = new Map<number, string[]>()
    const held = [0, 0]
    const marks = kafkaConsumer(
      heard(consumer, (word, partition) => {
        const said = words.get(partition) ?? []
        said.push(`${word} at ${held[partition]}`)
        words.set(partition, said)
      }),
      async ({ offset }, { partition }) => {
        await sleep(1)
        record.done(partition, Number(offset))
        held[partition]!--
      },
      { buffer: 50, gate: semaphore({ permits: 2 }) },
    )
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 2,
      eachMessage: (payload) => {
        held[payload.partition]!++
        return marks.eachMessage(payload)
      },
    })
    await until('2,000 messages are done', () => record.size === 2000)
    assert.equal((await marks.drain()).cutOff, 0)
    for (const [partition, said] of words) {
      // The one that reaches the mark is counted, the one that falls to it has been.
      const wrong = said.filter((word, index) => word !== (index % 2 === 0 ? 'pause at 40' : 'resume at 10'))
      // Draining pauses once more, at whatever is held then.
      assert.deepEqual(wrong.slice(0, -1), [], `partition ${partition}: ${said.join(', ')}`)
      assert.ok(said.length > 20, `partition ${partition} was paused ${said.length / 2} times`)
    }
    assert.deepEqual([words.size, record.early, record.repeated], [2, [], 0])
  })

  it('S1.12 10,000 messages by key, two consumers, one joins and one crashes in the middle: nothing lost, nothing committed before it is done', async () => {
    await produce(kafka, cluster, 'rebalance', 6, 10_000)
    const record = new Account()
    let held = 0
    let shared = false
    const join = async (): Promise<{ consumer: Consumer; orders: ReturnType<typeof kafkaConsumer> }> => {
      const consumer = await member(kafka, 'rebalance', 'rebalance')
      record.watch(consumer)
      const orders = kafkaConsumer(
        consumer,
        async ({ offset }, { partition }) => {
          // One of each partition is still at work when the group meets again.
          if (offset === '20') {
            held++
            await until('the second has its share', () => shared, 30_000)
          } else await sleep(3 + Math.random() * 6)
          record.done(partition, Number(offset))
        },
        { order: 'key', buffer: 60, commitInterval: 50, gate: semaphore({ permits: 24 }) },
      )
      await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 3, eachMessage: orders.eachMessage })
      return { consumer, orders }
    }
    const first = await join()
    await until('one of each partition is held', () => held === 6)
    const second = await join()
    await until('the second has its share', () => second.orders.stats.done > 100)
    await until('the first has lost partitions with work in them', () => first.orders.stats.revoked > 0)
    shared = true
    const atCrash = record.size
    // Without drain: what it holds is neither done nor committed.
    running.delete(first.consumer)
    await first.consumer.disconnect()
    await until('10,000 messages are done', () => record.size === 10_000, 25_000)
    await second.orders.drain()
    assert.deepEqual(record.early, [])
    assert.ok(atCrash < 10_000 && record.commits > 50, `${atCrash} done at the crash, ${record.commits} commits`)
    assert.ok(record.repeated < 1000, `${record.repeated} repeated`)
    // What the brokers have is what is done: the next begins behind the last message.
    const admin = kafka.admin()
    await admin.connect()
    const offsets = await admin.fetchOffsets({ groupId: 'rebalance', topics: ['rebalance'] })
    await admin.disconnect()
    assert.equal(
      offsets[0]!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0),
      10_000,
    )
  })

  it('control: work that is not waited for, with the commit of kafkajs, loses messages in the same crash', async () => {
    await produce(kafka, cluster, 'naive', 6, 4000)
    const record = new Account()
    let crashed = false
    const join = async (work: (partition: number, offset: number) => void): Promise<Consumer> => {
      const consumer = await member(kafka, 'naive', 'naive')
      record.watch(consumer)
      await consumer.run({
        autoCommitThreshold: 50,
        eachMessage: async ({ partition, message: { offset } }) => work(partition, Number(offset)),
      })
      return consumer
    }
    const first = await join((partition, offset) => {
      setTimeout(() => {
        if (!crashed) record.done(partition, offset)
      }, 100)
    })
    await until('it has begun', () => record.size > 500)
    crashed = true
    running.delete(first)
    await first.disconnect()
    let last = record.size
    await join((partition, offset) => record.done(partition, offset))
    await until('the second has nothing left to do', async () => {
      const before = last
      await sleep(1000)
      last = record.size
      return last > 0 && last === before && record.commits > 0
    })
    assert.ok(record.early.length > 0, 'the check sees commits of what is not done')
    assert.ok(record.size < 4000, 'and what was committed is never delivered again')
  })

  it('S1.12 heartbeats are kept during slow work; control: without them the group gives the partition away', async () => {
    const arm = async (topic: string, heartbeatInterval: number): Promise<{ joins: number; done: () => number }> => {
      await produce(kafka, cluster, topic, 1, 4)
      // While all is paused kafkajs sleeps for so long, and its own heartbeats with it: longer than a session.
      const consumer = await member(kafka, topic, topic, { maxWaitTimeInMs: 6000 })
      const slow = kafkaConsumer(consumer, () => sleep(5000), {
        buffer: 4,
        highWater: 1,
        lowWater: 0,
        heartbeatInterval,
        order: 'none',
        gate: semaphore({ permits: 4 }),
      })
      const counts = { joins: 0, done: () => slow.stats.done }
      consumer.on('consumer.group_join', () => counts.joins++)
      await consumer.run({ autoCommit: false, eachMessage: slow.eachMessage })
      return counts
    }
    const [kept, lost] = await Promise.all([arm('slow', 400), arm('slow-control', Infinity)])
    await until('the control has lost its session', () => lost.joins > 1)
    assert.deepEqual([kept.joins, kept.done(), lost.done()], [1, 4, 4])
  })

  it('S1.12 drain: what is at work ends and is committed, what waits is left to the next, nothing is done twice', async () => {
    await produce(kafka, cluster, 'drain', 4, 1000)
    const record = new Account()
    const join = async (): Promise<{ consumer: Consumer; orders: ReturnType<typeof kafkaConsumer> }> => {
      const consumer = await member(kafka, 'drain', 'drain')
      record.watch(consumer)
      const orders = kafkaConsumer(
        consumer,
        async ({ offset }, { partition }) => {
          await sleep(5)
          record.done(partition, Number(offset))
        },
        { gate: semaphore({ permits: 4 }) },
      )
      await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 4, eachMessage: orders.eachMessage })
      return { consumer, orders }
    }
    const first = await join()
    await until('it has begun', () => record.size > 100)
    const waiting = first.orders.stats.unfinished - first.orders.stats.running
    assert.deepEqual(await first.orders.drain(), { cutOff: 0 })
    running.delete(first.consumer)
    await first.consumer.disconnect()
    const done = record.size
    await sleep(50)
    assert.ok(waiting > 0 && record.size === done, 'nothing is done after draining')
    const second = await join()
    await until('1,000 messages are done', () => record.size === 1000)
    await second.orders.drain()
    assert.deepEqual([record.early, record.repeated], [[], 0])
  })

  it('S1.12 each broker of another cluster goes down and comes back in the middle: nothing lost, nothing committed before it is done', async () => {
    const frail = await mockCluster(3)
    const client = kafkaOf(frail)
    let consumer: Consumer | undefined
    try {
      await produce(client, frail, 'loss', 6, 3000)
      consumer = await memberOf(client, 'loss', 'loss')
      const record = new Account()
      record.watch(consumer)
      const errors: unknown[] = []
      const orders = kafkaConsumer(
        consumer,
        async ({ offset }, { partition }) => {
          await sleep(5)
          record.done(partition, Number(offset))
        },
        { gate: semaphore({ permits: 8 }), commitInterval: 50, onError: (error) => errors.push(error) },
      )
      await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 6, eachMessage: orders.eachMessage })
      for (const [index, broker] of [1, 2, 3].entries()) {
        await until('some are done', () => record.size > 300 + index * 600)
        await frail.tell(`down ${broker}`)
        await sleep(700)
        await frail.tell(`up ${broker}`)
      }
      await until('3,000 messages are done', () => record.size === 3000, 25_000)
      await orders.drain()
      assert.deepEqual(record.early, [])
      assert.ok(record.commits > 10, `${record.commits} commits`)
    } finally {
      await consumer?.disconnect()
      await frail.stop()
    }
  })
})
