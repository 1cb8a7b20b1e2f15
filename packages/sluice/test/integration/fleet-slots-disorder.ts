import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { seeded } from '../../src/index.ts'
import { fleetSlots, nodeRedis, redisSlots } from '../../src/redis/index.ts'
import {
  fencesThatFell,
  inversions,
  over,
  peakBeyondExcuse,
  shareUsed,
  waitersWithoutEnd,
  type Fault,
  type History,
} from './fleet-slots-checks.ts'
import { Fleet, instant, type Worker } from './fleet-slots-rig.ts'
import { Road } from './fleet-slots-road.ts'
import type { WorkerOrders } from './fleet-slots-worker.ts'
import { RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

/** One run of a fleet to which things happen at random. */
export interface Disorder {
  readonly seed: number
  /** For how long things happen, in ms. */
  readonly length: number
  readonly order: 'share' | 'strict'
  /** Which faults; all of them where nothing is said. */
  readonly faults?: readonly string[]
  /** What all are told besides, or each by its place from 0 to 3. */
  readonly orders?: Partial<WorkerOrders> | ((place: number) => Partial<WorkerOrders>)
}

/** What was found. */
export interface Findings {
  /** By invariant; none where nothing was violated. */
  readonly violations: readonly string[]
  readonly faults: readonly Fault[]
  readonly peak: number
  /** The peak before processes are excused that stood still although nobody had stopped them. */
  readonly excused: number
  readonly grants: number
  readonly refusals: number
  /** Of the limit, how much was in use from a lease and half a second after the last fault. */
  readonly used: number
  readonly tampered: number
}

const LIMIT = 8
const LEASE = 1500
const WORKERS = 4
const MAX_WAIT = 2000
/** For how long is measured how much is in use, before anything happens and when all is over, in ms. */
const CALM = 1500

/** Plays one run, on a server of its own, and checks everything that must hold. */
export async function disorder(plan: Disorder): Promise<Findings> {
  const server = await RedisServer.start()
  const scene = new Scene(server, plan)
  try {
    return await scene.play()
  } finally {
    await scene.end()
    await server.stop()
  }
}

class Scene {
  readonly #server: RedisServer
  readonly #plan: Disorder
  readonly #random: () => number
  readonly #fleet: Fleet
  readonly #admin: ReturnType<typeof connected>
  readonly #roads: Road[] = []
  readonly #workers: Worker[] = []
  readonly #faults: Fault[] = []
  readonly #found: string[] = []
  #tampered = 0
  #usual = 1

  constructor(server: RedisServer, plan: Disorder) {
    this.#server = server
    this.#plan = plan
    this.#random = seeded(plan.seed)
    const common = { port: server.port, limit: LIMIT, lease: LEASE, maxWait: MAX_WAIT, hold: [50, 250] } as const
    this.#fleet = new Fleet({ ...common, mode: plan.order })
    this.#admin = connected(server.port)
  }

  async play(): Promise<Findings> {
    const { length } = this.#plan
    await this.#admin.connect()
    await inTurn(async () => {
      for (let at = 0; at < WORKERS; at++) await this.#start(at)
      await until('all have begun', () => this.#workers.every(({ state }) => state !== undefined))
    })
    await this.#fleet.busy()
    const begun = instant()
    await sleep(CALM)
    this.#usual = shareUsed({ used: this.#fleet.used(), limit: LIMIT }, begun, begun + CALM)
    const names = Object.keys(this.#kinds).filter((name) => this.#plan.faults?.includes(name) ?? true)
    for (const end = instant() + length; instant() < end && names.length > 0;) {
      const [what, at] = [names[Math.floor(this.#random() * names.length)]!, Math.floor(this.#random() * WORKERS)]
      const from = instant()
      const worker = this.#fleet.workers.indexOf(this.#workers[at]!)
      const all = await this.#kinds[what]!(at)
      this.#faults.push({ what, worker: all === 'all' ? -1 : worker, from, to: instant() })
      await this.#keysEnd()
      await sleep(100 + this.#random() * 600)
    }
    await this.#tidy()
    return this.#judge(instant())
  }

  /** What can happen, to the worker at a place or to all. One thing at a time: what several do together proves less. */
  readonly #kinds: Readonly<Record<string, (at: number) => Promise<'one' | 'all'>>> = {
    kill: async (at) => {
      await this.#workers[at]!.kill()
      this.#roads[at]!.end()
      this.#tampered += this.#roads[at]!.tampered
      await this.#start(at)
      return 'one'
    },
    partition: async (at) => {
      const ways = [['up', 'down'] as const, ['up'] as const, ['down'] as const]
      this.#roads[at]!.close(ways[Math.floor(this.#random() * 3)])
      await sleep(200 + this.#random() * LEASE * 1.5)
      this.#roads[at]!.open()
      return 'one'
    },
    freeze: async (at) => {
      const { child } = this.#workers[at]!
      child.kill('SIGSTOP')
      await sleep(100 + this.#random() * (this.#random() < 0.5 ? 300 : LEASE * 1.5))
      child.kill('SIGCONT')
      return 'one'
    },
    stall: async () => {
      this.#server.signal('SIGSTOP')
      await sleep(200 + this.#random() * LEASE * 1.2)
      this.#server.signal('SIGCONT')
      return 'all'
    },
    'restart empty': async () => {
      await this.#server.kill()
      this.#server.forget()
      await this.#server.start()
      return 'all'
    },
    'restart with what it knew': async () => {
      await this.#admin.sendCommand(['SAVE']).catch(() => {})
      await this.#server.kill()
      await this.#server.start()
      return 'all'
    },
    'restart with old data': async () => {
      await this.#admin.sendCommand(['SAVE']).catch(() => {})
      await sleep(200 + this.#random() * 1500)
      await this.#server.kill()
      await this.#server.start()
      return 'all'
    },
    'flush data': async () => {
      await this.#admin.flushAll()
      return 'all'
    },
    'flush scripts': async () => {
      await this.#admin.scriptFlush()
      return 'all'
    },
    'lost, late and repeated messages': async () => {
      for (const road of this.#roads) road.tampering = { lost: 0.2, twice: 0.2, late: 0.3, upTo: LEASE * 1.2 }
      await sleep(500 + this.#random() * 1500)
      for (const road of this.#roads) road.tampering = undefined
      return 'all'
    },
  }

  async #start(at: number): Promise<void> {
    const random = seeded(this.#plan.seed * 100 + this.#fleet.workers.length)
    const road = await Road.open(this.#server.port, random)
    this.#roads[at] = road
    // Two classes, two clients, two clocks that are wrong.
    const priority = at % 2 === 0 ? 2 : 3
    const skew = [10_000, -10_000, 0, 0][at]!
    const { orders } = this.#plan
    this.#workers[at] = this.#fleet.add({
      port: road.port,
      priority,
      loops: priority === 3 ? 3 : 8,
      skew,
      client: at === 3 ? 'ioredis' : 'node-redis',
      ...(typeof orders === 'function' ? orders(at) : orders),
    })
  }

  async #keysEnd(): Promise<void> {
    const { keys, ends } = await ttlsOf(this.#admin)
    for (const [at, ttl] of ends.entries()) if (ttl === -1) this.#note('every key ends', `${keys[at]} does not`)
  }

  /** Nothing more is done to anybody. */
  async #tidy(): Promise<void> {
    for (const road of this.#roads) {
      road.open()
      this.#tampered += road.tampered
    }
    this.#server.signal('SIGCONT')
    await until('the server answers', () => this.#admin.ping().then(Boolean, () => false))
  }

  async #judge(calm: number): Promise<Findings> {
    const from = calm + LEASE + 500
    await sleep(from + CALM - instant())
    const share = shareUsed({ used: this.#fleet.used(), limit: LIMIT }, from, from + CALM)
    // What a machine that is busy costs, it cost before.
    if (share < 0.95 * this.#usual)
      this.#note('used again', `${(share * 100).toFixed(1)} % of the limit; ${this.#beliefs()}`)
    await this.#quiet()
    const history: History = {
      limit: LIMIT,
      lease: LEASE,
      strict: this.#plan.order === 'strict',
      maxWait: MAX_WAIT,
      used: this.#fleet.used(),
      asked: this.#fleet.asked(),
      faults: this.#faults,
      standstills: this.#fleet.standstills(),
    }
    for (const what of over(history)) this.#note('never over', what)
    for (const what of waitersWithoutEnd(history)) this.#note('every waiter ends', what)
    for (const what of fencesThatFell(history)) this.#note('fences only rise', what)
    for (const what of inversions(history)) this.#note('order', what)
    const { asked } = history
    const count = (fate: string): number => asked.filter((each) => each.fate === fate).length
    return {
      violations: this.#found,
      faults: this.#faults,
      ...peakBeyondExcuse(history),
      grants: count('granted'),
      refusals: count('refused'),
      used: share,
      tampered: this.#tampered,
    }
  }

  /** What the coordinator believes, what members believe and what is true are one, when nothing moves. */
  async #quiet(): Promise<void> {
    for (const worker of this.#workers) worker.tell('hold')
    await sleep(400)
    const beliefs = (): number[] => [
      this.#fleet.running(),
      this.#workers.reduce((sum, { state }) => sum + (state?.held ?? 0), 0),
      ...this.#workers.flatMap(({ state }) => (state === undefined || state.held === 0 ? [] : [state.fleet.used])),
    ]
    const agree = await settled(() => beliefs().every((belief) => belief === LIMIT), 1500)
    if (!agree) this.#note('granted less returned is the truth', `in use: ${beliefs().join(', ')}, of ${LIMIT}`)
    for (const worker of this.#workers) worker.tell('end')
    await settled(() => this.#fleet.running() === 0, 3000)
    const free = await this.#free()
    if (free !== LIMIT) this.#note('granted less returned is the truth', `${free} can be had when nobody uses any`)
    await this.#keysEnd()
  }

  /** How many slots can be had when nobody else wants any. */
  async #free(): Promise<number> {
    const coordinator = redisSlots(nodeRedis(this.#admin), { key: 'the fleet', lease: LEASE })
    const gate = fleetSlots({ coordinator, limit: LIMIT, onDown: 'closed', order: this.#plan.order })
    const asked = Array.from({ length: LIMIT }, () => gate.acquire({ maxWait: 2 * LEASE + 1000 }))
    const got = (await Promise.allSettled(asked)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    for (const permit of got) permit.release('success')
    gate.close()
    return got.length
  }

  /** What each member holds, uses and keeps waiting, and what Redis last told it is in use in how many sessions. */
  #beliefs(): string {
    return this.#workers
      .map(({ state }) => {
        if (state === undefined) return 'not begun'
        const { held, inflight, queued, fleet } = state
        return `${held}/${inflight}/${queued} of ${fleet.used} in ${fleet.sessions}`
      })
      .join(', ')
  }

  /** Ten of a kind at most: the first says it. */
  #note(invariant: string, what: string): void {
    if (this.#found.filter((one) => one.startsWith(invariant)).length < 10) this.#found.push(`${invariant}: ${what}`)
  }

  async end(): Promise<void> {
    await this.#fleet.stop()
    for (const road of this.#roads) road.end()
    this.#admin.destroy()
  }
}

let turn: Promise<void> = Promise.resolve()

/** One fleet after the other: processes that start leave nobody else any time, and what waits seems to be passed over. */
function inTurn(begin: () => Promise<void>): Promise<void> {
  const begun = turn.then(begin)
  turn = begun.catch(() => {})
  return begun
}

function connected(port: number) {
  return createClient({ RESP: 3, socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } }).on('error', () => {})
}

async function ttlsOf(admin: ReturnType<typeof connected>): Promise<{ keys: string[]; ends: number[] }> {
  const keys = await admin.keys('*')
  return { keys, ends: await Promise.all(keys.map((key) => admin.pTTL(key))) }
}

async function settled(holds: () => boolean, bound: number): Promise<boolean> {
  for (const end = instant() + bound; !holds(); await sleep(20)) if (instant() > end) return false
  return true
}
