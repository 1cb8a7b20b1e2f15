import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { instant, meanOf, peakOf } from './fleet-slots-rig.ts'
import { FleetStage, LEASE, LIMIT } from './fleet-slots-stage.ts'
import type { WorkerOrders } from './fleet-slots-worker.ts'
import { noRedis } from './redis-server.ts'
import { until } from './waiting.ts'

describe('slots of a fleet under faults', { skip: noRedis }, () => {
  const stage = new FleetStage()

  const four = async (orders: Partial<WorkerOrders> = {}): Promise<void> => {
    for (let count = 0; count < 4; count++) stage.fleet.add(orders)
    await stage.fleet.busy()
  }

  it('S3.5 Redis killed with everything it knew: never over, and used again', async () => {
    await four()
    await stage.server.kill()
    await stage.server.start()
    const back = instant()
    await sleep(2 * LEASE + 1500)
    const used = stage.fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const from = back + LEASE + 1000
    const mean = meanOf(used, from, from + 1400)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 Redis standing still for longer than a lease, with work that heeds nothing', async () => {
    await four({ heeds: false, hold: [100, 1900] })
    stage.server.signal('SIGSTOP')
    await sleep(2 * LEASE)
    stage.server.signal('SIGCONT')
    const back = instant()
    await sleep(2600)
    const used = stage.fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const mean = meanOf(used, back + LEASE + 700, back + 2500)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 everything forgotten by a server that goes on: scripts, then data', async () => {
    await four()
    await stage.admin.script('FLUSH')
    await sleep(200)
    await stage.admin.flushall()
    const back = instant()
    await sleep(LEASE + 1500)
    const used = stage.fleet.used()
    assert.equal(peakOf(used), LIMIT)
    const from = back + LEASE + 500
    const mean = meanOf(used, from, from + 900)
    assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}`)
  })

  it('S3.5 a frozen instance is over for its own slots only, and ends them when it wakes', async () => {
    const frozen = stage.fleet.add({ loops: 20, hold: [60_000, 0] })
    await until('it holds all', () => stage.fleet.running() === LIMIT)
    const other = stage.fleet.add()
    frozen.child.kill('SIGSTOP')
    await until('the other has got the slots', () => stage.fleet.used().some(({ worker }) => worker === 1))
    await sleep(300)
    // Before, for it may have its first turn at once.
    const woken = instant()
    frozen.child.kill('SIGCONT')
    const turns = (): number[] =>
      stage.fleet.standstills().flatMap(({ worker, to }) => (worker === 0 && to > woken ? [to] : []))
    await until('it has had its first turn', () => turns().length > 0)
    await sleep(400)
    const used = stage.fleet.used()
    assert.equal(peakOf(used, turns()[0]! + 100), LIMIT, 'ended within 100 ms')
    const highest = Math.max(...used.filter((work) => work.worker === 0 && work.from < woken).map(({ fence }) => fence))
    const lowest = Math.min(...used.filter(({ worker }) => worker === 1).map(({ fence }) => fence))
    assert.ok(lowest > highest, 'whoever came later has the higher fence')
    assert.ok(other.state !== undefined && other.state.up)
  })
})
