import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { seeded } from '../../src/index.ts'
import {
  memorySlots,
  nodeRedis,
  redisSlots,
  type SlotCoordinator,
  type SlotNews,
  type SlotReply,
  type SlotReport,
} from '../../src/redis/index.ts'
import { redisScript } from '../../src/redis/client-script.ts'
import { SLOTS_SYNC } from '../../src/redis/scripts/slots-sync.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { until } from './broker-servers.ts'
import { noRedis, RedisServer } from './redis-server.ts'

const LEASE = 2000
const LIMIT = 5

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
    this.said.push(JSON.stringify(plain))
    this.#fences.push(reply.fence)
    return reply
  }

  #hears(name: string, { life: _life, fence: _fence, ...news }: SlotNews): void {
    this.heard[name]!.push(JSON.stringify(news))
  }

  stop(): void {
    for (const leave of this.#leave) leave()
  }
}

/** A step that could happen, and some that should not. */
function stepOf(random: () => number, order: number, strict: boolean): Step {
  const upTo = (count: number): number => Math.floor(random() * count)
  const waiting: [number, number, number, number] = [upTo(3), 0, upTo(4), upTo(2)]
  const heads = [3, 2, 0].flatMap((priority) =>
    Array.from({ length: waiting[priority]! }, (_, at) => ({ priority, age: 1_000_000 - order * 1000 - at * 10 })),
  )
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
    heads,
  }
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

  for (const strict of [false, true])
    it(`S3.5 decides as the coordinator in memory does, ${strict ? 'strict' : 'share'}: 40 scripts`, async () => {
      const port = nodeRedis(client)
      for (let seed = 1; seed <= 40; seed++) {
        const random = seeded(seed)
        const listening = seed % 2 === 0 ? ['a', 'b', 'c'] : ['a', 'b']
        const real = new Play(redisSlots(port, { key: `${strict}-${seed}`, lease: LEASE }), listening)
        const memory = new Play(memorySlots({ clock: new VirtualClock(1e9) }), listening)
        await client.ping()
        for (let at = 0; at < 25; at++) {
          const step = stepOf(random, at, strict)
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
        redisSlots(nodeRedis(client), { key, lease: 400 }).sync(
          { ...quiet, limit: LIMIT, lease: 400, spare: 0, heads: [], waiting: [0, 0, 0, 0], ...report },
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
        ['a', 0, 1, 0, 0, 5, 400, 0, 0, 0, 0, 0, 0, 0, 0, ''],
      ),
      /newer version, 2/,
    )
  })
})
