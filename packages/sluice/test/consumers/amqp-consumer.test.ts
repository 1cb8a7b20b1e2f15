import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { amqpConsumer, type AmqpConsumer, type AmqpMessage, type AmqpOptions } from '../../src/consumers/amqp.ts'
import { RejectedError, Rejection, semaphore, type Gate } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'

interface Message extends AmqpMessage {
  readonly name: string
}

/** A channel without a broker. As amqplib's does, it throws once it is closed, and tells of the end a little later. */
class FakeChannel extends EventEmitter {
  readonly said: string[] = []
  closed = false
  #deliver: ((message: Message | null) => void) | undefined
  #tags = 0

  async prefetch(count: number): Promise<void> {
    this.said.push(`prefetch ${count}`)
  }

  async consume(_queue: string, onMessage: (message: Message | null) => void): Promise<{ consumerTag: string }> {
    this.#deliver = onMessage
    this.said.push(`consume ${++this.#tags}`)
    return { consumerTag: `${this.#tags}` }
  }

  async cancel(tag: string): Promise<void> {
    this.said.push(`cancel ${tag}`)
  }

  ack({ name }: Message): void {
    if (this.closed) throw new Error('channel closed')
    this.said.push(`ack ${name}`)
  }

  nack({ name }: Message, allUpTo: boolean, requeue: boolean): void {
    assert.equal(allUpTo, false)
    if (this.closed) throw new Error('channel closed')
    this.said.push(`${requeue ? 'requeue' : 'reject'} ${name}`)
  }

  async deliver(...names: readonly string[]): Promise<void> {
    for (const name of names) this.#deliver!({ name, properties: {} })
    await settle()
  }

  async deliverAgain(name: string, headers: Record<string, unknown>): Promise<void> {
    this.#deliver!({ name, properties: { headers } })
    await settle()
  }

  async cancelled(): Promise<void> {
    this.#deliver!(null)
    await settle()
  }

  async close(): Promise<void> {
    this.closed = true
    this.emit('close')
    await settle()
  }
}

class Bench {
  readonly clock: VirtualClock = new VirtualClock(1000)
  readonly channel: FakeChannel = new FakeChannel()
  readonly errors: unknown[] = []
  readonly working: Map<string, { resolve: () => void; reject: (error: unknown) => void; signal: AbortSignal }> =
    new Map<string, { resolve: () => void; reject: (error: unknown) => void; signal: AbortSignal }>()
  readonly consumer: AmqpConsumer<Message>

  constructor(gate: (clock: VirtualClock) => Gate, options: AmqpOptions<Message> = {}) {
    this.consumer = amqpConsumer<Message>(
      'queue',
      ({ name }, { signal }) =>
        new Promise<void>((resolve, reject) => {
          this.working.set(name, { resolve, reject, signal })
        }),
      { clock: this.clock, gate: gate(this.clock), onError: (error) => this.errors.push(error), ...options },
    )
  }

  async done(name: string): Promise<void> {
    this.working.get(name)!.resolve()
    await settle()
  }

  async fail(name: string, error: unknown): Promise<void> {
    this.working.get(name)!.reject(error)
    await settle()
  }

  async pass(duration: number): Promise<void> {
    this.clock.advance(duration)
    await settle()
  }
}

const permits =
  (count: number) =>
  (clock: VirtualClock): Gate =>
    semaphore({ permits: count, clock })

describe('amqpConsumer', () => {
  it('S1.12 takes half as much again as the gate lets in, acknowledges what is done, in whatever order', async () => {
    const bench = new Bench(permits(4))
    await bench.consumer.attach(bench.channel)
    await bench.channel.deliver('a', 'b', 'c', 'd', 'e', 'f')
    assert.deepEqual([...bench.working.keys()], ['a', 'b', 'c', 'd'])
    await bench.done('c')
    await bench.done('a')
    assert.deepEqual(bench.channel.said, ['prefetch 6', 'consume 1', 'ack c', 'ack a'])
    const { unsettled, running, acked } = bench.consumer.stats
    assert.deepEqual({ unsettled, running, acked }, { unsettled: 4, running: 4, acked: 2 })
  })

  it('S1.12 a channel that closes takes nothing with it: nothing is settled on it, work is called off, the next goes on', async () => {
    const bench = new Bench(permits(2))
    await bench.consumer.attach(bench.channel)
    await bench.channel.deliver('a', 'b', 'c')
    const { signal } = bench.working.get('a')!
    await bench.channel.close()
    assert.deepEqual([signal.aborted, bench.consumer.stats.lost, bench.consumer.stats.unsettled], [true, 3, 0])
    await bench.done('a')
    await bench.pass(1000)
    const next = new FakeChannel()
    await bench.consumer.attach(next)
    await next.deliver('a', 'c')
    await bench.done('b')
    await bench.done('a')
    await bench.done('c')
    assert.deepEqual(bench.channel.said, ['prefetch 3', 'consume 1'])
    assert.deepEqual(next.said, ['prefetch 3', 'consume 1', 'ack a', 'ack c'])
    assert.deepEqual(bench.errors, [])
  })

  it('a channel that is closed and has not said so yet costs no message either', async () => {
    const bench = new Bench(permits(2))
    await bench.consumer.attach(bench.channel)
    await bench.channel.deliver('a')
    bench.channel.closed = true
    await bench.done('a')
    assert.deepEqual([bench.consumer.stats.acked, bench.consumer.stats.lost, bench.errors.length], [0, 1, 1])
  })

  it('S1.12 failures are requeued after a while; rejected, acknowledged or held as the user says; never twice', async () => {
    const bench = new Bench(permits(9), {
      onFailure: (error) => {
        if (error === 'broken') throw new Error('judge')
        return error as 'requeue'
      },
    })
    await bench.consumer.attach(bench.channel)
    await bench.channel.deliver('a', 'b', 'c', 'd')
    await bench.fail('a', 'requeue')
    await bench.fail('b', 'reject')
    await bench.fail('c', 'ack')
    await bench.fail('d', 'broken')
    assert.deepEqual(bench.channel.said.slice(2), ['reject b', 'ack c'])
    await bench.pass(999)
    assert.equal(bench.channel.said.length, 4)
    await bench.pass(1)
    assert.deepEqual(bench.channel.said.slice(4), ['requeue a', 'requeue d'])
    await bench.pass(100_000)
    assert.equal(bench.channel.said.length, 6)
    assert.equal(bench.errors.length, 5)
  })

  it('S1.12 refusals: requeued, but held where the queue counts how often a message comes back', async () => {
    const refused = new RejectedError(new Rejection('breaker_open', 'sink', 1, 0, 3000))
    for (const [onRefusal, headers, held] of [
      [undefined, {}, false],
      [undefined, { 'x-delivery-count': 1 }, true],
      ['requeue', { 'x-delivery-count': 1 }, false],
      ['wait', {}, true],
    ] as const) {
      const bench = new Bench(permits(9), onRefusal === undefined ? {} : { onRefusal })
      await bench.consumer.attach(bench.channel)
      await bench.channel.deliverAgain('a', headers)
      await bench.fail('a', refused)
      bench.working.clear()
      assert.deepEqual(bench.channel.said.slice(2), held ? [] : ['requeue a'])
      await bench.pass(3000)
      assert.equal(bench.working.has('a'), held)
      const { failed, refused: times } = bench.consumer.stats
      assert.deepEqual([failed, times], [0, 1])
    }
  })

  it('S1.10 S1.12 drain: cancels, returns what has not begun, acknowledges what ends in time, waits for the broker', async () => {
    const bench = new Bench(permits(2))
    await bench.consumer.attach(bench.channel)
    await bench.channel.deliver('a', 'b', 'c', 'e')
    const drained = bench.consumer.drain({ timeout: 5000 })
    await bench.channel.deliver('d')
    await bench.done('a')
    const { signal } = bench.working.get('b')!
    await bench.pass(5000)
    assert.deepEqual(await drained, { cutOff: 1 })
    assert.equal(signal.aborted, true)
    // What was cut off goes back with the channel, and not before: it may go on for all we know.
    assert.deepEqual(bench.channel.said.slice(2), [
      'requeue d',
      'cancel 1',
      'requeue c',
      'requeue e',
      'ack a',
      'prefetch 3',
    ])
    await bench.consumer.attach(new FakeChannel())
    assert.equal(bench.clock.pending, 0)
  })

  it('S1.10 drain does not wait for a broker that does not answer', async () => {
    const bench = new Bench(permits(2))
    await bench.consumer.attach(bench.channel)
    bench.channel.cancel = bench.channel.prefetch = () => new Promise(() => undefined)
    const drained = bench.consumer.drain()
    await bench.pass(5000)
    await bench.pass(5000)
    assert.deepEqual(await drained, { cutOff: 0 })
  })

  it('says when the broker cancels the consumer', async () => {
    const bench = new Bench(permits(2))
    await bench.consumer.attach(bench.channel)
    await bench.channel.cancelled()
    bench.channel.emit('error', new Error('404'))
    assert.deepEqual(
      bench.errors.map((error) => (error as Error).message),
      ['the broker cancelled the consumer of queue', '404'],
    )
  })

  it('says what is wrong with an option', () => {
    for (const options of [
      { ahead: -1 },
      { mostPrefetch: 0 },
      { mostPrefetch: 70_000 },
      { adjustInterval: 0 },
      { retryDelay: -1 },
      { timeout: 0 },
    ])
      assert.throws(() => amqpConsumer('queue', () => undefined, options), RangeError, JSON.stringify(options))
  })
})
