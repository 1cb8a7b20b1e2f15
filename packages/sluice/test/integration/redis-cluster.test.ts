import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { ioRedis } from '../../src/redis/index.ts'
import { RedisClusterServers } from './redis-cluster.ts'
import { commandsAndMessages, hearsAgain, InUse, slotsAndBuckets, slotsOf } from './redis-laws.ts'
import { clusters, type Opened } from './redis-openers.ts'
import { noRedis } from './redis-server.ts'
import { until } from './waiting.ts'

const LIMIT = 4
const LEASE = 800
/** Tags of three slots, one at each master. */
const TAGS = ['{b}', '{c}', '{a}'] as const
/** What is run only with `SLUICE_REDIS_MATRIX=1`. */
const wide = process.env['SLUICE_REDIS_MATRIX'] === undefined ? /without|5/ : /^$/

/** What ioredis keeps to itself of a Cluster that asks how its slots are distributed. */
interface Asking {
  readonly isRefreshing: boolean
  refreshSlotsCache(done?: () => void): void
}

describe('a cluster of Redis', { skip: noRedis }, () => {
  let servers: RedisClusterServers
  before(async () => {
    servers = await RedisClusterServers.start(1)
  })
  after(() => servers.stop())

  const redirections = async (): Promise<number> => {
    const told = await Promise.all([0, 1, 2].map((at) => servers.tell(at, 'INFO', 'errorstats')))
    return told.reduce(
      (sum: number, text) => sum + Number(/errorstat_MOVED:count=(\d+)/.exec(String(text))?.[1] ?? 0),
      0,
    )
  }

  /** Where the keys of a limit are. */
  const homeOf = (key: string): Promise<{ slot: number; owner: number }> =>
    servers.ownerOf(`sl1:{${createHash('sha1').update(key).digest('hex')}}:m`)

  for (const [name, open] of Object.entries(clusters)) {
    const opened = async (work: (one: Opened, other: Opened) => Promise<void>): Promise<void> => {
      const one = await open(servers.ports)
      try {
        const other = await open(servers.ports)
        try {
          await work(one, other)
        } finally {
          await other.close()
        }
      } finally {
        await one.close()
      }
    }

    it(`S3.5 ${name}: scripts go by their keys, without a redirection, and messages come from each master`, () =>
      opened(async (one) => {
        const owners = await Promise.all(TAGS.map((tag) => servers.ownerOf(tag)))
        assert.deepEqual(new Set(owners.map(({ owner }) => owner)).size, 3)
        await hearsAgain(one, () => Promise.resolve(), `${TAGS[0]}before`)
        const before = await redirections()
        for (const tag of TAGS) await commandsAndMessages(one, tag)
        assert.equal(await redirections(), before)
      }))

    it(`S3.5 S2.1 ${name}: slots are handed over by messages, and buckets are shared`, () =>
      opened((one, other) => slotsAndBuckets(one, other, name)))

    it(
      `S3.5 ${name}: the slot of a limit in use moves to another master: never over, and messages come from there`,
      {
        skip: wide.test(name) && 'only with SLUICE_REDIS_MATRIX=1',
      },
      () =>
        opened(async (one, other) => {
          const key = `${name} moves`
          const [mine, theirs] = [slotsOf(one, key, LIMIT, LEASE), slotsOf(other, key, LIMIT, LEASE)]
          const used = new InUse()
          for (const gate of [mine, theirs]) used.work(gate, 6, 20)
          try {
            await until('it is in use', () => used.done > 50)
            const during = async (): Promise<number> => {
              const before = used.done
              await sleep(LEASE)
              return used.done - before
            }
            const usual = await during()
            const { slot, owner } = await homeOf(key)
            await servers.move(slot, owner, (owner + 1) % 3)
            await sleep(1.5 * LEASE)
            const after = await during()
            assert.ok(after > usual / 2, `${after} in ${LEASE} ms, ${usual} before`)
            assert.equal(used.peak, LIMIT)
          } finally {
            await used.end()
            for (const gate of [mine, theirs]) gate.close()
          }
        }),
    )
  }

  it('S3.5 ioredis: a second Cluster that asks for its slots when it is closed asks no more', async () => {
    const interval = 25
    const nodes = servers.ports.map((port) => ({ host: '127.0.0.1', port }))
    const client = new Cluster(nodes, { slotsRefreshInterval: interval }).on('error', () => {})
    const seconds: Asking[] = []
    const duplicate = client.duplicate.bind(client)
    client.duplicate = (...args) => {
      const second = duplicate(...args)
      seconds.push(second as unknown as Asking)
      return second
    }
    const port = ioRedis(client)
    await until('it listens', async () => (await port.subscribe('{a}:c', () => {}).catch(() => false)) !== false)
    const [second] = seconds
    await until('it asks for its slots', () => second!.isRefreshing)
    const closed = port.close()
    let asked = 0
    const ask = second!.refreshSlotsCache.bind(second)
    second!.refreshSlotsCache = (done) => {
      asked++
      ask(done)
    }
    await closed
    await sleep(4 * interval)
    client.disconnect()
    client.refreshSlotsCache = () => {}
    // The round that was under way; without an end to them there are more and more.
    assert.ok(asked <= 1, `it asked ${asked} times`)
  })
})
