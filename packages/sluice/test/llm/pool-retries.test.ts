import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bench, limitsOf, small, within } from './pool-bench.ts'

const refusal = (headers: Readonly<Record<string, string>>): Error =>
  Object.assign(new Error('429'), { status: 429, headers })

describe('retries of a pool', () => {
  it('S2.2 overflow is asked as well where the next attempt is refused', async () => {
    const { clock, pool } = bench()
    const result = await within(
      clock,
      pool.run<string>(
        { ...small, maxWait: 5000 },
        () => {
          throw refusal({ 'retry-after': '3600' })
        },
        { overflow: ({ code }) => code },
      ),
    )
    assert.equal(result, 'rate_limited')
    await pool.close()
  })

  for (const times of [3, 6])
    it(`S2.2 ${times} refusals of an idle pool that name 20 ms cost little more than that`, async () => {
      const { clock, pool } = bench({ limits: [limitsOf()] })
      const begun = clock.now()
      let left = times
      const run = pool.run(
        small,
        () => {
          if (left-- > 0) throw refusal({ 'retry-after-ms': '20' })
          return clock.now()
        },
        { attempts: times + 1 },
      )
      const done = await within(clock, run, 60_000)
      assert.ok(done - begun < times * 100 + 100, `${done - begun} ms`)
      await pool.close()
    })
})
