import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixed, limiter, type LimitAlgorithm } from '../../src/index.ts'
import { simulate, type Scenario } from '../../src/sim/index.ts'

/** Three times what can be done, asked by clients who leave after less than twice what work takes. */
const impatient: Scenario = {
  name: 'impatient clients',
  bound: 500,
  plant: { kind: 'workers', slots: 20, service: { kind: 'gamma', mean: 50, cv: 0.6 } },
  load: {
    phases: [
      { lasts: 10_000, times: 0.7 },
      { lasts: 20_000, times: 3 },
      { lasts: 20_000, times: 3 },
    ],
  },
  clients: { timeout: 90 },
}

/** What they get of the capacity in the last 20 s, and the highest limit. */
function found(seed: number, limit?: LimitAlgorithm): { readonly share: number; readonly most: number } {
  const gate = limit === undefined ? limiter : (world: object) => limiter({ ...world, limit })
  const { phases, series } = simulate(impatient, { seed, gate })
  return { share: phases[2]!.share!, most: Math.max(...series.points.map((point) => point.limit!)) }
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

describe('S1.3 clients who leave before they are answered', () => {
  it('fault: all of them give up, nobody is a sample, and the limit stays where it is', () => {
    const runs = SEEDS.map((seed) => found(seed))
    const shares = runs.map(({ share }) => share)
    assert.ok(
      shares.every((share) => share >= 0.4),
      shares.join(),
    )
    assert.ok(shares.toSorted((a, b) => a - b)[4]! >= 0.65, shares.join())
    assert.ok(
      runs.every(({ most }) => most <= 60),
      runs.map(({ most }) => most).join(),
    )
  })

  it('control: before a limit of 40 that does not move the service works for those who have gone', () => {
    for (const seed of SEEDS) assert.ok(found(seed, fixed(40)).share < 0.02)
  })
})
