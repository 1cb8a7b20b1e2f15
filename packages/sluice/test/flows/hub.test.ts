import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectedError } from '../../src/ground/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import type { Format } from '../../src/flows/frame.ts'
import { hub } from '../../src/flows/hub.ts'
import { ndjson } from '../../src/flows/ndjson.ts'
import type { LagPolicy, Reader, ReaderOptions } from '../../src/flows/reader.ts'
import { FakeSocket, turn } from './fakes.ts'

const clock = new VirtualClock(1)

interface Fed {
  readonly socket: FakeSocket
  readonly reader: Reader<unknown>
}

function fed(
  policy: LagPolicy = 'drop-oldest',
  options: Partial<ReaderOptions<unknown>> = {},
  format?: Format<unknown>,
): Fed {
  const socket = new FakeSocket(1)
  return { socket, reader: ndjson(socket, { policy, clock, ...(format && { format }), ...options }) }
}

describe('hub', () => {
  it('S2.4 encodes a message once for each format, whatever the number of readers, who share the bytes', () => {
    let encodings = 0
    const format: Format<unknown> = {
      encode: (message) => {
        encodings++
        return `${JSON.stringify(message)}\n`
      },
    }
    const news = hub<unknown>({ clock })
    const seen = new Set<unknown>()
    for (let n = 0; n < 100; n++) {
      const { reader, socket } = fed('drop-oldest', {}, n < 50 ? format : undefined)
      const write = socket.write.bind(socket) as (chunk: unknown) => boolean
      socket.write = (chunk: unknown): boolean => {
        seen.add(chunk)
        return write(chunk)
      }
      news.subscribe('all', reader)
    }
    assert.equal(news.publish('all', { a: 1 }), 100)
    assert.equal(encodings, 1)
    assert.equal(seen.size, 2)
    assert.equal(news.stats.encoded, 2)
  })

  it('S2.4 a reader that never reads keeps its bound, is treated by its policy, and slows nobody', async () => {
    const news = hub<number>({ clock })
    const reading = [fed(), fed()]
    const stuck = [fed('drop-oldest', { capacity: 5 }), fed('coalesce'), fed('disconnect', { capacity: 5 })]
    for (const { reader } of [...reading, ...stuck]) news.subscribe('numbers', reader)
    for (let n = 0; n < 100; n++) {
      news.publish('numbers', n)
      for (const { socket } of reading) await socket.drain()
    }
    for (const { socket, reader } of reading) {
      assert.equal(socket.chunks.length, 100)
      assert.equal(reader.stats.dropped.oldest, 0)
    }
    assert.deepEqual(
      stuck.map(({ reader }) => reader.stats.waiting),
      [5, 1, 0],
    )
    const { dropped, readers, sent, waiting, published } = news.stats
    assert.deepEqual([readers, waiting, published], [4, 6, 100])
    assert.equal(sent, 203)
    assert.deepEqual(dropped, {
      oldest: 94,
      coalesced: 98,
      'too-large': 0,
      full: 0,
      disconnected: 6,
      left: 0,
      closed: 0,
    })
  })

  it('S2.4 forgets readers that leave, and topics nobody reads', async () => {
    const news = hub<number>({ clock })
    const { socket, reader } = fed()
    const one = news.subscribe('one', reader)
    news.subscribe('two', reader)
    news.subscribe('two', reader)
    assert.deepEqual([news.readers('one'), news.readers('two'), news.readers('three')], [1, 1, 0])
    assert.equal(news.stats.topics, 2)
    one[Symbol.dispose]()
    one[Symbol.dispose]()
    assert.equal(news.publish('one', 1), 0)
    assert.equal(news.publish('two', 2), 1)
    news.publish('two', 3)
    socket.destroy()
    await turn()
    assert.deepEqual([news.stats.readers, news.stats.topics], [0, 0])
    assert.equal(news.publish('two', 4), 0)
    assert.equal(news.stats.dropped.left, 1)
    // One that was over before it came.
    news.subscribe('two', reader)
    assert.equal(news.stats.readers, 0)
    assert.equal(news.stats.dropped.left, 1)
  })

  it('S2.4 counts what it fed, not what a reader did before and after', () => {
    const news = hub<number>({ clock })
    const { reader } = fed()
    reader.push(0)
    const topic = news.subscribe('t', reader)
    news.publish('t', 1)
    assert.deepEqual([news.stats.sent, news.stats.waiting], [0, 1])
    topic[Symbol.dispose]()
    assert.deepEqual([news.stats.sent, news.stats.waiting], [0, 0])
  })

  it('S2.4 waits for nobody, has a bound, and closes', () => {
    const news = hub<unknown>({ clock, maxReaders: 2 })
    assert.throws(() => news.subscribe('t', fed('block').reader), /hub\.reader/)
    const members = [fed(), fed('disconnect')]
    for (const { reader } of members) news.subscribe('t', reader)
    assert.throws(
      () => news.subscribe('t', fed().reader),
      (error) => error instanceof RejectedError && error.code === 'limit_exceeded',
    )
    assert.throws(() => news.publish('t', undefined), /ndjson\.message/)
    news.close('maintenance')
    for (const { reader } of members) assert.match(String(reader.signal.reason), /maintenance/)
    assert.equal(news.stats.readers, 0)
    assert.throws(
      () => news.subscribe('t', fed().reader),
      (error) => error instanceof RejectedError && error.code === 'closed',
    )
    assert.throws(() => hub({ maxReaders: 0 }), /hub\.maxReaders/)
  })

  it('S2.4 a reader that drops out in the middle of a publish spoils nothing', () => {
    const news = hub<number>({ clock })
    const others: Fed[] = []
    const first = fed('disconnect', {
      capacity: 1,
      onEnd: () => {
        for (const { reader } of others) reader.disconnect('with it')
      },
    })
    news.subscribe('t', first.reader)
    for (let n = 0; n < 3; n++) {
      others.push(fed())
      news.subscribe('t', others[n]!.reader)
    }
    assert.equal(news.publish('t', 1), 4)
    assert.equal(news.publish('t', 2), 4)
    assert.equal(news.publish('t', 3), 0)
    assert.equal(news.stats.readers, 0)
  })
})
