// One process of a fleet: takes as much as it can get of some tenants' buckets for a while, and says what it got.
import { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/index.ts'
import { fleetBuckets, ioRedis, redisBuckets } from '../../src/redis/index.ts'

/** What it is told to do: the first argument, in JSON. */
export interface FleetOrder {
  readonly port: number
  readonly name: string
  readonly tenants: number
  /** Tokens a second, and how many at once. */
  readonly rate: number
  readonly capacity: number
  /** How long, in ms; 0 for until it is ended. */
  readonly duration: number
  /** By how much its clock is ahead, in ms. */
  readonly ahead: number
  /** True where its clock is set back and forth by that, three times a second. */
  readonly jumps: boolean
}

/** What it says: tokens it was let in with, with the ms of the machine's clock; once it has begun, nothing. */
export interface FleetReport {
  readonly log: readonly (readonly [at: number, tokens: number])[]
  readonly calls: number
  readonly down: number
}

const { port, name, tenants, rate, capacity, duration, ahead, jumps } = JSON.parse(process.argv[2]!) as FleetOrder
const client = new Redis({ port, host: '127.0.0.1' })
client.on('error', () => {})
/** By how much it is ahead now: where it jumps, behind as often. */
const lead = (): number => (jumps && Math.floor(systemClock.now() / 333) % 2 === 0 ? -ahead : ahead)
if (ahead !== 0) {
  const { now } = Date
  Date.now = () => now() + lead()
}
const gate = fleetBuckets({
  name,
  buckets: { tokens: { tokens: rate, capacity } },
  coordinator: redisBuckets(ioRedis(client)),
  onDown: 'closed',
  // On a busy machine the server may take its time: this is not about who gives up when.
  deadline: 5000,
  clock: { ...systemClock, now: () => systemClock.now() + lead() },
})
/** The same axis in every process. */
const machine = (): number => Number(process.hrtime.bigint()) / 1e6

const log: [number, number][] = []
let total = 0
let down = 0
process.on('message', () => process.send!({ log: [], calls: total, down } satisfies FleetReport))
for (const end = duration === 0 ? Infinity : machine() + duration; machine() < end; await sleep(1)) {
  let got = 0
  for (let tenant = 0; tenant < tenants; tenant++)
    for (let tries = 0; tries < 20; tries++) {
      const verdict = gate.tryEnter({ flow: `tenant ${tenant}` })
      if (verdict.admitted) got++
      else if (verdict.code === 'breaker_open') down++
    }
  total += got
  if (got > 0 && duration > 0) log.push([machine(), got])
}
await gate.close()
process.send!({ log, calls: gate.state.calls, down } satisfies FleetReport)
client.disconnect()
process.disconnect()
