import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { kafkaStreamConsumer, type KafkaStreamConsumer, type KafkaStreamMessage } from '../../src/consumers/kafka.ts'
import { semaphore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'

/** A client of the stream shape without any Kafka; the stream is a real `Readable`, as theirs is. */
class FakeClient extends EventEmitter {
  readonly committed: string[] = []

  async commit({ offsets }: { offsets: { partition: number; offset: bigint; leaderEpoch: number }[] }): Promise<void> {
    for (const { partition, offset } of offsets) this.committed.push(`${partition}:${offset}`)
  }
}

interface Bench {
  readonly clock: VirtualClock
  readonly client: FakeClient
  readonly stream: Readable
  readonly words: string[]
  readonly working: Map<string, () => Promise<void>>
  readonly orders: KafkaStreamConsumer
}

function bench(messages: number, buffer: number): Bench {
  const clock = new VirtualClock()
  const client = new FakeClient()
  const words: string[] = []
  const working = new Map<string, () => Promise<void>>()
  const all = Array.from({ length: messages }, (_, index): KafkaStreamMessage => {
    return {
      topic: 'topic',
      partition: index % 2,
      offset: BigInt(Math.floor(index / 2)),
      key: Buffer.from(`${index % 3}`),
    }
  })
  const stream = Readable.from(all, { highWaterMark: 4 })
  const [pause, resume] = [stream.pause.bind(stream), stream.resume.bind(stream)]
  stream.pause = () => (words.push('pause'), pause())
  stream.resume = () => (words.push('resume'), resume())
  const orders = kafkaStreamConsumer<KafkaStreamMessage>(
    client,
    stream,
    ({ partition, offset }) =>
      new Promise<void>((resolve) => {
        working.set(`${partition}:${offset}`, () => {
          working.delete(`${partition}:${offset}`)
          resolve()
          return settle()
        })
      }),
    { clock, buffer, order: 'none', gate: semaphore({ permits: 100, clock }) },
  )
  // `on('data')` begins with a resume of its own.
  words.length = 0
  return { clock, client, stream, words, working, orders }
}

describe('kafkaStreamConsumer', () => {
  it('S0.3 S1.12 pauses the stream while any partition is over its mark, and commits what is done', async () => {
    const { clock, client, words, working, orders } = bench(40, 10)
    for (let turn = 0; turn < 20; turn++) await settle()
    // Partition 0 reaches its mark of 8 first, and the stream stops at once: partition 1 has 7.
    assert.deepEqual([orders.stats.unfinished, orders.stats.paused, words], [15, 1, ['pause']])
    for (let offset = 0; offset < 5; offset++) await working.get(`0:${offset}`)!()
    assert.deepEqual(words, ['pause'])
    await working.get('0:5')!()
    assert.equal(words[1], 'resume')
    for (let turn = 0; turn < 20; turn++) await settle()
    assert.equal(words.filter((word) => word === 'pause').length, 2)
    clock.advance(500)
    await settle()
    assert.deepEqual(client.committed, ['0:6'])
    while (orders.stats.done < 40) {
      for (const done of working.values()) await done()
      for (let turn = 0; turn < 5; turn++) await settle()
    }
    clock.advance(500)
    await settle()
    assert.deepEqual(new Set(client.committed.slice(-2)), new Set(['0:20', '1:20']))
    assert.equal(words.filter((word) => word === 'pause').length, words.filter((word) => word === 'resume').length)
    assert.deepEqual(await orders.drain(), { cutOff: 0 })
  })

  it('S1.12 partitions that are taken away no longer hold the stream', async () => {
    const { client, words, orders } = bench(40, 10)
    for (let turn = 0; turn < 20; turn++) await settle()
    client.emit('consumer:group:rebalance')
    client.emit('consumer:group:join', { assignments: [{ topic: 'topic', partitions: [0, 1] }] })
    assert.deepEqual(words, ['pause'])
    client.emit('consumer:group:join', { assignments: [{ topic: 'topic', partitions: [1] }] })
    for (let turn = 0; turn < 20; turn++) await settle()
    assert.deepEqual(words.slice(0, 3), ['pause', 'resume', 'pause'])
    assert.deepEqual([orders.stats.unfinished, orders.stats.revoked], [8, 8])
  })
})
