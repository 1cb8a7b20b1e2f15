import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Redis } from 'ioredis'
import type { Clock } from '../../src/index.ts'
import { ioRedis, memoryBuckets, redisBuckets, type BucketsCoordinator, type RedisPort } from '../../src/redis/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUDGET } from '../coordinate/buckets-laws.ts'
import { asks, playAsks, type Said } from '../coordinate/demand-laws.ts'
import {
  bigAmidSmall,
  calledSooner,
  holdsBig,
  holdsUrgent,
  killedAmidOthers,
  skewOf,
  tenantsOf,
  urgentAmidOthers,
} from '../coordinate/order-scenes.ts'
import { orderStage, type OrderStage } from '../coordinate/order-stage.ts'
import { atTime, ServerTime } from './fleet-buckets-time.ts'
import { noRedis, RedisServer } from './redis-server.ts'

/** How finely time passes, in ms: each step waits for the server. */
const STEP = 5

describe('S1.13 who is next among processes, with the store in Redis', { skip: noRedis }, () => {
  let server: RedisServer
  let client: Redis
  let port: RedisPort
  before(async () => {
    server = await RedisServer.start()
    client = new Redis({ port: server.port, host: '127.0.0.1' })
    client.on('error', () => {})
    port = ioRedis(client)
  })
  after(async () => {
    await port.close()
    client.disconnect()
    await server.stop()
  })

  let runs = 0
  /** Buckets of its own for each scene. */
  const redis = (clock: Clock): BucketsCoordinator => {
    const time = {
      get ms() {
        return 1_700_000_000_000 + clock.now()
      },
      pass: () => {},
    }
    const store = redisBuckets(atTime(port, time))
    const run = runs++
    return { open: (budget, ...rest) => store.open({ ...budget, name: `${budget.name} ${run}` }, ...rest) }
  }
  const stage = (told: 'all' | 'no demands' = 'all'): OrderStage => orderStage(redis, told, STEP)

  it('S1.13 keeps the laws of who is next, and answers statement by statement what the one in memory answers', async () => {
    const time = new ServerTime()
    const there = redisBuckets(atTime(port, time))
    let run = 0
    await fc.assert(
      fc.asyncProperty(asks, async (script) => {
        const budget = { ...BUDGET, name: `asks ${run++}` }
        const coordinator: BucketsCoordinator = { open: (_, ...rest) => there.open(budget, ...rest) }
        const said = await playAsks({ coordinator, pass: (duration) => time.pass(duration) }, script, 's')
        const clock = new VirtualClock(1000)
        const model = { coordinator: memoryBuckets({ clock }), pass: (duration: number) => clock.advance(duration) }
        const expected = await playAsks(model, script, 's')
        said.forEach((one, at) => {
          const figures = ({ grant }: Said): number[] => [
            grant.granted ? 1 : 0,
            grant.retryAfter / 1000,
            ...grant.level,
            ...grant.available,
            grant.standing?.virtual ?? -1,
            ...(grant.standing?.charged ?? []),
          ]
          const theirs = figures(expected[at]!)
          figures(one).forEach((value, place) =>
            assert.ok(Math.abs(value - theirs[place]!) < 1e-4, `${at}: ${figures(one).join()}, not ${theirs.join()}`),
          )
        })
      }),
      { numRuns: 60, seed: 9 },
    )
  })

  it('S1.13 one who waits for a whole bucket is passed by no more than the stated bound', async () => {
    holdsBig(await bigAmidSmall(stage()))
  })

  it('S2.3 the best class first, wherever it waits', async () => {
    holdsUrgent(await urgentAmidOthers(stage()))
  })

  it('S2.3 tenants get what their weights say, within a tenth over 5 s, at whichever pools they are', async () => {
    const shares = await tenantsOf(stage())
    assert.ok(skewOf(shares) < 0.1, JSON.stringify(shares))
  })

  it('S3.5 what comes back is heard of: nobody waits for a time that was computed without it', async () => {
    const { left, givenBack } = await calledSooner(stage())
    // Messages take their own time, while the clock of this test goes on.
    assert.ok(left <= 300, `${left} ms after the one before left`)
    assert.ok(givenBack <= 500, `${givenBack} ms after it was given back`)
  })

  it('S3.5 what is kept for a process that is killed is others’ soon', async () => {
    const longest = await killedAmidOthers(stage())
    assert.ok(longest <= 1250 + 1000, `${longest} ms`)
  })

  it('S3.4 every key has a time to live, and what is kept about who waits goes with the buckets', async () => {
    const keys = await client.keys('*')
    assert.ok(
      keys.some((key) => key.endsWith(':tl')),
      'lines were charged',
    )
    for (const key of keys) {
      assert.match(key, /^sl1:\{[0-9a-f]{32}\}:t[bsl]$/)
      assert.ok((await client.pttl(key)) > 0, key)
    }
  })
})
