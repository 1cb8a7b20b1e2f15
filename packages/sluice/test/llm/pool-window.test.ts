import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bench, limitsOf } from './pool-bench.ts'

it('S2.2 a limit that is watched by the second is used up, though the headers never tell of more left than that', async () => {
  // 600 a minute, ten at one instant: `remaining` is at most 10 of 600.
  const { clock, pool } = bench({ limits: [limitsOf({ rpm: 600, tpm: 1e9 })] })
  let [level, last, served, refused] = [10, clock.now(), 0, 0]
  const call = async (): Promise<void> => {
    const lease = await pool.acquire({ model: 'm', input: 10, maxOutput: 10 })
    const now = clock.now()
    level = Math.min(10, level + (now - last) / 100)
    last = now
    if (level < 1) refused++
    else level--
    served++
    const reset = `${Math.ceil((10 - level) * 100)}ms`
    const [limit, remaining] = ['600', String(Math.floor(level))]
    lease.heard({
      'x-ratelimit-limit-requests': limit,
      'x-ratelimit-remaining-requests': remaining,
      'x-ratelimit-reset-requests': reset,
    })
    lease.settle({ input: 10, output: 10 })
    return call()
  }
  for (let count = 0; count < 8; count++) void call().catch(() => undefined)
  await clock.pass(30_000)
  await pool.close()
  // 300 come back in 30 s. Without: 9.
  assert.ok(served > 270 && refused < 10, `${served} served, ${refused} of them too soon`)
})
