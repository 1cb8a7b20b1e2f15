import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { llmPool, provider, type LlmPool } from '../../src/llm/index.ts'
import { ioRedis, redisBuckets, redisSlots, type RedisPort } from '../../src/redis/index.ts'
import { noRedis, RedisServer } from './redis-server.ts'

describe('S2.1 S2.2 llmPool over Redis', { skip: noRedis }, () => {
  let server: RedisServer
  const clients: Redis[] = []
  const ports: RedisPort[] = []

  before(async () => {
    server = await RedisServer.start()
    for (let count = 0; count < 3; count++) {
      const client = new Redis({ port: server.port, host: '127.0.0.1' })
      client.on('error', () => {})
      clients.push(client)
      ports.push(ioRedis(client))
    }
  })
  after(async () => {
    for (const port of ports) await port.close()
    for (const client of clients) client.disconnect()
    await server.stop()
  })

  /** A pool in each of three processes, each with a connection of its own. */
  const fleet = (key: string): LlmPool[] =>
    ports.map((port) =>
      llmPool({
        limits: [provider.openai({ model: 'm', key, rpm: 60_000, tpm: 60_000, concurrency: 40 })],
        store: redisBuckets(port),
        slots: (name) => redisSlots(port, { key: name }),
        onDown: 'closed',
      }),
    )

  it('S2.1 three processes together let in what the limit allows, and no more', async () => {
    const pools = fleet('together')
    for (const pool of pools)
      (await pool.acquire({ model: 'm', input: 1, maxOutput: 1 })).settle({ input: 1, output: 1 })
    const since = performance.now()
    let taken = 0
    const run = { on: true }
    const caller = async (pool: LlmPool): Promise<void> => {
      while (run.on) {
        const lease = await pool.acquire({ model: 'm', input: 1000, maxOutput: 1000 })
        // Nothing that is let in after the clock was read counts.
        if (!run.on) lease.settle({ input: 0, output: 0 })
        else taken += 1000
        await sleep(20)
        lease.settle({ input: 1000, output: 1000 })
      }
    }
    const callers = pools.flatMap((pool) => Array.from({ length: 10 }, () => caller(pool).catch(() => undefined)))
    await sleep(1500)
    run.on = false
    const allowed = 54_000 + (performance.now() - since + 250)
    assert.ok(taken <= allowed, `${taken} of ${allowed}`)
    assert.ok(taken >= 53_000, `${taken} of ${allowed}`)
    await Promise.all(pools.map((pool) => pool.close()))
    await Promise.all(callers)
  })

  it('S2.2 a 429 in one process is heard in the others', async () => {
    const pools = fleet('heard')
    const leases = await Promise.all(pools.map((pool) => pool.acquire({ model: 'm', input: 10, maxOutput: 10 })))
    leases[1]!.settle({ input: 10, output: 10 })
    leases[2]!.settle({ input: 10, output: 10 })
    leases[0]!.refused({
      status: 429,
      headers: {
        'retry-after-ms': '800',
        'x-ratelimit-limit-requests': '60000',
        'x-ratelimit-remaining-requests': '60000',
        'x-ratelimit-limit-tokens': '60000',
        'x-ratelimit-remaining-tokens': '60000',
      },
    })
    await sleep(100)
    const since = performance.now()
    const others = await Promise.all(
      pools.slice(1).map(async (pool) => {
        const lease = await pool.acquire({ model: 'm', input: 10, maxOutput: 10 })
        lease.abandon()
        return performance.now() - since
      }),
    )
    for (const waited of others) assert.ok(waited > 500 && waited < 2500, `waited ${waited} ms`)
    await Promise.all(pools.map((pool) => pool.close()))
  })
})
