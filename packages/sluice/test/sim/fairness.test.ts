import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { maxMin } from '../../src/sim/fairness.ts'
import { simulate, type Scenario } from '../../src/sim/index.ts'

describe('fairness', () => {
  it('shares out max-min: small demands in full, the rest in equal parts', () => {
    assert.deepEqual([...maxMin([10, 1, 100, 4], 30)], [10, 1, 15, 4])
    assert.deepEqual([...maxMin([5, 5], 100)], [5, 5])
    assert.deepEqual([...maxMin([5, 5, 0], 4)], [2, 2, 0])
    assert.deepEqual([...maxMin([], 4)], [])
  })

  const scenario: Scenario = {
    name: 'hog',
    warmup: 2000,
    plant: { kind: 'workers', slots: 20, service: 50 },
    load: { phases: [{ lasts: 32_000, times: 3 }], tenants: { count: 10, weights: [27] } },
  }

  it('tells a queue that is fair to tenants from one that is not', () => {
    const fairly = simulate({ ...scenario, gate: { limit: 20, queue: { name: 'fair', capacity: 100 } } }).fairness!
    const blindly = simulate({ ...scenario, gate: { limit: 20, queue: { name: 'fifo', capacity: 100 } } }).fairness!
    assert.equal(fairly.tenants, 10)
    assert.equal(fairly.top[0]!.name, 'tenant-1')
    assert.ok(fairly.worst > 0.9 && fairly.jain > 0.99, `fair: worst ${fairly.worst}, Jain ${fairly.jain}`)
    assert.ok(blindly.worst < 0.6 && blindly.jain < 0.9, `fifo: worst ${blindly.worst}, Jain ${blindly.jain}`)
    assert.ok(fairly.misplaced < 0.05 && blindly.misplaced > 0.3, `misplaced ${fairly.misplaced}, ${blindly.misplaced}`)
  })

  it('draws ten thousand tenants as they were weighed', () => {
    const load = { phases: [{ lasts: 100_000, times: 2 }], tenants: { count: 10_000, spread: 'zipf' } } as const
    const { fairness, total } = simulate({ ...scenario, warmup: 0, load, gate: 'none' }, { top: 100 })
    let harmonic = 0
    for (let k = 1; k <= 10_000; k++) harmonic += 1 / k
    for (const [rank, { name, offered }] of fairness!.top.slice(0, 10).entries()) {
      const expected = total.offered / harmonic / (rank + 1)
      assert.ok(Math.abs(offered - expected) < 5 * Math.sqrt(expected), `${name}: ${offered}, expected ${expected}`)
    }
    assert.equal(fairness!.top.length, 100)
  })
})
