import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryBuckets } from '../../src/coordinate/index.ts'
import { seeded } from '../../src/ground/index.ts'
import { llmPool, type LlmPool } from '../../src/llm/index.ts'
import { limitsOf } from './pool-bench.ts'
import { StepClock } from './step-clock.ts'

const REQUEST = { model: 'm', input: 500, maxOutput: 500 }

/** Processes that share 60,000 tokens a minute, each of whose callers always has one more of 1,000. */
async function busy(callers: readonly number[], quiet = 0): Promise<{ clock: StepClock; pools: readonly LlmPool[] }> {
  const clock = new StepClock()
  const store = memoryBuckets({ clock })
  const pools = callers.map((_, at) =>
    llmPool({ limits: [limitsOf()], clock, store, random: seeded(at + 1), wall: () => 0, queue: { maxWait: 1e9 } }),
  )
  // As long as nobody has to wait, what is let in says nothing.
  for (let second = 0; second < quiet; second++) {
    for (const pool of pools)
      for (let count = 0; count < 5; count++)
        void pool.acquire({ model: 'm', input: 1, maxOutput: 9 }).then((lease) => lease.settle({ input: 1, output: 9 }))
    await clock.pass(1000)
  }
  const caller = async (pool: LlmPool): Promise<void> => {
    for (;;) {
      const lease = await pool.acquire(REQUEST)
      await clock.sleep(500)
      lease.settle({ input: 500, output: 500 })
    }
  }
  for (const [at, pool] of pools.entries())
    for (let count = 0; count < callers[at]!; count++) caller(pool).catch(() => {})
  await clock.pass(quiet > 0 ? 10_000 : 120_000)
  return { clock, pools }
}

/** What is expected of one more, and what it becomes, in ms. */
async function foretold({ clock, pools }: Awaited<ReturnType<typeof busy>>, at: number): Promise<[number, number]> {
  const pool = pools[at]!
  const expected = pool.status()[0]!.expectedWait
  const since = clock.now()
  let waited = 0
  void pool.acquire(REQUEST).then((lease) => {
    waited = clock.now() - since
    lease.settle({ input: 500, output: 500 })
  })
  await clock.pass(300_000)
  await Promise.all(pools.map((each) => each.close()))
  return [expected, waited]
}

describe('S2.5 how long one would wait is told by what is let in here', () => {
  for (const [what, callers] of [
    ['alone', [20]],
    ['beside another process that has as many waiting', [20, 20]],
    ['beside one that has next to nothing', [20, 1]],
    ['beside three others', [20, 30, 40, 50]],
  ] as const)
    it(`S2.5 ${what}`, async () => {
      const [expected, waited] = await foretold(await busy(callers), 0)
      assert.ok(waited > 15_000, `${waited}`)
      assert.ok(Math.abs(expected / waited - 1) < 0.35, `${expected} ms expected, it was ${waited}`)
    })

  it('S2.5 also soon after a time in which nobody had to wait', async () => {
    const [expected, waited] = await foretold(await busy([20, 20], 60), 0)
    assert.ok(Math.abs(expected / waited - 1) < 0.35, `${expected} ms expected, it was ${waited}`)
  })
})
