import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { Fleet, instant, meanOf, peakOf } from './fleet-slots-rig.ts'
import type { WorkerOrders } from './fleet-slots-worker.ts'
import { noRedis, RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const LIMIT = 8
const LEASE = 1000

function connected(port: number) {
  return createClient({ RESP: 3, socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } }).on('error', () => {})
}

describe('slots of a fleet under faults', { skip: noRedis }, () => {
  let server: RedisServer
  let admin: ReturnType<typeof connected>
  let fleet: Fleet
  before(async () => {
    server = await RedisServer.start()
    admin = connected(server.port)
    await admin.connect()
  })
  after(async () => {
    admin.destroy()
    await server.stop()
  })
  beforeEach(() => {
    fleet = new Fleet({ port: server.port, limit: LIMIT, lease: LEASE })
  })
  afterEach(async () => {
    await fleet.stop()
    await admin.del(await admin.keys('*').then((keys) => [...keys, 'none']))
  })

  const four = async (orders: Partial<WorkerOrders> = {}): Promise<void> => {
    for (let count = 0; count < 4; count++) fleet.add(orders)
    await fleet.busy()
  }

  it('S3.5 Redis killed with everything it knew: never over, and used again', async () => {
    await four()
    await server.kill()
    await server.start()
    const back = instant()
    await sleep(2 * LEASE + 1500)
    const used = fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const from = back + LEASE + 1000
    const mean = meanOf(used, from, from + 1400)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 Redis standing still for longer than a lease, with work that heeds nothing', async () => {
    await four({ heeds: false, hold: [100, 1900] })
    server.signal('SIGSTOP')
    await sleep(2 * LEASE)
    server.signal('SIGCONT')
    const back = instant()
    await sleep(2600)
    const used = fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const mean = meanOf(used, back + LEASE + 700, back + 2500)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 everything forgotten by a server that goes on: scripts, then data', async () => {
    await four()
    await admin.scriptFlush()
    await sleep(200)
    await admin.flushAll()
    const back = instant()
    await sleep(LEASE + 1500)
    const used = fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const from = back + LEASE + 500
    const mean = meanOf(used, from, from + 900)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 a frozen instance is over for its own slots only, and ends them when it wakes', async () => {
    const frozen = fleet.add({ loops: 20, hold: [60_000, 0] })
    await until('it holds all', () => fleet.running() === LIMIT)
    const other = fleet.add()
    frozen.child.kill('SIGSTOP')
    await until('the other has got the slots', () => fleet.used().some(({ worker }) => worker === 1))
    await sleep(300)
    frozen.child.kill('SIGCONT')
    const woken = instant()
    await sleep(400)
    const used = fleet.used()
    assert.equal(peakOf(used, woken + 100), LIMIT, 'ended within 100 ms')
    const highest = Math.max(...used.filter((work) => work.worker === 0 && work.from < woken).map(({ fence }) => fence))
    const lowest = Math.min(...used.filter(({ worker }) => worker === 1).map(({ fence }) => fence))
    assert.ok(lowest > highest, 'whoever came later has the higher fence')
    assert.ok(other.state !== undefined && other.state.up)
  })
})
