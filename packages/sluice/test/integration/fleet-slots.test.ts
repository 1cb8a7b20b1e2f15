import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { instant, meanOf, peakOf } from './fleet-slots-rig.ts'
import { FleetStage, LEASE, LIMIT } from './fleet-slots-stage.ts'
import { noRedis } from './redis-server.ts'
import { until } from './waiting.ts'

describe('slots of a fleet', { skip: noRedis }, () => {
  const stage = new FleetStage()

  for (const mode of ['share', 'strict'] as const)
    it(`S3.5 ${mode}: never over the limit, and all of it is used`, async () => {
      for (let count = 0; count < 4; count++) stage.fleet.add({ mode, hold: [20, 30] })
      await stage.fleet.busy()
      const from = instant()
      await sleep(1500)
      const used = stage.fleet.used()
      assert.equal(peakOf(used), LIMIT)
      const mean = meanOf(used, from, from + 1400)
      assert.ok(mean > (mode === 'share' ? 0.75 : 0.6) * LIMIT, `in use on average: ${mean}`)
      for (const key of await stage.admin.keys('*')) assert.ok((await stage.admin.pttl(key)) > 0, `no end to ${key}`)
    })

  it('control: the naive design goes over in the same harness', async () => {
    for (let count = 0; count < 4; count++) stage.fleet.add({ mode: 'naive' })
    await stage.fleet.busy()
    await sleep(1000)
    assert.ok(peakOf(stage.fleet.used()) > LIMIT)
  })

  it('S3.5 a killed instance loses its slots to the others within its lease and half a second', async () => {
    for (let count = 0; count < 4; count++) stage.fleet.add()
    await stage.fleet.busy()
    const victim = stage.fleet.add({ loops: 20, hold: [60_000, 0] })
    await until('it holds some', () => stage.fleet.used().some(({ worker, to }) => worker === 4 && to === Infinity))
    await victim.kill()
    const from = victim.killed + LEASE + 500
    await sleep(LEASE + 1500)
    const used = stage.fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const mean = meanOf(used, from, from + 900)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 clocks that are ten seconds wrong change nothing', async () => {
    stage.fleet.add({ skew: 10_000 })
    stage.fleet.add({ skew: -10_000 })
    stage.fleet.add()
    await stage.fleet.busy()
    const worked = (who: number): number => stage.fleet.used().filter(({ worker }) => worker === who).length
    // On a busy machine one of them may not have started yet.
    await until('all three work', () => sleep(50).then(() => [0, 1, 2].every((who) => worked(who) > 20)))
    await sleep(LEASE + 500)
    assert.equal(peakOf(stage.fleet.used()), LIMIT)
  })

  it('S3.5 whoever waits is told, and does not ask', async () => {
    stage.fleet.add({ loops: LIMIT, hold: [60_000, 0] })
    await stage.fleet.busy()
    stage.fleet.add()
    await sleep(300)
    await stage.admin.config('RESETSTAT')
    await sleep(1000)
    const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await stage.admin.info('commandstats'))?.[1] ?? 0)
    assert.ok(calls > 0 && calls <= 14, `${calls} calls in a second of two instances, of which eight arrivals wait`)
  })
})
