import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import {
  fleetBuckets,
  ioRedis,
  nodeRedis,
  redisBuckets,
  type FleetBuckets,
  type RedisPort,
} from '../../src/redis/index.ts'
import { noRedis, RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

describe('S2.2 what a provider says, over Redis', { skip: noRedis }, () => {
  let server: RedisServer
  let io: Redis
  let node: ReturnType<typeof client>
  const ports: RedisPort[] = []
  const client = () =>
    createClient({ RESP: 3, socket: { port: server.port, host: '127.0.0.1' } }).on('error', () => undefined)

  before(async () => {
    server = await RedisServer.start()
    io = new Redis({ port: server.port, host: '127.0.0.1' })
    io.on('error', () => {})
    node = client()
    await node.connect()
    ports.push(ioRedis(io), nodeRedis(node))
  })
  after(async () => {
    for (const port of ports) await port.close()
    io.disconnect()
    node.destroy()
    await server.stop()
  })

  /** Two processes, each with a client of its own. */
  function pair(name: string): readonly [FleetBuckets<'tokens'>, FleetBuckets<'tokens'>] {
    const [a, b] = ports.map((port) =>
      fleetBuckets({
        name,
        buckets: { tokens: { tokens: 1e5, capacity: 1e6 } },
        coordinator: redisBuckets(port),
        onDown: 'closed',
        lease: 1000,
        deadline: 5000,
      }),
    )
    return [a!, b!]
  }

  it('S2.2 hold and pace reach who holds tokens by a message, long before its lease ends', async () => {
    const [a, b] = pair('push')
    // Enough to go on with for a second.
    await until('b has some at hand', async () => {
      for (let count = 0; count < 100; count++) b.tryEnter({ flow: 'key', cost: 10 })
      return b.status('key').tokens.held > 2000
    })
    const told = performance.now()
    a.hold('key', 1500)
    assert.ok(!a.tryEnter({ flow: 'key' }).admitted)
    await until('b lets nobody in', async () => {
      const { admitted } = b.tryEnter({ flow: 'key' })
      return !admitted && b.heldFor('key') > 0
    })
    const reached = performance.now() - told
    assert.ok(reached < 500, `after ${reached} ms, with a lease of 1000`)
    assert.equal(b.status('key').tokens.held, 0)
    await until('b lets somebody in again', async () => b.tryEnter({ flow: 'key' }).admitted)
    const length = performance.now() - told
    assert.ok(length >= 1500 - 5 && length < 2500, `held for ${length} ms`)

    b.pace('key', { tokens: { tokens: 100, capacity: 50 } })
    await until(
      'a goes by other limits',
      async () => (a.tryEnter({ flow: 'key' }), a.status('key').tokens.capacity === 50),
    )
    a.correct('key', { tokens: 3 })
    await until('b knows', async () => (b.tryEnter({ flow: 'key' }), b.status('key').tokens.available <= 50))
    await Promise.all([a.close(), b.close()])
  })

  it('S2.2 a hold is remembered for longer than the buckets, and forgotten after; keys have a time to live', async () => {
    const [a, b] = pair('remembered')
    a.hold('key', 3_600_000)
    await a.close()
    for (const key of await io.keys('sl1:*')) {
      const life = await io.pttl(key)
      assert.ok(life > 0 && life <= 3_600_000 + 180_000, `${key} lives for ${life} ms`)
    }
    b.tryEnter({ flow: 'key' })
    await until('b knows', async () => b.heldFor('key') > 3_590_000)
    await b.close()
  })

  it('S2.2 where nothing can be listened to, who holds tokens stops when its lease ends', async () => {
    const deaf: RedisPort = {
      run: (...args) => ports[1]!.run(...args),
      info: (section) => ports[1]!.info(section),
      close: () => Promise.resolve(),
      subscribe: () => Promise.reject(new Error('NOPERM')),
    }
    const parts = { name: 'deaf', buckets: { tokens: { tokens: 1e5, capacity: 1e6 } }, onDown: 'closed' } as const
    const a = fleetBuckets({ ...parts, coordinator: redisBuckets(ports[0]!) })
    const b = fleetBuckets({ ...parts, coordinator: redisBuckets(deaf), lease: 300 })
    await until('b has some at hand', async () => {
      for (let count = 0; count < 100; count++) b.tryEnter({ cost: 10 })
      return b.status().tokens.held > 2000
    })
    const told = performance.now()
    a.hold(undefined, 5000)
    let last = told
    await until('b knows', async () => {
      if (b.tryEnter({ cost: 0.001 }).admitted) last = performance.now()
      return b.heldFor() > 0
    })
    assert.ok(last - told < 300 + 250, `let in ${last - told} ms after it was said`)
    await Promise.all([a.close(), b.close()])
  })
})
