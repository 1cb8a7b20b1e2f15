import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { createClient } from 'redis'
import { protect as protectExpress } from '../../src/servers/express.ts'
import { protect } from '../../src/servers/node.ts'
import { fleetSlots, nodeRedis, redisSlots, type FleetSlots, type RedisPort } from '../../src/redis/index.ts'
import { noRedis, RedisServer } from './redis-server.ts'

const LIMIT = 3

/** Work that says how much of it is going on everywhere. */
class Work {
  busy = 0
  most = 0

  async do(): Promise<void> {
    this.most = Math.max(this.most, ++this.busy)
    await sleep(10)
    this.busy--
  }
}

describe('S3.5 a limit of the fleet at the doors', { skip: noRedis }, () => {
  let redis: RedisServer
  const ends: (() => Promise<unknown>)[] = []

  before(async () => {
    redis = await RedisServer.start()
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
    await redis.stop()
  })

  /** One instance's part of the limit, over a connection of its own. */
  async function slots(key: string): Promise<FleetSlots> {
    const client = createClient({ url: `redis://127.0.0.1:${redis.port}`, RESP: 3 })
    client.on('error', () => {})
    await client.connect()
    const port: RedisPort = nodeRedis(client)
    const coordinator = redisSlots(port, { key, lease: 1000 })
    const gate = fleetSlots({ coordinator, limit: LIMIT, maxWait: 10_000, onDown: 'closed', name: key })
    ends.push(async () => {
      gate.close()
      await port.close()
      client.destroy()
    })
    return gate
  }

  async function listening(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    })
    return (server.address() as AddressInfo).port
  }

  async function ask(port: number): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    await response.arrayBuffer()
    return response.status
  }

  it('an Express app and a bare node server share it: never over, and all of it used', async () => {
    const work = new Work()
    const gates = [await slots('doors'), await slots('doors')]
    const app = express()
    app.use(protectExpress({ gate: gates[0]! }))
    app.get('/', async (_req, res) => {
      await work.do()
      res.send('done')
    })
    const bare = protect(
      async (_req, res) => {
        await work.do()
        res.end('done')
      },
      { gate: gates[1]! },
    )
    const ports = [await listening(createServer(app)), await listening(createServer(bare))]
    // Alone it would be refused while the store still learns who holds what.
    for (const port of ports) while ((await ask(port)) !== 200) await sleep(10)
    work.most = 0
    const statuses = await Promise.all(ports.flatMap((port) => Array.from({ length: 30 }, () => ask(port))))
    assert.deepEqual([...new Set(statuses)], [200])
    assert.equal(work.most, LIMIT)
    assert.ok(gates.every(({ state }) => state.up && state.fleet.sessions === 2))
  })

  it('control: with a gate each, both together are over it', async () => {
    const work = new Work()
    const ports: number[] = []
    for (let i = 0; i < 2; i++) {
      const handler = protect(
        async (_req, res) => {
          await work.do()
          res.end()
        },
        { limit: LIMIT },
      )
      ports.push(await listening(createServer(handler)))
    }
    await Promise.all(ports.flatMap((port) => Array.from({ length: 10 }, () => ask(port))))
    assert.ok(work.most > LIMIT, String(work.most))
  })
})
