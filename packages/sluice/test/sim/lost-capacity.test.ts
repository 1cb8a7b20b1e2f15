import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptive, limiter } from '../../src/index.ts'
import { simulate, type NamedFigures, type Point, type Scenario } from '../../src/sim/index.ts'

/** As examples/scenarios/capacity-drop.yaml: three of four workers are lost under a load that filled most of them. */
const quarter: Scenario = {
  name: 'capacity falls to a quarter',
  bound: 500,
  plant: { kind: 'workers', slots: 40, service: { kind: 'exponential', mean: 40 } },
  load: {
    phases: [
      { lasts: 15_000, times: 0.8 },
      { lasts: 15_000, times: 0.8 },
    ],
  },
  clients: { timeout: 2000 },
  changes: [{ at: 15_000, slots: 10 }],
}

/** Workers are plenty, and each piece of work takes four times as long from the middle on. */
const slower: Scenario = {
  name: 'a dependency four times slower',
  bound: 500,
  plant: { kind: 'workers', slots: 1000, service: { kind: 'exponential', mean: 40 } },
  load: {
    phases: [
      { lasts: 15_000, rate: 280 },
      { lasts: 15_000, rate: 280 },
    ],
  },
  changes: [{ at: 15_000, slowdown: 4 }],
}

/** What came of the second half. */
function afterwards(scenario: Scenario, seed: number, initial?: number): NamedFigures & { points: readonly Point[] } {
  const limit = adaptive(initial === undefined ? {} : { initial })
  const report = simulate(scenario, { seed, gate: (world) => limiter({ ...world, limit }) })
  return { ...report.phases[1]!, points: report.series.points.slice(15) }
}

const saysSlower = (points: readonly Point[]): boolean =>
  points.some(({ reasons }) => reasons['dependency slower'] !== undefined)
/** In the first seconds after the change, when nobody had been held back before it. */
const looksUp = (points: readonly Point[]): boolean =>
  points.slice(0, 3).some(({ reasons }) => reasons['first look'] !== undefined)
const highest = (points: readonly Point[]): number => Math.max(...points.map(({ limit }) => limit ?? Infinity))

describe('S1.3 lost workers are not a slow dependency', () => {
  // Those by whose luck three short windows said so, each from the first limit with which they did.
  for (const [seed, initial] of [
    [1, 10],
    [3, 10],
    [5, 20],
    [11, 20],
    [13, 20],
  ] as const)
    it(`fault: three of four workers lost, and the limit is let go: seed ${seed}, from ${initial}`, () => {
      const { points, goodput } = afterwards(quarter, seed, initial)
      assert.ok(!saysSlower(points), 'latency follows the limit')
      assert.ok(highest(points) <= 40, `a limit of ${highest(points)} for 10 workers`)
      assert.ok(goodput >= 0.8 * 250, `${goodput} of 250 a second`)
    })

  it('control: a dependency that really became slower is still seen to be', () => {
    const runs = [1, 2, 3, 4, 5].map((seed) => afterwards(slower, seed).points)
    // By luck the looks that find room may come first.
    assert.ok(runs.filter((points) => saysSlower(points) || looksUp(points)).length >= 4)
    for (const points of runs) {
      // 280 a second, each of which takes 160 ms.
      assert.ok(highest(points) > 60, `a limit of ${highest(points)}`)
      const refused = points.slice(-5).reduce((sum, point) => sum + point.refused, 0)
      assert.ok(refused <= 0.02 * 5 * 280, `${refused} refused in the last five seconds`)
    }
  })
})
