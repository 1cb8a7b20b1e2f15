import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { seeded, type Arrival } from '../../src/index.ts'
import {
  fleetSlots,
  nodeRedis,
  redisSlots,
  type FleetSlotsOptions,
  type RedisPort,
  type SlotPermit,
  type SlotReply,
  type SlotReport,
} from '../../src/redis/index.ts'
import { redisScript } from '../../src/redis/client-script.ts'
import { SLOTS_SYNC } from '../../src/redis/scripts/slots-sync.ts'
import { noRedis, RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const LEASE = 600

/** Brings messages late, twice and out of order. */
function unruly(port: RedisPort, seed: number): RedisPort {
  const random = seeded(seed)
  return {
    run: (...asked) => port.run(...asked),
    info: (section) => port.info(section),
    close: () => port.close(),
    subscribe: (channel, listener) =>
      port.subscribe(channel, (message) => {
        for (let times = random() < 0.3 ? 3 : 1; times > 0; times--)
          setTimeout(() => listener(message), random() < 0.7 ? 0 : random() * 2 * LEASE)
      }),
  }
}

describe('slots of a fleet on the wire', { skip: noRedis }, () => {
  let server: RedisServer
  let client: ReturnType<typeof connected>
  const connected = () => createClient({ RESP: 3, socket: { port: server.port, host: '127.0.0.1' } })
  before(async () => {
    server = await RedisServer.start()
    client = connected()
    await client.connect()
    await until('the server is not young any more', async () => {
      const [, seconds] = /uptime_in_seconds:(\d+)/.exec(await client.info('server'))!
      return Number(seconds) * 1000 > LEASE + 1000
    })
  })
  after(async () => {
    client.destroy()
    await server.stop()
  })

  /** Loops of three instances in one process, with a count of their own. */
  async function loops(
    port: (instance: number) => RedisPort,
    options: Partial<FleetSlotsOptions> & { readonly key: string },
    arrivalOf: (loop: number) => Arrival,
    duration: number,
  ): Promise<{ peak: number; works: number; use: Map<string, number>; fences: number[]; left: number }> {
    const { key, ...rest } = options
    const limit = rest.limit ?? 4
    const gates = [0, 1, 2].map((instance) =>
      fleetSlots({ coordinator: redisSlots(port(instance), { key, lease: LEASE }), limit, onDown: 'closed', ...rest }),
    )
    let [running, peak, works] = [0, 0, 0]
    const end = performance.now() + duration
    const use = new Map<string, number>()
    const fences: number[] = []
    const loop = async (instance: number, number: number): Promise<void> => {
      const arrival = arrivalOf(number)
      while (performance.now() < end) {
        const permit = (await gates[instance]!.acquire({ maxWait: 10_000, ...arrival })) as SlotPermit
        fences.push(permit.fence)
        running += arrival.cost ?? 1
        peak = Math.max(peak, running)
        await sleep(4, undefined, { signal: permit.signal }).catch(() => {})
        running -= arrival.cost ?? 1
        works++
        use.set(arrival.flow ?? '', (use.get(arrival.flow ?? '') ?? 0) + 1)
        permit.release('success')
      }
    }
    await Promise.all([0, 1, 2].flatMap((at) => Array.from({ length: 8 }, (_, number) => loop(at, number))))
    for (const gate of gates) gate.close()
    await until('all is given back', async () => (await ask(key)({ session: 'probe', limit, leaves: true })).used === 0)
    return { peak, works, use, fences, left: running }
  }

  /** Reports that say no more than they have to. */
  const ask =
    (key: string) =>
    (report: Partial<SlotReport>): Promise<SlotReply> =>
      new Promise((resolve, reject) => {
        const quiet = { session: 'a', life: 0, seq: 1, granted: 0, returned: 0, limit: 5, queue: 0, spare: 0 }
        const nobody = { strict: false, leaves: false, waiting: [0, 0, 0, 0] as const, demand: [] }
        redisSlots(nodeRedis(client), { key, lease: LEASE }).sync(
          { ...quiet, ...nobody, lease: LEASE, ...report },
          (said) => (said instanceof Error ? reject(said) : resolve(said)),
        )
      })
  const wanting = (count: number): Pick<SlotReport, 'waiting' | 'demand'> => ({
    waiting: [0, 0, count, 0],
    demand: [{ priority: 2, line: 0, weight: 1, cost: 1, count, age: 0 }],
  })
  const keysOf = (key: string): string[] =>
    ['m', 's'].map((name) => `sl1:{${createHash('sha1').update(key).digest('hex')}}:${name}`)

  for (const order of ['share', 'strict'] as const)
    it(`S3.5 late, repeated and reordered messages: never over the limit, nothing is lost, ${order}`, async () => {
      const port = (instance: number): RedisPort => unruly(nodeRedis(client), instance + 1)
      const arrival = (loop: number): Arrival => ({ cost: loop === 0 ? 3 : 1 })
      const { peak, works, left } = await loops(port, { key: `unruly ${order}`, order }, arrival, 1500)
      assert.ok(peak <= 4 && works > 30, `${peak} of 4, ${works} works`)
      assert.equal(left, 0)
    })

  it('S1.13 S3.5 tenants of three instances get their parts by weight', async () => {
    const weights = { a: 3, b: 1 }
    const port = (): RedisPort => nodeRedis(client)
    const arrival = (loop: number): Arrival => ({ flow: loop % 2 === 0 ? 'a' : 'b' })
    const { use, works } = await loops(port, { key: 'tenants', weights }, arrival, 2000)
    const part = use.get('a')! / works
    assert.ok(part > 0.75 * 0.9 && part < 0.75 * 1.1, `${part} of ${works}`)
  })

  it('S3.5 a server that comes back with old data: what was granted since counts, and nothing is granted on top', async () => {
    const say = ask('old data')
    const a = await say({ session: 'a', ...wanting(2) })
    const b = await say({ session: 'b', ...wanting(3) })
    assert.deepEqual([a.granted, b.granted], [2, 3])
    const keys = keysOf('old data')
    for (const key of keys) await client.copy(key, `${key}:old`)
    // Both go on: one gives two back, the other gets them.
    await say({ session: 'a', life: a.life, seq: 2, granted: 2, returned: 2 })
    const more = await say({ session: 'b', life: b.life, seq: 2, granted: 3, ...wanting(4) })
    assert.equal(more.granted, 5)
    // Another server takes over with the state of before.
    for (const key of keys) await client.copy(`${key}:old`, key, { REPLACE: true })
    await client.hSet(keys[0]!, { run: 'another', seen: String(Date.now() - 100) })
    const stranger = await say({ session: 'c', ...wanting(5) })
    assert.deepEqual([stranger.granted, stranger.learning], [0, true])
    const claims = await say({ session: 'b', life: b.life, seq: 3, granted: 5, ...wanting(4) })
    assert.deepEqual([claims.status, claims.granted, claims.used], ['ok', 5, 7])
    const gives = await say({ session: 'a', life: a.life, seq: 3, granted: 2, returned: 2 })
    assert.deepEqual([gives.granted, gives.used], [2, 5])
    let last = stranger
    await until('it has learnt', async () => {
      const seq = Math.round(performance.now()) + 10
      await say({ session: 'b', life: b.life, seq, granted: 5 })
      last = await say({ session: 'c', life: stranger.life, seq, ...wanting(5) })
      return !last.learning
    })
    assert.deepEqual([last.granted, last.used], [0, 5])
  })

  it('S3.5 fences rise when everything is lost as well', async () => {
    const say = ask('fences')
    const first = await say({ session: 'a', ...wanting(1) })
    await client.flushAll()
    await say({ session: 'b', ...wanting(1) })
    await client.hSet(keysOf('fences')[0]!, 'learn', '0')
    const second = await say({ session: 'b', seq: 2, ...wanting(1) })
    assert.equal(second.granted, 1)
    assert.ok(second.fence > first.fence && Number.isSafeInteger(second.fence), `${second.fence} after ${first.fence}`)
  })

  it('S3.5 every key has an end, whatever is kept in it; without PEXPIRE this test says so', async () => {
    const keep = async (source: string, key: string): Promise<string[]> => {
      const [meta, sessions] = keysOf(key) as [string, string]
      const channel = `${meta.slice(0, -1)}c`
      const run = (...args: unknown[]): Promise<unknown> =>
        nodeRedis(client).run(redisScript('x', source), [meta, sessions, channel], [JSON.stringify(args)])
      await run('a', 0, 1, 0, 0, 2, LEASE, 4, 0, 0, 0, 0, 6, 0, 0, 2, 1, 1, 1, 3, 0, 2, 9, 2, 1, 3, 0)
      await run('b', 0, 1, 0, 0, 2, LEASE, 4, 0, 0, 0, 0, 6, 0, 0, 2, 1, 1, 1, 3, 0, 2, 9, 2, 1, 3, 0)
      const endless: string[] = []
      for (const each of [meta, sessions]) {
        assert.equal(await client.exists(each), 1)
        if ((await client.pTTL(each)) < 0) endless.push(each)
      }
      return endless
    }
    assert.deepEqual(await keep(SLOTS_SYNC, 'ends'), [])
    const forgets = SLOTS_SYNC.replaceAll("redis.call('PEXPIRE'", "redis.call('EXISTS'")
    assert.equal((await keep(forgets, 'no ends')).length, 2)
  })
})
