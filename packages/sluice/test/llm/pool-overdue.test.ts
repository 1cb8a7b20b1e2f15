import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LlmLease } from '../../src/llm/index.ts'
import { bench, limitsOf, MINUTE, small, within } from './pool-bench.ts'

const limits = [limitsOf({ concurrency: 1 })]

describe('S2.1 a lease nobody ends', () => {
  it('S2.1 gives its slot back after a quarter of an hour of silence, keeps its charge, and is seen', async () => {
    const told: LlmLease[] = []
    const { clock, pool } = bench({ limits, queue: { maxWait: 1e9 }, onOverdue: (lease) => told.push(lease) })
    const forgotten = await within(clock, pool.acquire(small))
    const next = pool.acquire(small)
    await clock.pass(14 * MINUTE)
    assert.equal(pool.status()[0]!.oldest, 14 * MINUTE + 1000)
    assert.equal(pool.status()[0]!.queued, 1, 'it may still come')
    await clock.pass(9 * MINUTE)
    assert.deepEqual(told, [forgotten])
    const { overdue, unknown, inflight } = pool.status()[0]!
    assert.deepEqual({ overdue, unknown, inflight }, { overdue: 1, unknown: 1, inflight: 1 })
    forgotten.settle({ input: 1, output: 1 })
    assert.equal(pool.status()[0]!.inflight, 1, 'what is said too late changes nothing')
    ;(await next).settle({ input: 100, output: 100 })
    assert.equal(pool.status()[0]!.oldest, 0)
    await pool.close()
  })

  it('S2.1 one of which something is heard is alive, however long it takes', async () => {
    const { clock, pool } = bench({ limits, onOverdue: () => assert.fail('it is alive') })
    const lease = await within(clock, pool.acquire(small))
    for (let minutes = 0; minutes < 120; minutes += 10) {
      lease.produced(minutes + 1)
      await clock.pass(10 * MINUTE)
    }
    lease.settle()
    await pool.close()
  })

  it('S2.1 is only told of, where it is to keep its slot', async () => {
    let told = 0
    const overdue = { after: 10_000, policy: 'hold' } as const
    const { clock, pool } = bench({ limits, overdue, onOverdue: () => told++ })
    await within(clock, pool.acquire(small))
    await clock.pass(10 * MINUTE)
    assert.equal(told, 1)
    assert.equal(pool.status()[0]!.inflight, 1)
    await pool.close()
  })

  it('S2.1 by itself the process is warned once for each model', async () => {
    const warnings: unknown[] = []
    const listen = (warning: Error & { code?: string }): unknown => warnings.push(warning.code, warning.message)
    process.on('warning', listen)
    const { clock, pool } = bench({ limits: [limitsOf()], overdue: { after: 10_000 } })
    for (let count = 0; count < 2; count++) await within(clock, pool.acquire(small))
    await clock.pass(MINUTE)
    // Warnings are told in a turn of their own.
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', listen)
    assert.equal(pool.status()[0]!.overdue, 2)
    assert.equal(warnings.length, 2)
    assert.equal(warnings[0], 'SLUICE_LEASE_OVERDUE')
    assert.match(String(warnings[1]), /call of m has not ended.* 10 s/)
    await pool.close()
  })
})
