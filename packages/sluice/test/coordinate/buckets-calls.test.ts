import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from '../../src/index.ts'
import { fleetBuckets, memoryBuckets } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUCKETS, Line, pass, turn } from './buckets-rig.ts'

const PROCESSES = 40
const TENANTS = 10_000

describe('S3.5 forty processes and ten thousand tenants', () => {
  it('S3.5 say less than 5 things a second each while little happens, and nothing while nothing does', async () => {
    const clock = new VirtualClock(0)
    const memory = memoryBuckets({ clock })
    const random = seeded(4)
    const lines = Array.from({ length: PROCESSES }, () => new Line(memory, clock))
    const gates = lines.map((coordinator) =>
      fleetBuckets({ buckets: BUCKETS, coordinator, onDown: 'closed', clock, random }),
    )
    const calls = (): number => lines.reduce((sum, line) => sum + line.calls, 0)
    // Each of them has seen its part of the tenants, and four times as many that others see too.
    for (let tenant = 0; tenant < TENANTS; tenant++)
      for (let copy = 0; copy < 5; copy++)
        gates[(tenant + copy * 7) % PROCESSES]!.tryEnter({ flow: `tenant ${tenant}`, cost: 10 })
    await turn()
    await pass(clock, 1000, 50)
    assert.equal(memory.tenants, TENANTS)
    assert.ok(gates.every((gate) => gate.state.tenants >= (5 * TENANTS) / PROCESSES))

    const idle = calls()
    await pass(clock, 60_000, 1000)
    assert.equal(calls() - idle, 0, 'nobody comes: nothing is said')

    // Two arrivals a second at each, of any tenant.
    const before = calls()
    let admitted = 0
    for (let second = 0; second < 20; second++)
      for (let half = 0; half < 2; half++) {
        const entered = gates.map((gate) =>
          gate.acquire({ flow: `tenant ${Math.floor(random() * TENANTS)}`, cost: 10, maxWait: 10 }),
        )
        await turn()
        await pass(clock, 500, 50)
        for (const permit of await Promise.all(entered)) {
          admitted++
          permit.release('success', 8)
        }
      }
    await pass(clock, 1000, 50)
    const each = (calls() - before) / 20 / PROCESSES
    assert.equal(admitted, 40 * PROCESSES)
    assert.ok(each < 5, `${each} calls a second each`)
    assert.ok(each >= 2, 'the check counts')
    await Promise.all(gates.map((gate) => gate.close()))
  })
})
