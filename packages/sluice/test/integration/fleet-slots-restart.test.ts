import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { RejectedError } from '../../src/index.ts'
import {
  fleetBuckets,
  fleetSlots,
  nodeRedis,
  redisBuckets,
  redisSlots,
  type FleetSlots,
} from '../../src/redis/index.ts'
import { noRedis, RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const LIMIT = 8
const SESSIONS = 40
const TENANTS = 10_000

type Buckets = ReturnType<typeof fleetBuckets>

describe('an instance that starts again', { skip: noRedis }, () => {
  let server: RedisServer
  const gates: (FleetSlots | Buckets)[] = []
  const clients: { destroy(): void; isOpen: boolean }[] = []
  before(async () => {
    server = await RedisServer.start()
  })
  after(() => server.stop())
  afterEach(async () => {
    for (const gate of gates.splice(0)) await gate.close()
    for (const client of clients.splice(0)) if (client.isOpen) client.destroy()
  })

  const connect = async () => {
    const client = createClient({ RESP: 3, socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: false } })
    client.on('error', () => {})
    clients.push(await client.connect())
    return client
  }

  const slotsOn = (client: Parameters<typeof nodeRedis>[0], key: string, limit = LIMIT): FleetSlots => {
    const coordinator = redisSlots(nodeRedis(client), { key, lease: 1000 })
    const gate = fleetSlots({ coordinator, limit, onDown: 'closed', maxWait: 20_000 })
    gates.push(gate)
    return gate
  }

  const bucketsOn = (client: Parameters<typeof nodeRedis>[0], name: string): Buckets => {
    const buckets = { requests: { tokens: 10, per: 60_000, capacity: 10 } }
    const gate = fleetBuckets({ name, buckets, coordinator: redisBuckets(nodeRedis(client)), onDown: 'closed' })
    gates.push(gate)
    return gate
  }

  it('S3.5 finds what is in use, who waits and what is allowed as they were', async () => {
    const [holds, waits] = [slotsOn(await connect(), 'fleet'), slotsOn(await connect(), 'fleet')]
    await Promise.all(Array.from({ length: LIMIT }, () => holds.acquire()))
    const waiting = Array.from({ length: 4 }, () => waits.acquire())
    for (const each of waiting) each.catch(() => {})
    await until('they wait', () => waits.state.fleet.queued === 4)
    const found = []
    for (let start = 0; start < 2; start++) {
      const client = await connect()
      const gate = slotsOn(client, 'fleet')
      assert.equal(gate.tryEnter().admitted, false)
      await until('it has heard', () => gate.state.fleet.sessions > 0)
      const { used, queued, limit, oldest } = gate.state.fleet
      assert.ok(oldest > 0)
      found.push({ used, queued, limit })
      // Gone without a word.
      client.destroy()
    }
    const asItWas = { used: LIMIT, queued: 4, limit: LIMIT }
    assert.deepEqual(found, [asItWas, asItWas])
  })

  it('S2.1 finds buckets as empty as they were', async () => {
    const client = await connect()
    const before = bucketsOn(client, 'budget')
    for (let taken = 0; taken < 10; taken++) (await before.acquire({ flow: 'acme' })).release('success')
    client.destroy()
    const again = bucketsOn(await connect(), 'budget')
    const refused = await again.acquire({ flow: 'acme', maxWait: 0 }).catch((error: unknown) => error)
    assert.ok(refused instanceof RejectedError && refused.code === 'rate_limited', String(refused))
    assert.ok((await again.acquire({ flow: 'another', maxWait: 1000 })).admitted)
  })

  it(`S3.5 ${SESSIONS} instances and ${TENANTS} tenants with nothing to do ask less than five times a second each`, async () => {
    const admin = await connect()
    const slots = []
    const buckets = []
    for (let session = 0; session < SESSIONS; session++) {
      const client = await connect()
      slots.push(slotsOn(client, 'many', SESSIONS))
      buckets.push(bucketsOn(client, 'many'))
    }
    // One of its own is in use at each; and each tenant has come once.
    await Promise.all(slots.map((gate) => gate.acquire()))
    await Promise.all(
      buckets.map(async (gate, session) => {
        for (let tenant = session; tenant < TENANTS; tenant += SESSIONS) await gate.acquire({ flow: `${tenant}` })
      }),
    )
    await sleep(500)
    await admin.configResetStat()
    await sleep(2000)
    const stats = await admin.info('commandstats')
    const calls = [...stats.matchAll(/cmdstat_evalsha:calls=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
    const each = calls / 2 / SESSIONS
    assert.ok(each > 0 && each < 5, `${each} calls a second of each`)
  })
})
