import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type ChannelModel, type ConsumeMessage, type RecoveringChannelModel } from 'amqplib'
import { amqpConsumer, type AmqpConsumer, type AmqpOptions } from '../../src/consumers/amqp.ts'
import { limiter, semaphore, tokenBucket } from '../../src/index.ts'
import { toldLimit } from './broker-limit.ts'
import { epmdProgram, missing, rabbitProgram, rabbitServer, type Server } from './broker-servers.ts'
import { until } from './waiting.ts'

const skip = missing(['rabbitmq-server', rabbitProgram], ['epmd', epmdProgram])

describe('sluice/amqp, with amqplib, on a RabbitMQ', { skip, concurrency: true }, () => {
  let server: Server
  let control: ChannelModel
  const open = new Set<RecoveringChannelModel>()
  before(async () => {
    server = await rabbitServer()
    control = await connect(`amqp://127.0.0.1:${server.port}`)
  })
  after(async () => {
    for (const model of open) await model.close()
    await control.close()
    await server.stop()
  })

  const fill = async (queue: string, count: number, options = {}): Promise<void> => {
    const channel = await control.createConfirmChannel()
    await channel.assertQueue(queue, options)
    for (let index = 0; index < count; index++) channel.sendToQueue(queue, Buffer.from(`${index}`))
    await channel.waitForConfirms()
    await channel.close()
  }
  const left = async (queue: string): Promise<number> => {
    const channel = await control.createChannel()
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  }
  /** A connection that recovers, with what is to be done with each new one, and a way to cut it. */
  const recovering = async (
    setup: (model: ChannelModel) => Promise<void>,
  ): Promise<{ cuts: () => void; close: () => Promise<void> }> => {
    let socket: Socket | undefined
    const recovery = {
      initialDelay: 50,
      setup: async (model: ChannelModel) => {
        model.on('error', () => undefined)
        socket = (model.connection as unknown as { stream: Socket }).stream
        await setup(model)
      },
    }
    const model = await connect(`amqp://127.0.0.1:${server.port}`, { recovery })
    model.on('error', () => undefined)
    open.add(model)
    return {
      cuts: () => socket?.destroy(new Error('cut')),
      close: async () => {
        open.delete(model)
        await model.close()
      },
    }
  }
  const consuming = async (
    queue: string,
    work: (message: ConsumeMessage) => unknown,
    options: AmqpOptions<ConsumeMessage> = {},
  ): Promise<{ consumer: AmqpConsumer<ConsumeMessage>; cut: () => void; close: () => Promise<void> }> => {
    const consumer = amqpConsumer(queue, work, options)
    const { cuts, close } = await recovering(async (model) => consumer.attach(await model.createChannel()))
    return { consumer, cut: cuts, close }
  }

  it('S1.12 10,000 messages, the connection cut three times in the middle: nothing lost, nothing acknowledged twice', async () => {
    await fill('cut', 10_000)
    const done = new Map<string, number>()
    const errors: unknown[] = []
    const { consumer, cut } = await consuming(
      'cut',
      async ({ content }) => {
        await sleep(4)
        done.set(content.toString(), (done.get(content.toString()) ?? 0) + 1)
      },
      { gate: semaphore({ permits: 40 }), onError: (error) => errors.push(error) },
    )
    for (const at of [1000, 3000, 6000]) {
      await until(`${at} messages are done`, () => done.size > at && consumer.stats.unsettled > 20)
      const { lost } = consumer.stats
      cut()
      await until('the channel is gone', () => consumer.stats.lost > lost)
    }
    await until('10,000 messages are done', () => done.size === 10_000)
    await until('all are settled', () => consumer.stats.unsettled === 0)
    const { acked, lost } = consumer.stats
    const repeated = [...done.values()].reduce((sum, times) => sum + times, 0) - 10_000
    assert.equal(await left('cut'), 0)
    // An acknowledgement on its way when the line was cut is one the broker never heard.
    assert.ok(acked >= 10_000 - lost && lost <= 3 * 60, `acked ${acked}, lost ${lost}`)
    assert.ok(repeated <= lost + 3 * 60, `${repeated} repeated, ${lost} lost`)
    // RabbitMQ closes a channel that settles a message twice, with 406 PRECONDITION_FAILED.
    assert.deepEqual(errors, [])
  })

  it('control: messages acknowledged as they arrive are lost in the same cut', async () => {
    await fill('naive', 2000)
    const done = new Set<string>()
    let life = 0
    const { cuts } = await recovering(async (model) => {
      const channel = await model.createChannel()
      const mine = ++life
      await channel.consume(
        'naive',
        (message) => {
          if (message === null) return
          void sleep(Math.random() * 300).then(() => {
            if (mine === life) done.add(message.content.toString())
          })
        },
        { noAck: true },
      )
    })
    await until('it has begun', () => done.size > 0)
    // The process dies: what it holds is gone with it.
    life++
    cuts()
    await until('the queue is empty', async () => (await left('naive')) === 0)
    await sleep(200)
    assert.ok(done.size < 2000, `${done.size} of 2000 done`)
  })

  it('S1.12 the prefetch follows the limit of the gate, and the broker keeps to it', async () => {
    await fill('limit', 3000)
    const limit = toldLimit(4)
    let most = 0
    const { consumer } = await consuming('limit', () => sleep(5), {
      gate: limiter({ limit }),
      adjustInterval: 50,
    })
    const sampled = async (what: string, holds: () => boolean): Promise<number> => {
      most = 0
      await until(what, () => {
        most = Math.max(most, consumer.stats.unsettled)
        return holds()
      })
      return most
    }
    assert.equal(consumer.stats.prefetch, 6)
    assert.ok((await sampled('200 are done', () => consumer.stats.acked > 200)) <= 6)
    limit.limit = 20
    await until('the prefetch has risen', () => consumer.stats.prefetch === 30)
    const { acked } = consumer.stats
    const wide = await sampled('600 more are done', () => consumer.stats.acked > acked + 600)
    assert.ok(wide > 20 && wide <= 36, `${wide} unsettled`)
    limit.limit = 2
    await until('the prefetch has fallen', () => consumer.stats.prefetch === 3)
    // In order, so they go first. Counting the unsettled would take two of the new beside the last of the old for three.
    const fallen = consumer.stats.acked
    await until('what the old one let in is done', () => consumer.stats.acked >= fallen + 36)
    const then = consumer.stats.acked
    assert.ok((await sampled('100 more are done', () => consumer.stats.acked > then + 100)) <= 3)
    await consumer.drain()
  })

  it('S1.12 failures: requeued after a while by default; rejected ones are dead-lettered; broken judges requeue', async () => {
    const channel = await control.createChannel()
    await channel.assertQueue('dead')
    await fill('failing', 20, { deadLetterExchange: '', deadLetterRoutingKey: 'dead' })
    const attempts = new Map<string, number>()
    const { consumer } = await consuming(
      'failing',
      ({ content }) => {
        const name = content.toString()
        attempts.set(name, (attempts.get(name) ?? 0) + 1)
        if (Number(name) < 5) throw new Error('poison')
        if (Number(name) < 10 && attempts.get(name) === 1) throw new Error('once')
        if (Number(name) < 12 && attempts.get(name) === 1) throw new Error('judge')
      },
      {
        retryDelay: 20,
        onFailure: (error) => {
          if ((error as Error).message === 'judge') throw new Error('broken')
          return (error as Error).message === 'poison' ? 'reject' : 'requeue'
        },
      },
    )
    await until('15 are acknowledged', () => consumer.stats.acked === 15)
    await until('5 are dead', async () => (await left('dead')) === 5)
    const { rejected, requeued, failed } = consumer.stats
    assert.deepEqual({ rejected, requeued, failed }, { rejected: 5, requeued: 7, failed: 12 })
    await channel.close()
  })

  it('S1.12 refused messages go to whoever has room; in a quorum queue they wait here once they have been back', async () => {
    await fill('shared', 200)
    const busy = tokenBucket({ tokens: 1, per: 60_000 })
    const [full, free] = [
      await consuming('shared', () => sleep(1), { gate: busy }),
      await consuming('shared', () => sleep(1)),
    ]
    // What waits behind a refused one is not refused, but held until the gate said to come back: a channel returns it.
    await until('the rest is done', () => free.consumer.stats.acked + full.consumer.stats.unsettled >= 199)
    assert.ok(full.consumer.stats.refused > 0 && full.consumer.stats.requeued > 0)
    await full.consumer.drain()
    await until('all are done', () => free.consumer.stats.acked + full.consumer.stats.acked === 200)

    await fill('quorum', 5, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 } })
    const slow = tokenBucket({ tokens: 1, per: 100 })
    const quorum = await consuming('quorum', () => undefined, { gate: slow })
    await until('all five are acknowledged', () => quorum.consumer.stats.acked === 5)
    assert.ok(quorum.consumer.stats.refused > 0)
  })

  it('S1.12 drain: what is at work is acknowledged, what waits goes back, nothing is done twice; what is cut off goes back too', async () => {
    await fill('drain', 300)
    const done = new Map<string, number>()
    const work = async ({ content }: ConsumeMessage): Promise<void> => {
      await sleep(20)
      done.set(content.toString(), (done.get(content.toString()) ?? 0) + 1)
    }
    const first = await consuming('drain', work, { gate: semaphore({ permits: 4 }), ahead: 4 })
    await until('it has begun', () => done.size > 20)
    assert.deepEqual(await first.consumer.drain(), { cutOff: 0 })
    assert.ok(first.consumer.stats.requeued > 0)
    assert.equal(first.consumer.stats.unsettled, 0)
    await first.close()
    const stuck = await consuming('drain', () => sleep(1_000_000, undefined, { ref: false }), {
      gate: semaphore({ permits: 3 }),
    })
    await until('three are stuck', () => stuck.consumer.stats.running === 3)
    assert.deepEqual(await stuck.consumer.drain({ timeout: 50 }), { cutOff: 3 })
    assert.equal(stuck.consumer.stats.unsettled, 3)
    await stuck.close()
    const second = await consuming('drain', work, { gate: semaphore({ permits: 20 }) })
    await until('300 are done', () => done.size === 300)
    assert.deepEqual([...new Set(done.values())], [1])
    assert.deepEqual(await second.consumer.drain(), { cutOff: 0 })
    assert.equal(await left('drain'), 0)
  })
})
