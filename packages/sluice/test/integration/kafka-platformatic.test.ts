import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, MessagesStream } from '@platformatic/kafka'
import { kafkaStreamConsumer } from '../../src/consumers/kafka.ts'
import { semaphore } from '../../src/index.ts'
import { until } from './waiting.ts'

type Callback = (error: Error | null, answer?: unknown) => void

interface FetchOptions {
  readonly topics: readonly {
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: bigint }[]
  }[]
}

interface CommitOptions {
  readonly offsets: readonly { readonly partition: number; readonly offset: bigint }[]
}

/** What is in the brokers: so many messages in each partition of `topic`, and the offsets committed. */
class Brokers {
  readonly #size: number
  readonly committed: bigint[]

  constructor(partitions: number, size: number) {
    this.#size = size
    this.committed = Array.from({ length: partitions }, () => -1n)
  }

  metadata = (_options: unknown, answer: Callback): void => {
    const partitions = this.committed.map(() => ({ leader: 1, leaderEpoch: 0 }))
    setImmediate(answer, null, { topics: new Map([['topic', { id: 'topic', partitions }]]) })
  }

  listOffsets = (_options: unknown, answer: Callback): void => {
    setImmediate(answer, null, new Map([['topic', this.committed.map(() => 0n)]]))
  }

  listCommittedOffsets = (_options: unknown, answer: Callback): void => {
    setImmediate(answer, null, new Map([['topic', [...this.committed]]]))
  }

  /** Up to 30 messages of each partition that is asked for. */
  fetch = ({ topics }: FetchOptions, answer: Callback): void => {
    const partitions = topics.flatMap((topic) =>
      topic.partitions.map(({ partition, fetchOffset }) => {
        const length = Math.min(30, this.#size - Number(fetchOffset))
        const records = Array.from({ length }, (_, offsetDelta) => ({
          key: Buffer.from('key'),
          value: Buffer.from('value'),
          headers: [],
          timestampDelta: 0n,
          offsetDelta,
        }))
        const batch = {
          firstTimestamp: 0n,
          firstOffset: fetchOffset,
          lastOffsetDelta: length - 1,
          attributes: 0,
          records,
        }
        return { partitionIndex: partition, records: length > 0 ? [batch] : undefined }
      }),
    )
    setTimeout(answer, 2, null, { responses: [{ topicId: 'topic', partitions }] })
  }

  commit = async ({ offsets }: CommitOptions): Promise<void> => {
    await sleep(1)
    for (const { partition, offset } of offsets) this.committed[partition] = offset
  }
}

describe('sluice/kafka, with the consumer and stream of @platformatic/kafka, its requests answered from memory', () => {
  it('S1.12 pauses and resumes the stream, the group meets in the middle: nothing lost, nothing committed before it is done', async () => {
    const brokers = new Brokers(3, 1000)
    const consumer = new Consumer({ clientId: 'test', groupId: 'test', bootstrapBrokers: ['127.0.0.1:1'] })
    // The network, and nothing else, is not theirs: group and fetch loop, buffer, pause and resume are.
    const { metadata, listOffsets, listCommittedOffsets, fetch, commit } = brokers
    Object.assign(consumer, { metadata, listOffsets, listCommittedOffsets, fetch, commit })
    const all = [{ topic: 'topic', partitions: [0, 1, 2] }]
    consumer.assignments = all
    const stream = new MessagesStream(consumer, {
      topics: ['topic'],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
      maxBytesPerPartition: 1000,
      highWaterMark: 50,
    })
    const words: string[] = []
    const [pause, resume] = [stream.pause.bind(stream), stream.resume.bind(stream)]
    stream.pause = () => (words.push('pause'), pause())
    stream.resume = () => (words.push('resume'), resume())

    const done = [0, 1, 2].map(() => new Set<number>())
    const early: string[] = []
    let times = 0
    let most = 0
    const orders = kafkaStreamConsumer(
      {
        on: consumer.on.bind(consumer),
        commit: (options) => {
          for (const { partition, offset } of options.offsets)
            for (let below = 0; below < Number(offset); below++)
              if (!done[partition]!.has(below)) early.push(`${partition}: ${offset}, not done: ${below}`)
          return consumer.commit(options)
        },
      },
      stream,
      async ({ partition, offset }) => {
        most = Math.max(most, orders.stats.unfinished)
        await sleep(2)
        times++
        done[partition]!.add(Number(offset))
      },
      { buffer: 20, order: 'none', commitInterval: 20, gate: semaphore({ permits: 12 }) },
    )
    words.length = 0
    const size = (): number => done[0]!.size + done[1]!.size + done[2]!.size
    const meet = (assignments: typeof all): void => {
      consumer.emit('consumer:group:rebalance', { groupId: 'test' })
      consumer.assignments = assignments
      consumer.emit('consumer:group:join', { groupId: 'test', memberId: 'one', assignments })
    }
    await until('some are done', () => size() > 300)
    meet(all)
    await until('more are done', () => size() > 800)
    meet([{ topic: 'topic', partitions: [0, 2] }])
    await until('what is left to it is done', () => done[0]!.size + done[2]!.size === 2000)
    const without = done[1]!.size
    meet(all)
    await until('all are done', () => size() === 3000)
    assert.deepEqual(await orders.drain(), { cutOff: 0 })
    assert.deepEqual(brokers.committed, [1000n, 1000n, 1000n])
    assert.deepEqual(early, [])
    assert.ok(without < 1000, `${without} done of the partition that was taken away`)
    assert.ok(words.length > 20 && words.every((word, index) => word === (index % 2 === 0 ? 'pause' : 'resume')))
    assert.ok(most <= 3 * 20, `${most} at once`)
    assert.ok(times < 3100, `${times - 3000} done twice`)
    // Its own end waits for brokers that are not there.
    stream.destroy()
    consumer.close(true, () => undefined)
  })
})
