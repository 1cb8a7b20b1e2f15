import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from '../../src/index.ts'
import {
  bimodal,
  checkScenario,
  constant,
  exponential,
  gamma,
  lognormal,
  pareto,
  sampled,
  type ServiceTime,
} from '../../src/sim/index.ts'

interface Shape {
  readonly mean: number
  readonly cv: number
  /** The share of draws above ten times the mean. */
  readonly far: number
}

function shapeOf(service: ServiceTime, draws = 200_000): Shape {
  const random = seeded(7)
  let sum = 0
  let squares = 0
  let far = 0
  for (let draw = 0; draw < draws; draw++) {
    const took = service(random)
    assert.ok(took >= 0 && Number.isFinite(took))
    sum += took
    squares += took * took
    if (took > 10 * service.mean) far++
  }
  const mean = sum / draws
  return { mean, cv: Math.sqrt(squares / draws - mean * mean) / mean, far: far / draws }
}

function near(actual: number, expected: number, share: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= share * Math.abs(expected), `${what}: ${actual}, expected ${expected}`)
}

describe('service times', () => {
  const cases: [name: string, service: ServiceTime, mean: number, cv: number][] = [
    ['constant', constant(50), 50, 0],
    ['exponential', exponential(50), 50, 1],
    ['gamma, regular', gamma(50, 0.6), 50, 0.6],
    ['gamma, irregular', gamma(50, 2), 50, 2],
    ['lognormal', lognormal(50, 1.5), 50, 1.5],
    ['bimodal', bimodal({ quick: 10, slow: 500 }), 34.5, (Math.sqrt(0.05 * 0.95) * 490) / 34.5],
    ['sampled', sampled([10, 20, 60]), 30, Math.sqrt(1400 / 3) / 30],
  ]
  for (const [name, service, mean, cv] of cases)
    it(`${name}: has the mean and the spread it says`, () => {
      const shape = shapeOf(service)
      near(service.mean, mean, 1e-9, 'mean said')
      near(shape.mean, mean, 0.02, 'mean drawn')
      near(shape.cv, cv, 0.05, 'cv')
    })

  it('pareto: its tail falls as a power of the length, where an exponential one is long gone', () => {
    const heavy = shapeOf(pareto(50, 1.5))
    // P(> 10 × mean) = (least / (10 × mean))^1.5, with least = mean / 3.
    near(heavy.far, Math.exp(1.5 * Math.log(1 / 30)), 0.1, 'beyond ten times the mean')
    near(heavy.mean, 50, 0.1, 'mean')
    const light = shapeOf(exponential(50))
    assert.ok(light.far < heavy.far / 50, `control: exponential ${light.far}, pareto ${heavy.far}`)
  })

  it('refuses what is no distribution, naming it', () => {
    assert.throws(() => constant(-1), /constant\.mean: expected a number of at least 0, got -1/)
    assert.throws(() => gamma(50, 0), /gamma\.cv/)
    assert.throws(
      () => bimodal({ quick: 1, slow: 2, share: 2 }),
      /bimodal\.share: expected a number from 0 to 1, got 2/,
    )
    assert.throws(() => pareto(50, 1), /pareto\.index/)
    assert.throws(() => sampled([]), /sampled\.values/)
    assert.throws(
      () =>
        checkScenario({
          name: 'x',
          plant: { kind: 'workers', slots: 1, service: { kind: 'gamma', mean: 5 } },
          load: { phases: [] },
        }),
      /^RangeError: plant\.service\.cv: expected a number from 0\.001 to 1000, got undefined$/,
    )
  })
})
