import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { InUse, slotsAndBuckets, slotsOf } from './redis-laws.ts'
import { sentinels, type Opened } from './redis-openers.ts'
import { RedisSentinelServers } from './redis-sentinel.ts'
import { noRedis } from './redis-server.ts'
import { until } from './waiting.ts'

const LIMIT = 4
const LEASE = 600
/** What is run only with `SLUICE_REDIS_MATRIX=1`. */
const wide = process.env['SLUICE_REDIS_MATRIX'] === undefined ? /5/ : /^$/

// At once, each with servers of its own: they wait for the Sentinel.
describe('Redis with a Sentinel', { skip: noRedis, concurrency: true }, () => {
  for (const [name, open] of Object.entries(sentinels))
    it(
      `S3.5 ${name}: a replica that lags takes over: never over, after a window of learning used again`,
      {
        skip: wide.test(name) && 'only with SLUICE_REDIS_MATRIX=1',
      },
      async (t) => {
        const servers = await RedisSentinelServers.start()
        const opened: Opened[] = []
        t.after(async () => {
          await Promise.allSettled(opened.map((each) => each.close()))
          await servers.stop()
        })
        for (let at = 0; at < 2; at++) opened.push(await open(servers.name, servers.sentinel.port))
        const [one, other] = [opened[0]!, opened[1]!]
        const [mine, theirs] = [slotsOf(one, name, LIMIT, LEASE), slotsOf(other, name, LIMIT, LEASE)]
        const used = new InUse()
        let watch: NodeJS.Timeout | undefined
        try {
          await slotsAndBuckets(one, other, `${name}, before`)
          // All is held here when the replica hears for the last time, and there when the master dies.
          const held = await Promise.all(Array.from({ length: LIMIT }, () => mine.acquire()))
          await sleep(100)
          await servers.lag()
          for (const permit of held) permit.release('success')
          for (const gate of [mine, theirs]) used.work(gate, 6, 30)
          await until('it is in use', () => used.done > 50)
          await servers.master.kill()
          const learning: boolean[] = []
          watch = setInterval(() => learning.push(mine.state.learning, theirs.state.learning), 10)
          await servers.takenOver()
          const taken = used.done
          await until('it is used again', () => used.done > taken + 50)
          assert.ok(learning.includes(true), 'it learns what is held before it grants')
          await sleep(LEASE)
          assert.equal(used.peak, LIMIT)
        } finally {
          clearInterval(watch)
          await used.end()
          for (const gate of [mine, theirs]) gate.close()
        }
      },
    )
})
