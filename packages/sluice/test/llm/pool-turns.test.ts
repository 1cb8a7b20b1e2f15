import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RejectedError } from '../../src/ground/index.ts'
import type { LlmRequest } from '../../src/llm/index.ts'
import { isRefused, MINUTE, small, takeAll, warmed, within } from './pool-bench.ts'

describe('S2.3 llmPool: who is next', () => {
  it('S2.3 the most important first, and those sent back before those who are new', async () => {
    const made = await warmed()
    await takeAll(made, { model: 'm', input: 900, maxOutput: 100 })
    const order: string[] = []
    const ask = (name: string, priority: 0 | 1 | 2 | 3): void =>
      void made.pool.acquire({ ...small, priority }).then((lease) => {
        order.push(name)
        if (name !== 'sent back' || lease.attempt > 0) return
        lease.refused({ status: 429, headers: { 'retry-after-ms': '100' } })
        void lease.again().then(({ attempt }) => order.push(`again ${attempt}`))
      })
    ask('low', 0)
    await made.clock.pass(1)
    ask('sent back', 2)
    ask('plain', 2)
    ask('high', 3)
    await made.clock.pass(20_000)
    assert.deepEqual(order, ['high', 'sent back', 'again 1', 'plain', 'low'])
  })

  it('S2.3 is bounded: the newest of the greedy goes first, and a quiet tenant comes in', async () => {
    const made = await warmed({ queue: { max: 10, maxWait: 1e6 } })
    await takeAll(made, { model: 'm', input: 9900, maxOutput: 100 }, 5)
    const codes: string[] = []
    const ask = (tenant: string, priority: 1 | 2 = 2): void =>
      made.pool.acquire({ model: 'm', input: 40_000, maxOutput: 100, tenant, priority }).then(
        () => codes.push(`${tenant} in`),
        (error: unknown) => codes.push(`${tenant} ${(error as RejectedError).code}`),
      ) as unknown as void
    for (let count = 0; count < 11; count++) ask('greedy')
    await made.clock.pass(1)
    assert.deepEqual(codes, ['greedy queue_full'])
    ask('quiet')
    await made.clock.pass(1)
    assert.deepEqual(codes.at(-1), 'greedy evicted')
    ask('greedy', 1)
    await made.clock.pass(1)
    assert.deepEqual(codes.at(-1), 'greedy queue_full')
    assert.ok(made.pool.pressure.value.level > 1)
    await made.pool.close()
    await made.clock.pass(1)
    assert.equal(codes.filter((code) => code.endsWith('closed')).length, 10)
    await assert.rejects(made.pool.acquire(small), isRefused('closed'))
  })

  it('S2.3 refuses at once what cannot begin in time, offers another way, and lets go of who leaves', async () => {
    const made = await warmed()
    await takeAll(made, { model: 'm', input: 900, maxOutput: 100 })
    const late: LlmRequest = { model: 'm', input: 20_000, maxOutput: 100, deadline: made.clock.now() + 3000 }
    const refused = await made.pool.acquire(late).catch((error: unknown) => error)
    assert.ok(isRefused('deadline')(refused))
    assert.ok((refused as RejectedError).rejection.retryAfter! > 10_000)
    assert.equal(await made.pool.run(late, () => 'model', { overflow: () => 'batch' }), 'batch')
    const impatient = made.pool.acquire({ model: 'm', input: 20_000, maxOutput: 100, maxWait: 500 })
    await assert.rejects(within(made.clock, impatient), isRefused('queue_timeout'))
    const leaving = new AbortController()
    const gone = made.pool.acquire({ model: 'm', input: 20_000, maxOutput: 100, signal: leaving.signal })
    await made.clock.pass(10)
    assert.equal(made.pool.status()[0]!.queued, 1)
    leaving.abort(new Error('left'))
    await assert.rejects(gone, /left/)
    assert.equal(made.pool.status()[0]!.queued, 0)
    await assert.rejects(made.pool.acquire({ ...small, signal: AbortSignal.abort(new Error('before')) }), /before/)
  })

  it('S2.3 for whom, how urgent and until when come along with whatever is awaited', async () => {
    const made = await warmed()
    await takeAll(made, { model: 'm', input: 900, maxOutput: 100 })
    const order: string[] = []
    const ask = async (name: string): Promise<void> => {
      await Promise.resolve()
      await made.pool.acquire(small)
      order.push(`${name} ${made.pool.context.tenant ?? '-'}`)
    }
    void ask('plain')
    void made.pool.with({ tenant: 'acme', priority: 3 }, () => ask('important'))
    made.pool.with({ deadline: 5, priority: 1 }, () =>
      made.pool.with({ deadline: 9 }, () => assert.deepEqual(made.pool.context, { deadline: 5, priority: 1 })),
    )
    await made.clock.pass(5000)
    assert.deepEqual(order, ['important acme', 'plain -'])
    assert.throws(
      () => made.pool.with({ priority: 9 as 3 }, () => 0),
      /request\.priority: expected 0, 1, 2 or 3, got 9/,
    )
  })
})

describe('S2.1 llmPool: run', () => {
  it('S2.2 owns the retries: at the time the provider says, as often as is allowed', async () => {
    const made = await warmed()
    let calls = 0
    const since = made.clock.now()
    const error = Object.assign(new Error('429'), { status: 429, headers: new Headers({ 'retry-after-ms': '2000' }) })
    const done = made.pool.run(
      small,
      (lease) => {
        calls++
        if (lease.attempt < 2) throw error
        return made.clock.now() - since
      },
      { usageOf: () => ({ input: 100, output: 50 }) },
    )
    const took = await within(made.clock, done, 60_000)
    assert.ok(calls === 3 && took >= 4000 && took < 20_000, `${calls} calls, ${took} ms`)
    await assert.rejects(
      within(
        made.clock,
        made.pool.run(small, () => Promise.reject(error)),
        MINUTE,
      ),
      /429/,
    )
    await assert.rejects(
      within(
        made.clock,
        made.pool.run(small, () => Promise.reject(new TypeError('a fault of ours'))),
        MINUTE,
      ),
      /a fault of ours/,
    )
    assert.equal(made.pool.status()[0]!.inflight, 0)
  })
})
