import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectedError, Rejection, seeded, systemClock } from 'sluice'
import type { LlmPool } from 'sluice/llm'
import type { Asker, LineRefusal } from '../../src/llm/line.ts'
import { ProviderLine } from '../../src/llm/provider-line.ts'
import type { Upstream } from '../../src/proxy/index.ts'

describe('S2.5 the line before a provider', () => {
  it('S2.5 those who are refused together are not told to come back together', async () => {
    const pool: Partial<LlmPool> = {
      acquire: () => Promise.reject(new RejectedError(new Rejection('queue_full', 'llm', 1, 1, 20_000))),
    }
    const parts = { models: new Set(['m']), upstream: {} as Upstream, clock: systemClock, random: seeded(1) }
    const line = new ProviderLine({ ...parts, pool: pool as LlmPool })
    const refusals: LineRefusal[] = []
    for (let count = 0; count < 20; count++)
      line.enter({
        tenant: '',
        priority: 2,
        size: { model: 'm', input: 1, maxOutput: 1, stream: false },
        expires: Infinity,
        granted: () => assert.fail('nobody is let in'),
        refused: (refusal) => refusals.push(refusal),
      } satisfies Asker)
    await new Promise((resolve) => setImmediate(resolve))
    const delays = refusals.map(({ delay }) => delay!)
    assert.equal(delays.length, 20)
    assert.ok(Math.min(...delays) >= 20_000 && Math.max(...delays) <= 25_000, `${Math.max(...delays)}`)
    assert.ok(Math.max(...delays) - Math.min(...delays) > 2500, 'spread')
  })
})
