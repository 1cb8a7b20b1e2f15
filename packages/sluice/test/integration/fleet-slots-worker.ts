import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { RejectedError, seeded } from '../../src/index.ts'
import { fleetSlots, nodeRedis, redisSlots, type SlotPermit } from '../../src/redis/index.ts'

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
  readonly mode: 'share' | 'strict' | 'naive'
  readonly onDown: 'share' | 'open' | 'closed'
  /** Whether work ends when its lease is lost. */
  readonly heeds: boolean
  /** How wrong the wall clock of this instance is, in ms. */
  readonly skew: number
  readonly priority: 0 | 1 | 2 | 3
}

const orders = JSON.parse(process.argv[2]!) as WorkerOrders
const { port, limit, mode, skew } = orders
const wall = Date.now
Date.now = () => wall() + skew

const log = openSync(orders.log, 'a')
const random = seeded(orders.seed)

/** Written before anything else happens: a process that is killed has told everything. */
function note(event: '+' | '-' | '!', work: number, more: string | number = ''): void {
  writeSync(log, `${process.hrtime.bigint()} ${event} ${work} ${more}\n`)
}

const client = createClient({ RESP: 3, socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } })
client.on('error', () => {})
await client.connect()
let works = 0
const length = (): number => orders.hold[0] + random() * orders.hold[1]

async function naive(): Promise<void> {
  for (;;) {
    if (Number((await client.get('active')) ?? 0) >= limit) {
      await sleep(5)
      continue
    }
    await client.incr('active')
    const work = ++works
    note('+', work)
    await sleep(length())
    note('-', work)
    await client.decr('active')
  }
}

async function fleet(): Promise<void> {
  const { priority } = orders
  for (;;) {
    try {
      const permit = (await gate.acquire({ priority })) as SlotPermit
      const work = ++works
      note('+', work, permit.fence)
      const ended = await sleep(length(), undefined, orders.heeds ? { signal: permit.signal } : {}).then(
        () => '-' as const,
        () => '!' as const,
      )
      note('-', work, ended)
      permit.release('success')
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error
      await sleep(5)
    }
  }
}

const coordinator = redisSlots(nodeRedis(client), { key: 'the fleet', lease: orders.lease })
const gate = fleetSlots({
  coordinator,
  limit,
  onDown: orders.onDown,
  order: mode === 'strict' ? 'strict' : 'share',
  maxWait: 10_000,
})
const report = setInterval(() => process.send?.(gate.state), 50)
process.once('disconnect', () => {
  clearInterval(report)
  process.exit(0)
})
for (let loop = 0; loop < orders.loops; loop++) void (mode === 'naive' ? naive() : fleet())
