import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { Fleet, instant, meanOf, peakOf } from './fleet-slots-rig.ts'
import { noRedis, RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const LIMIT = 8
const LEASE = 1000

function connected(port: number) {
  return createClient({ RESP: 3, socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } }).on('error', () => {})
}

describe('slots of a fleet', { skip: noRedis }, () => {
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

  for (const mode of ['share', 'strict'] as const)
    it(`S3.5 ${mode}: never over the limit, and all of it is used`, async () => {
      for (let count = 0; count < 4; count++) fleet.add({ mode, hold: [20, 30] })
      await fleet.busy()
      const from = instant()
      await sleep(1500)
      const used = fleet.used()
      assert.equal(peakOf(used), LIMIT)
      const mean = meanOf(used, from, from + 1400)
      assert.ok(mean > (mode === 'share' ? 0.75 : 0.6) * LIMIT, `in use on average: ${mean}`)
      for (const key of await admin.keys('*')) assert.ok((await admin.pTTL(key)) > 0, `no end to ${key}`)
    })

  it('control: the naive design goes over in the same harness', async () => {
    for (let count = 0; count < 4; count++) fleet.add({ mode: 'naive' })
    await fleet.busy()
    await sleep(1000)
    assert.ok(peakOf(fleet.used()) > LIMIT)
  })

  it('S3.5 a killed instance loses its slots to the others within its lease and half a second', async () => {
    for (let count = 0; count < 4; count++) fleet.add()
    await fleet.busy()
    const victim = fleet.add({ loops: 20, hold: [60_000, 0] })
    await until('it holds some', () => fleet.used().some(({ worker, to }) => worker === 4 && to === Infinity))
    await victim.kill()
    const from = victim.killed + LEASE + 500
    await sleep(LEASE + 1500)
    const used = fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const mean = meanOf(used, from, from + 900)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 clocks that are ten seconds wrong change nothing', async () => {
    fleet.add({ skew: 10_000 })
    fleet.add({ skew: -10_000 })
    fleet.add()
    await fleet.busy()
    await sleep(LEASE + 500)
    assert.equal(peakOf(fleet.used()), LIMIT)
    for (const worker of [0, 1, 2]) assert.ok(fleet.used().filter((work) => work.worker === worker).length > 20)
  })

  it('S3.5 whoever waits is told, and does not ask', async () => {
    fleet.add({ loops: LIMIT, hold: [60_000, 0] })
    await fleet.busy()
    fleet.add()
    await sleep(300)
    await admin.configResetStat()
    await sleep(1000)
    const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
    assert.ok(calls > 0 && calls <= 14, `${calls} calls in a second of two instances, of which eight arrivals wait`)
  })
})
