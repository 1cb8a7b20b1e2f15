import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { createClient } from 'redis'
import { RejectedError, seeded } from '../../src/index.ts'
import { fleetSlots, ioRedis, nodeRedis, redisSlots, type RedisPort, type SlotPermit } from '../../src/redis/index.ts'

/** What one instance of a test's fleet is told, in JSON, as its only argument. */
export interface WorkerOrders {
  readonly port: number
  readonly log: string
  readonly limit: number
  readonly loops: number
  readonly lease: number
  readonly seed: number
  /** How long a slot is used, in ms: at least, and how much more at most. */
  readonly hold: readonly [number, number]
  /** How long one of ten is used instead, in ms; 0 for like all. */
  readonly long: number
  readonly mode: 'share' | 'strict' | 'naive'
  readonly onDown: 'share' | 'open' | 'closed'
  readonly maxWait: number
  readonly client: 'node-redis' | 'ioredis'
  /** Whether work ends when its lease is lost. */
  readonly heeds: boolean
  /** How wrong the wall clock of this instance is, in ms. */
  readonly skew: number
  readonly priority: 0 | 1 | 2 | 3
  /**
   * What it does wrong, so that whoever checks its log can be seen to notice: never gives back one slot of ten, of five never
   * asks for what it says it waits for, counts fences itself, asks for less than it says, keeps a key for ever.
   */
  readonly wrong: readonly ('leaks' | 'forgets' | 'fences' | 'order' | 'eternal')[]
}

/** `hold`: what is granted from now on is kept; `end`: all is given back and nothing asked for. */
export type WorkerCommand = 'hold' | 'end'

// Whoever started it may be gone before it has begun.
process.once('disconnect', () => process.exit(0))
if (!process.connected) process.exit(0)

const orders = JSON.parse(process.argv[2]!) as WorkerOrders
const { port, limit, mode, skew, wrong } = orders
const wall = Date.now
Date.now = () => wall() + skew

const log = openSync(orders.log, 'a')
const random = seeded(orders.seed)

/** Written before anything else happens: a process that is killed has told everything. */
function note(event: '?' | '+' | '-' | 'x' | '~', work: number, more: string | number = ''): void {
  writeSync(log, `${process.hrtime.bigint()} ${event} ${work} ${more}\n`)
}

/** A machine that is busy holds a process up as a signal does: what it did meanwhile it could not help. */
function watchStandstill(): void {
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    if (now - last > 50) note('~', 0, now - last)
    last = now
  }, 10)
}

type NodeRedis = ReturnType<typeof createClient>

/** Only what it uses is loaded: there are many of these, and they start at once. */
async function connect(): Promise<{ port: RedisPort; client: NodeRedis | undefined }> {
  if (orders.client === 'ioredis') {
    const { Redis } = await import('ioredis')
    const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: null })
    redis.on('error', () => {})
    return { port: ioRedis(redis), client: undefined }
  }
  const redis = (await import('redis')).createClient({
    RESP: 3,
    socket: { port, host: '127.0.0.1', reconnectStrategy: 50 },
  })
  redis.on('error', () => {})
  await redis.connect()
  return { port: nodeRedis(redis), client: redis as unknown as NodeRedis }
}

let works = 0
/** What it has been told. */
const told = { holds: false, over: false }
let free: () => void = () => {}
const freed = new Promise<void>((resolve) => (free = resolve))

function length(): number {
  const [least, more] = orders.hold
  return orders.long > 0 && random() < 0.1 ? orders.long : least + random() * more
}

async function naive(client: NodeRedis): Promise<void> {
  while (!told.over) {
    if (Number((await client.get('active')) ?? 0) >= limit) {
      await sleep(5)
      continue
    }
    await client.incr('active')
    const work = ++works
    note('?', work, orders.priority)
    note('+', work)
    await sleep(length())
    note('-', work)
    await client.decr('active')
  }
}

async function fleet(): Promise<void> {
  const priority = wrong.includes('order') ? 0 : orders.priority
  while (!told.over) {
    const work = ++works
    note('?', work, orders.priority)
    if (wrong.includes('forgets') && work % 5 === 0) continue
    try {
      const permit = (await gate.acquire({ priority })) as SlotPermit
      note('+', work, wrong.includes('fences') ? work : permit.fence)
      const used = told.holds ? freed : Promise.race([sleep(length()), freed])
      note('-', work, await endOf(used, permit.signal))
      if (!wrong.includes('leaks') || work % 10 !== 0) permit.release('success')
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error
      note('x', work, error.code)
      await sleep(5)
    }
  }
}

/** How the work ended: by itself, or because its slot was lost. */
async function endOf(used: Promise<unknown>, signal: AbortSignal): Promise<'-' | '!'> {
  if (!orders.heeds) return used.then(() => '-' as const)
  if (signal.aborted) return '!'
  let lost: () => void = () => {}
  const lapse = new Promise<'!'>((resolve) => (lost = () => resolve('!')))
  signal.addEventListener('abort', lost, { once: true })
  return Promise.race([used.then(() => '-' as const), lapse]).finally(() => signal.removeEventListener('abort', lost))
}

const connected = await connect()
const coordinator = redisSlots(connected.port, { key: 'the fleet', lease: orders.lease })
const gate = fleetSlots({
  coordinator,
  limit,
  onDown: orders.onDown,
  order: mode === 'strict' ? 'strict' : 'share',
  maxWait: orders.maxWait,
})
process.on('message', (command: WorkerCommand) => {
  if (command === 'hold') told.holds = true
  else {
    told.over = true
    free()
  }
})
setInterval(() => process.send?.(gate.state), 50)
watchStandstill()
if (wrong.includes('eternal')) await connected.client?.set('for ever', '1')
for (let loop = 0; loop < orders.loops; loop++) void (mode === 'naive' ? naive(connected.client!) : fleet())
