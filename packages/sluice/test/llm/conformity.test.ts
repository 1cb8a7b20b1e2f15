import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from '../../src/ground/index.ts'
import { ConformityCheck } from '../../src/llm/conformity.ts'
import { chargeAtStart, type ChargeMode } from '../../src/llm/charging.ts'
import { provider } from '../../src/llm/index.ts'
import { ordinaryCall, playLoad } from './pool-load.ts'
import { SCENES } from './pool-scenes.ts'

const openai = SCENES['openai']!
const MODES: readonly ChargeMode[] = ['reserve-max', 'reserve-sum', 'reserve-refund', 'actual']
const LIMIT = 400_000

/** Requests that come alone, each after its provider's bucket is full again: what is judged after each of them. */
function alone(assumed: ChargeMode, truth: ChargeMode, overlap = 0): readonly (ChargeMode | undefined)[] {
  const check = new ConformityCheck(MODES, 'counts')
  const random = seeded(3)
  return Array.from({ length: 20 }, (_, at) => {
    const { input, maxOutput, output } = ordinaryCall(random)
    const asked = { input, maxOutput, reserved: maxOutput, cacheRead: 0, predicted: 0 }
    check.began(asked)
    const remaining = LIMIT - chargeAtStart(truth, 'counts', asked)
    const reading = { limit: LIMIT, remaining, rate: LIMIT / 60_000, overlap, delay: 200 }
    const isNews = check.read(reading, at * 120_000)
    check.ended(asked, { input, output }, 0)
    return isNews ? check.judge(assumed).fits : undefined
  })
}

describe('S2.2 how soon a way of counting is found', () => {
  it('S2.2 of requests that come one by one, after rests in which nobody knows what came back, nine are enough', () => {
    assert.equal(alone('reserve-sum', 'reserve-max')[8], 'reserve-max')
    assert.equal(alone('reserve-max', 'actual')[8], 'actual')
    assert.equal(
      alone('reserve-max', 'reserve-sum').find((fits) => fits !== undefined && fits !== 'reserve-max'),
      'reserve-sum',
    )
  })

  it('S2.2 the right one is not doubted, and nothing is said of what may have been others', () => {
    for (const mode of MODES.slice(0, 2)) assert.deepEqual(new Set(alone(mode, mode)), new Set([undefined, mode]), mode)
    assert.deepEqual(new Set(alone('reserve-sum', 'reserve-max', 5000)), new Set([undefined]))
  })

  it('S2.2 a load that does not open with a burst is understood within 100 answers', async () => {
    for (const assumed of MODES)
      for (const [truth, counts] of [
        ['reserve-max', 'max'],
        ['actual', 'actual'],
      ] as const) {
        let [served, found] = [(): number => 0, 0]
        const { pools } = await playLoad({
          scene: {
            ...openai,
            limits: () => provider.openai({ model: 'm', rpm: 20_000, tpm: LIMIT, modes: { tokens: assumed } }),
            truth: () => {
              const { requests, tokens } = openai.truth()
              return { requests: requests!, tokens: { ...tokens!, counts } }
            },
          },
          processes: 1,
          callers: 24,
          duration: 30_000,
          warmUp: 30_000,
          seed: 2,
          made: (_, __, model) => (served = () => model.served),
          pool: { onMode: () => (found = served()) },
        })
        const { mode } = pools[0]!.status()[0]!.budgets.tokens!
        assert.equal(mode, truth, `told ${assumed}`)
        assert.ok(found <= 100, `told ${assumed}, ${truth} after ${found}`)
      }
  })

  it('S2.2 sixteen processes that charge too much find it out', async () => {
    const { utilization, refused } = await playLoad({
      scene: {
        ...openai,
        limits: () => provider.openai({ model: 'm', rpm: 20_000, tpm: LIMIT, modes: { tokens: 'reserve-sum' } }),
      },
      processes: 16,
      callers: 320,
      warmUp: 90_000,
      duration: 60_000,
      seed: 1,
    })
    assert.ok(utilization >= 0.9, `${utilization}`)
    assert.equal(refused, 0)
  })
})
