import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from '../../src/index.ts'
import { bursts, even, poisson, ramp, steady, trace, type Arrivals } from '../../src/sim/index.ts'

function all(arrivals: Arrivals, seed = 3): number[] {
  const random = seeded(seed)
  const instants: number[] = []
  for (;;) {
    const at = arrivals.next(random)
    if (at === Infinity) return instants
    assert.ok(at >= (instants.at(-1) ?? 0), 'in order')
    instants.push(at)
  }
}

function between(instants: readonly number[], from: number, to: number): number {
  return instants.filter((at) => at >= from && at < to).length
}

describe('arrivals', () => {
  it('come at even distances, through steps, with nothing in a phase without any', () => {
    const instants = all(even([steady(10, 1000), steady(0, 500), steady(100, 100)]))
    assert.deepEqual(
      instants.slice(0, 9).map((at) => Math.round(at)),
      [100, 200, 300, 400, 500, 600, 700, 800, 900],
    )
    assert.equal(between(instants, 1000.001, 1500), 0)
    assert.ok(Math.abs(between(instants, 1500, 1600) - 10) <= 1)
  })

  it('come at random: counts vary as much as they are, gaps as much as they are long', () => {
    const instants = all(poisson([steady(200, 1_000_000)]))
    const counts = new Float64Array(1000)
    for (const at of instants) counts[Math.floor(at / 1000)]!++
    const mean = instants.length / 1000
    let squares = 0
    for (const count of counts) squares += (count - mean) ** 2
    assert.ok(Math.abs(mean - 200) < 2, `mean ${mean}`)
    const dispersion = squares / 1000 / mean
    assert.ok(Math.abs(dispersion - 1) < 0.15, `variance over mean ${dispersion}`)
    const regular = all(even([steady(200, 1_000_000)]))
    assert.ok(Math.abs(between(regular, 0, 1000) - 200) <= 1, 'control: even arrivals do not vary')
  })

  it('follow a ramp: as many in each part as its area holds', () => {
    const instants = all(even([ramp(0, 1000, 10_000), ramp(1000, 0, 10_000)]))
    for (let second = 0; second < 20; second++) {
      const middle = second < 10 ? second + 0.5 : 19.5 - second
      const found = between(instants, second * 1000, (second + 1) * 1000)
      assert.ok(Math.abs(found - middle * 100) <= 1.5, `second ${second}: ${found}`)
    }
  })

  it('come in bursts at the end of each period', () => {
    const course = bursts({ rate: 10, burst: 1000, every: 1000, on: 100, lasts: 5000 })
    const instants = all(even(course))
    for (let second = 0; second < 5; second++) {
      assert.ok(Math.abs(between(instants, second * 1000, second * 1000 + 900) - 9) <= 1)
      assert.ok(Math.abs(between(instants, second * 1000 + 900, second * 1000 + 1000) - 100) <= 1)
    }
  })

  it('come as recorded', () => {
    assert.deepEqual(all(trace([0, 5, 5, 17.5])), [0, 5, 5, 17.5])
    assert.throws(() => trace([3, 2]), /trace\[1\]: expected a number of at least 3, got 2/)
  })

  it('are the same for a seed and others for another', () => {
    const course = [steady(50, 10_000)]
    assert.deepEqual(all(poisson(course), 1), all(poisson(course), 1))
    assert.notDeepEqual(all(poisson(course), 1), all(poisson(course), 2))
  })
})
