import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { seeded } from '../../src/index.ts'
import {
  memorySlots,
  nodeRedis,
  redisSlots,
  type SlotCoordinator,
  type SlotDemand,
  type SlotNews,
  type SlotReply,
  type SlotReport,
} from '../../src/redis/index.ts'
import { redisScript } from '../../src/redis/client-script.ts'
import { SLOTS_SYNC } from '../../src/redis/scripts/slots-sync.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { noRedis, RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const LEASE = 2000
const LIMIT = 5
/** One class is sure of nothing, and something is over. */
const SHARES = [0.1, 0, 0.4, 0.3] as const

type Step = Omit<SlotReport, 'life' | 'granted' | 'seq'> & {
  readonly claims: boolean
  readonly forged: boolean
  /** Sent before the last ones, and come after them. */
  readonly old: boolean
  readonly behind: number
}

/** A coordinator, played by a script: what it said to whom, with lives and fences left out, for those differ. */
class Play {
  readonly said: string[] = []
  readonly heard: Record<string, string[]> = {}
  readonly #coordinator: SlotCoordinator
  readonly #leave: (() => void)[] = []
  readonly #lives = new Map<string, number>()
  readonly #granted = new Map<string, number>()
  readonly #fences: number[] = []
  #seq = 10

  constructor(coordinator: SlotCoordinator, listening: readonly string[]) {
    this.#coordinator = coordinator
    for (const name of listening) {
      this.heard[name] = []
      this.#leave.push(coordinator.listen(name, (news) => this.#hears(name, news)))
    }
  }

  async step({ claims, forged, old, behind, ...rest }: Step): Promise<SlotReply> {
    const { session } = rest
    const registers = claims || !this.#lives.has(session)
    const life = registers ? 0 : this.#lives.get(session)! + (forged ? 1 : 0)
    const known = this.#granted.get(session) ?? 0
    const granted = registers ? (claims ? behind : 0) : Math.max(0, known - behind)
    const report: SlotReport = {
      ...rest,
      life,
      granted,
      returned: rest.returned,
      seq: old ? this.#seq - 3 : ++this.#seq,
    }
    const reply = await new Promise<SlotReply>((resolve, reject) => {
      this.#coordinator.sync(report, (said) => (said instanceof Error ? reject(said) : resolve(said)))
    })
    assert.ok(reply.used <= LIMIT, `${reply.used} of ${LIMIT}`)
    assert.equal(reply.learning, false)
    if (reply.life > 0) {
      this.#lives.set(session, reply.life)
      this.#granted.set(session, reply.granted)
    }
    const { life: _life, fence: _fence, wake: _wake, oldest: _oldest, ...plain } = reply
    this.said.push(sorted(plain))
    this.#fences.push(reply.fence)
    return reply
  }

  // Of grants that are taken back, because nobody hears of them, others hear sooner or later: `used` differs by that.
  #hears(name: string, { life: _life, fence: _fence, used: _used, ...news }: SlotNews): void {
    this.heard[name]!.push(sorted(news))
  }

  stop(): void {
    for (const leave of this.#leave) leave()
  }
}

/** Those who wait one by one, each with its number. */
function named(order: number, upTo: (count: number) => number): SlotDemand[] {
  let line = order * 20
  return [3, 2, 0].flatMap((priority) =>
    Array.from({ length: upTo(4) }, (_, at) => {
      const age = 1_000_000 - order * 1000 - at * 10
      return { priority, line: ++line, weight: 1, cost: upTo(8) === 0 ? 1 + upTo(6) : 1, count: 1, age }
    }),
  )
}

/** Those who wait in lines of tenants, some of which are told of together. */
function tenants(order: number, upTo: (count: number) => number): SlotDemand[] {
  return [3, 2, 0].flatMap((priority) =>
    [-2, -1, 0, 11, 4_000_000_000]
      .filter(() => upTo(3) === 0)
      .flatMap((line) =>
        Array.from({ length: 1 + upTo(2) }, (_, at) => {
          const cost = upTo(8) === 0 ? 1 + upTo(6) : 1 + at
          return { priority, line, weight: 1 + upTo(3), cost, count: 1 + upTo(3), age: 1000 - order * 10 }
        }),
      ),
  )
}

/** A step that could happen, and some that should not. */
function stepOf(random: () => number, order: number, strict: boolean): Step {
  const upTo = (count: number): number => Math.floor(random() * count)
  const demand = strict ? named(order, upTo) : tenants(order, upTo)
  const waiting: [number, number, number, number] = [0, 0, 0, 0]
  for (const { priority, count } of demand) waiting[priority]! += count
  // Some are told of as a number only.
  if (upTo(5) === 0) waiting[2] += 2
  return {
    session: ['a', 'b', 'c'][upTo(3)]!,
    // Whoever comes first claims nothing: that would have to be learnt about.
    claims: random() < 0.1 && order > 0,
    forged: random() < 0.05,
    old: random() < 0.1,
    behind: upTo(3) === 0 ? upTo(3) : 0,
    returned: upTo(6),
    limit: LIMIT,
    lease: LEASE,
    queue: strict ? 0 : 9,
    strict,
    leaves: random() < 0.05,
    waiting,
    spare: upTo(2),
    demand,
  }
}

function sorted(said: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

function metaKey(key: string): string {
  return `sl1:{${createHash('sha1').update(key).digest('hex')}}:m`
}

describe('the script for slots', { skip: noRedis }, () => {
  let server: RedisServer
  let client: ReturnType<typeof connected>
  const connected = () => createClient({ RESP: 3, socket: { port: server.port, host: '127.0.0.1' } })
  const uptime = async (): Promise<number> => Number(/uptime_in_seconds:(\d+)/.exec(await client.info('server'))![1])

  before(async () => {
    server = await RedisServer.start()
    client = connected()
    await client.connect()
    // Until then it would learn what others hold.
    await until('the server is not young any more', async () => (await uptime()) * 1000 >= LEASE + 1000)
  })
  after(async () => {
    client.destroy()
    await server.stop()
  })

  for (const order of ['share', 'strict', 'by class'] as const)
    it(`S3.5 S3.6 decides as the coordinator in memory does, ${order}: 40 scripts`, async () => {
      const port = nodeRedis(client)
      for (let seed = 1; seed <= 40; seed++) {
        const random = seeded(seed)
        const listening = seed % 2 === 0 ? ['a', 'b', 'c'] : ['a', 'b']
        const real = new Play(redisSlots(port, { key: `${order}-${seed}`, lease: LEASE }), listening)
        const clock = new VirtualClock(1e9)
        const memory = new Play(memorySlots({ clock }), listening)
        const meta = metaKey(`${order}-${seed}`)
        await client.ping()
        for (let at = 0; at < 25; at++) {
          const drawn = stepOf(random, at, order === 'strict')
          const step = order === 'by class' ? { ...drawn, shares: SHARES } : drawn
          // How full it is may be said again each time, on either clock.
          clock.advance(100)
          const level = await client.hGet(meta, 'level')
          if (typeof level === 'string') await client.hSet(meta, 'level', `${level.split(' ')[0]} 0`)
          await memory.step(step)
          await real.step(step)
          assert.deepEqual(real.said.at(-1), memory.said.at(-1), `seed ${seed}, step ${at}: ${JSON.stringify(step)}`)
        }
        await client.ping()
        assert.deepEqual(real.heard, memory.heard, `seed ${seed}`)
        real.stop()
        memory.stop()
      }
    })

  /** Reports of a limit of its own that say no more than they have to. */
  const asking =
    (key: string) =>
    (report: Partial<SlotReport>): Promise<SlotReply> =>
      new Promise((resolve, reject) => {
        const quiet = {
          ...stepOf(() => 0, 0, false),
          life: 0,
          seq: 1,
          granted: 0,
          returned: 0,
          queue: 0,
          leaves: false,
        }
        const { waiting = [0, 0, 0, 0] } = report
        const ordinary = { priority: 2, line: 0, weight: 1, cost: 1, count: waiting[2], age: 0 }
        redisSlots(nodeRedis(client), { key, lease: 400 }).sync(
          { ...quiet, limit: LIMIT, lease: 400, spare: 0, demand: [ordinary], waiting, ...report },
          (said) => (said instanceof Error ? reject(said) : resolve(said)),
        )
      })
  const metaOf = async (): Promise<string> => {
    const metas = (await client.keys('sl1:*')).filter((key) => key.endsWith(':m'))
    assert.equal(metas.length, 1)
    return metas[0]!
  }

  it('S3.5 waits for claims after everything was forgotten, and after another server took over', async () => {
    await client.flushAll()
    const newcomer = await asking('flushed')({ session: 'a', waiting: [0, 0, 1, 0] })
    assert.deepEqual([newcomer.learning, newcomer.granted], [true, 0])
    const meta = await metaOf()
    await client.hSet(meta, 'learn', '0')
    await until(
      'it grants',
      async () => (await asking('flushed')({ session: 'a', waiting: [0, 0, 1, 0], seq: 2 })).granted === 1,
    )
    await client.hSet(meta, { run: 'another', seen: String(Date.now() - 100) })
    const other = await asking('flushed')({ session: 'b', waiting: [0, 0, 1, 0] })
    assert.deepEqual([other.learning, other.granted, other.used], [true, 0, 1])
  })

  it('S3.5 of a server that stood still nobody loses a lease, and of one that goes on everybody who is silent', async () => {
    await client.flushAll()
    const ask = asking('silent')
    await ask({ session: 'a' })
    const meta = await metaOf()
    await client.hSet(meta, 'learn', '0')
    await ask({ session: 'a', seq: 2, waiting: [0, 0, 3, 0] })
    // Longer than a lease, and nobody is heard at all.
    await sleep(600)
    const before = await ask({ session: 'b' })
    assert.equal(before.used, 3)
    let last = before
    await until('its slots are free', async () => {
      last = await ask({ session: 'b', life: before.life, seq: Math.round(performance.now()) })
      return last.used === 0
    })
    assert.equal(last.sessions, 1)
  })

  it('S3.5 asks the server, and waits for claims, where it finds nothing although others know of something', async () => {
    const ask = asking('learning')
    const first = await ask({ session: 'a', granted: 3, seq: 1 })
    assert.deepEqual([first.status, first.granted, first.learning], ['ok', 3, true])
    const other = await ask({ session: 'b', seq: 1, waiting: [0, 0, 4, 0] })
    assert.deepEqual([other.granted, other.learning], [0, true])
    assert.ok(other.wake > 0 && other.wake <= 400)
    let last = other
    await until('it grants', async () => {
      await ask({ session: 'a', life: first.life, granted: 3, seq: Math.round(performance.now()) })
      last = await ask({ session: 'b', life: other.life, waiting: [0, 0, 4, 0], seq: Math.round(performance.now()) })
      return !last.learning
    })
    assert.deepEqual([last.granted, last.used], [2, LIMIT])
  })

  it('S3.5 the clock of a server that is set back stops nothing: leases end, and another one is noticed', async () => {
    await client.flushAll()
    const ask = asking('set back')
    await ask({ session: 'a' })
    const meta = await metaOf()
    // The last report came a minute from now.
    await client.hSet(meta, { learn: '0', seen: String(Date.now() + 60_000) })
    await ask({ session: 'a', seq: 2, waiting: [0, 0, 3, 0] })
    const { life } = await ask({ session: 'b' })
    let last = await ask({ session: 'b', life, seq: 2 })
    assert.equal(last.used, 3)
    await until('its slots are free', async () => {
      last = await ask({ session: 'b', life, seq: last.used + Math.round(performance.now()) })
      return last.used === 0
    })
    assert.equal((await ask({ session: 'c', waiting: [0, 0, 3, 0] })).granted, 3)
    // Another one, whose clock is behind, takes over.
    await client.hSet(meta, { run: 'another', seen: String(Date.now() + 120_000) })
    const stranger = await ask({ session: 'd', waiting: [0, 0, 1, 0] })
    assert.deepEqual([stranger.granted, stranger.used, stranger.learning], [0, 3, true])
    await until(
      'it has learnt',
      async () => !(await ask({ session: 'd', life: stranger.life, seq: Math.round(performance.now()) })).learning,
    )
  })

  for (const [what, stops, goesOn, says] of [
    ['has no memory left', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], /OOM/],
    ['became a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'], /READONLY|read only/],
  ] as const)
    it(`S3.5 a server that ${what} pushes no grant that it cannot keep`, async () => {
      await client.flushAll()
      const ask = asking(what)
      const { life } = await ask({ session: 'a' })
      const meta = await metaOf()
      await client.hSet(meta, 'learn', '0')
      const held = await ask({ session: 'a', life, seq: 2, waiting: [0, 0, LIMIT, 0] })
      assert.equal(held.granted, LIMIT)
      const news: SlotNews[] = []
      const leave = redisSlots(nodeRedis(client), { key: what }).listen('b', (said) => news.push(said))
      await client.ping()
      const waits = await ask({ session: 'b', waiting: [0, 0, 1, 0] })
      const before = news.length
      const back = (): Promise<SlotReply> => ask({ session: 'a', life, seq: 3, granted: LIMIT, returned: 1 })
      await client.sendCommand([...stops])
      try {
        await assert.rejects(back, says)
      } finally {
        await client.sendCommand([...goesOn])
      }
      assert.deepEqual(
        news.slice(before).map(({ granted }) => granted),
        [],
      )
      await back()
      await until('it is granted', () => news.some(({ granted, life: its }) => granted === 1 && its === waits.life))
      leave()
    })

  it('S3.5 where what is in use was thrown away it waits for claims, one key gone or both', async () => {
    for (const gone of ['s', 'both'] as const) {
      await client.flushAll()
      const ask = asking(`evicted ${gone}`)
      const { life } = await ask({ session: 'a' })
      const meta = await metaOf()
      await client.hSet(meta, 'learn', '0')
      await ask({ session: 'a', life, seq: 2, waiting: [0, 0, LIMIT, 0] })
      await client.configResetStat()
      if (gone === 's') await client.del(meta.replace(/m$/, 's'))
      else {
        await client.configSet({ 'maxmemory-policy': 'volatile-ttl', maxmemory: '1' })
        await until('all is evicted', async () => {
          await client.set('another', 'x', { EX: 100 }).catch(() => {})
          return (await client.exists(meta)) === 0
        })
        await client.configSet({ 'maxmemory-policy': 'noeviction', maxmemory: '0' })
      }
      const newcomer = await ask({ session: 'b', waiting: [0, 0, 1, 0] })
      assert.deepEqual([newcomer.learning, newcomer.granted], [true, 0], gone)
      assert.equal((await ask({ session: 'a', life: 0, seq: 3, granted: LIMIT })).status, 'ok')
    }
  })

  it('S3.5 refuses what a newer version keeps, and keeps nothing for ever', async () => {
    await asking('newer')({ session: 'a' })
    const keys = await client.keys('sl1:*')
    assert.ok(keys.length > 2)
    for (const key of keys) assert.ok((await client.pTTL(key)) > 0, `no end to ${key}`)
    const meta = keys.find((key) => key.endsWith(':m'))!
    await client.hSet(meta, 'v', '2')
    const key = meta.replace(/m$/, 's')
    await assert.rejects(
      nodeRedis(client).run(
        redisScript('slots-sync', SLOTS_SYNC),
        [meta, key, meta],
        [JSON.stringify(['a', 0, 1, 0, 0, 5, 400, 0, 0, 0, 0, 0, 0, 0, 0])],
      ),
      /newer version, 2/,
    )
  })
})
