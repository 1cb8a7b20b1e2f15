import assert from 'node:assert/strict'
import {
  kafkaConsumer,
  type KafkaClient,
  type KafkaConsumer,
  type KafkaConsumerOptions,
} from '../../src/consumers/kafka.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'

export interface FakeMessage {
  readonly offset: string
  readonly key: Buffer | null
}

/** A piece of work that ends when it is told to. */
export interface HandWork {
  readonly name: string
  readonly signal: AbortSignal
  done(): Promise<void>
  fail(error: unknown): Promise<void>
}

type Joined = (event: { payload: { memberAssignment: Record<string, number[]> } }) => void

/** A client of the shape of kafkajs without any Kafka, and a consumer on it whose work and time are moved by hand. */
export class FakeKafka {
  readonly clock: VirtualClock
  /** `pause 0`, `resume 0`, `commit 0:5`, as they were said. */
  readonly said: string[] = []
  readonly working: Map<string, HandWork> = new Map<string, HandWork>()
  readonly errors: unknown[] = []
  readonly consumer: KafkaConsumer<FakeMessage>
  beats = 0
  /** What the next commits come to. */
  commitFails = false
  /** A commit that is on its way until this is called. */
  answer: (() => void) | undefined
  slowCommits = false
  breaks = false
  #committing = 0
  #join: Joined | undefined
  #rebalance: (() => void) | undefined

  constructor(options: KafkaConsumerOptions<FakeMessage> = {}, clock: VirtualClock = new VirtualClock(1000)) {
    this.clock = clock
    const client: KafkaClient = {
      pause: (topics) => this.#say('pause', topics),
      resume: (topics) => this.#say('resume', topics),
      commitOffsets: async (offsets) => {
        if (this.commitFails) throw new Error('no coordinator')
        assert.equal(++this.#committing, 1, 'one commit on its way')
        if (this.slowCommits) await new Promise<void>((resolve) => (this.answer = resolve))
        this.#committing--
        for (const { partition, offset } of offsets) this.said.push(`commit ${partition}:${offset}`)
      },
      on: (event: string, listener: unknown) => {
        if (event === 'consumer.group_join') this.#join = listener as Joined
        else this.#rebalance = listener as () => void
      },
    }
    this.consumer = kafkaConsumer(client, (message: FakeMessage, context) => this.#work(message, context), {
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      ...options,
    })
  }

  /** Delivers messages, as names of partition and offset: `0:5`, with a key: `0:5:a`. */
  async deliver(...names: readonly string[]): Promise<void> {
    for (const name of names) void this.delivery(name)
    await settle()
  }

  delivery(name: string): Promise<void> {
    const [partition, offset, key] = name.split(':') as [string, string, string | undefined]
    return this.consumer.eachMessage({
      topic: 'topic',
      partition: Number(partition),
      message: { offset, key: key === undefined ? null : Buffer.from(key) },
      heartbeat: async () => void this.beats++,
    })
  }

  /** Ends work, in this order. */
  async done(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.working.get(name)!.done()
  }

  async assigned(...partitions: readonly number[]): Promise<void> {
    this.#join?.({ payload: { memberAssignment: { topic: [...partitions] } } })
    await settle()
  }

  async rebalancing(): Promise<void> {
    this.#rebalance?.()
    await settle()
  }

  async pass(duration: number): Promise<void> {
    this.clock.advance(duration)
    await settle()
  }

  #say(word: string, topics: { partitions: number[] }[]): void {
    if (this.breaks) throw new Error('not initialized')
    for (const { partitions } of topics) this.said.push(`${word} ${partitions.join()}`)
  }

  #work({ offset }: FakeMessage, { partition, signal }: { partition: number; signal: AbortSignal }): Promise<void> {
    const name = `${partition}:${offset}`
    return new Promise((resolve, reject) => {
      const end = (tell: () => void): Promise<void> => {
        if (this.working.get(name) === work) this.working.delete(name)
        tell()
        return settle()
      }
      const work: HandWork = {
        name,
        signal,
        done: () => end(resolve),
        fail: (error) => end(() => reject(error)),
      }
      this.working.set(name, work)
    })
  }
}
