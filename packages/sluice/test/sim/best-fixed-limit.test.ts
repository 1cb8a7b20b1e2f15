import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bestFixedLimit, simulate, type PlantData, type Scenario } from '../../src/sim/index.ts'

function overload(plant: PlantData, times = 3): Scenario {
  return { name: 'oracle', warmup: 1000, bound: 500, plant, load: { phases: [{ lasts: 11_000, times }] } }
}

describe('bestFixedLimit', () => {
  it('finds the slots of a pool, not more than needed', () => {
    const { limit, score, reports, tried } = bestFixedLimit(overload({ kind: 'workers', slots: 40, service: 50 }), {
      seeds: [1, 2],
    })
    assert.ok(limit >= 38 && limit <= 42, `limit ${limit}`)
    assert.ok(score > 0.97)
    assert.equal(reports.length, 2)
    assert.ok(tried.length <= 35, `tried ${tried.length}`)
    assert.ok(reports[0]!.total.latency.p99 < 60, 'and so nobody queues')
  })

  it('is the best there is: no limit of an exhaustive search is better', () => {
    const scenario = overload({ kind: 'workers', slots: 12, service: { kind: 'gamma', mean: 50, cv: 1 }, thrash: 0.05 })
    const found = bestFixedLimit(scenario, { tolerance: 0 })
    let best = 0
    for (let limit = 1; limit <= 60; limit++)
      best = Math.max(best, simulate({ ...scenario, gate: { limit, queue: 'none' } }).total.share!)
    assert.ok(found.score >= 0.99 * best, `found ${found.score} at ${found.limit}, exhaustive ${best}`)
  })

  it('takes a queue along, and another measure', () => {
    const scenario = overload({ kind: 'workers', slots: 40, service: 50 })
    const queue = { name: 'fifo', capacity: 20 }
    assert.ok(bestFixedLimit(scenario, { queue }).score > 0.99)
    const busiest = bestFixedLimit(scenario, { score: ({ total }) => total.answered, most: 10 })
    assert.equal(busiest.limit, 10)
    assert.throws(
      () => bestFixedLimit(scenario, { score: () => -1 }),
      /bestFixedLimit\.score: expected a number of at least 0/,
    )
  })

  it('finds one where nothing bounds the plant', () => {
    const plant: PlantData = { kind: 'dependency', delay: 100 }
    const scenario: Scenario = { name: 'slow', plant, load: { phases: [{ lasts: 5000, rate: 500 }] } }
    const { limit, score } = bestFixedLimit(scenario)
    assert.ok(limit >= 55 && limit < 120, `limit ${limit}`)
    assert.ok(score > 470)
  })
})
