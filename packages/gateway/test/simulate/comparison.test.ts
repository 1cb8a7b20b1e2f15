import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulate, type Scenario } from 'sluice/sim'
import { ConfigError } from '../../src/config/index.ts'
import { compare, limitChoice, type Progress } from '../../src/simulate/index.ts'
import { limitOf, withLimit } from '../../src/simulate/limit-choice.ts'

const RUSH: Scenario = {
  name: 'twice what eight workers can do',
  plant: { kind: 'workers', slots: 8, service: { kind: 'exponential', mean: 20 } },
  load: { phases: [{ lasts: 3000, times: 2 }] },
  clients: { timeout: 500 },
}

/** Predictable by hand: every 100 ms somebody comes, each takes 150 ms, one at a time. */
const METRONOME: Scenario = {
  name: 'metronome',
  plant: { kind: 'workers', slots: 1, service: 150 },
  load: { arrivals: 'even', phases: [{ lasts: 1000, rate: 10 }] },
  gate: { limit: 1 },
  every: 500,
}

describe('a comparison', () => {
  it('is the same, byte for byte, for the same seed, and not for another', () => {
    const json = (seed: number): string => JSON.stringify(compare(RUSH, { limits: ['adaptive', 'none'], seed }))
    assert.equal(json(5), json(5))
    assert.notEqual(json(5), json(6))
  })

  it('is what the simulator says, also when somebody watches', () => {
    const heard: Progress[] = []
    const { runs } = compare(RUSH, { limits: [], onProgress: (each) => heard.push(each) })
    assert.deepEqual(
      runs.map(({ report }) => report),
      [simulate(RUSH)],
    )
    assert.ok(heard.length > 50, `${heard.length} times`)
    assert.deepEqual(heard[0], { limit: 'adaptive', run: 1, of: 1, share: 0 })
    assert.ok(heard.at(-1)!.share > 0.95)
  })

  it('brings the same arrivals before every limit, and tells them apart by what came of it', () => {
    const { runs } = compare(RUSH, { limits: ['adaptive', 'fixed:8', 'none', 'none'] })
    assert.deepEqual(
      runs.map(({ limit }) => limit),
      ['adaptive', 'fixed:8', 'none'],
    )
    const [adaptive, fixed, none] = runs.map(({ report }) => report.total)
    assert.equal(new Set([adaptive!.offered, fixed!.offered, none!.offered]).size, 1)
    assert.ok(none!.refused === 0 && fixed!.refused > 0 && adaptive!.refused > 0)
    assert.ok(none!.goodput < fixed!.goodput)
  })

  it('has figures that can be worked out by hand', () => {
    const { runs } = compare(METRONOME, { limits: [] })
    const [{ report, limit } = assert.fail()] = runs
    assert.equal(limit, 'fixed:1')
    // Those at 100, 300, 500, 700 are let in and answered at 250, 450, 650, 850; that at 900 is let in; others refused.
    const { offered, admitted, answered, good, refused, rejected, goodput } = report.total
    assert.deepEqual(
      { offered, admitted, answered, good, refused, rejected, goodput },
      { offered: 9, admitted: 5, answered: 4, good: 4, refused: 4, rejected: { limit_exceeded: 4 }, goodput: 4 },
    )
    assert.deepEqual(
      report.series.points.map((point) => [point.at, point.offered, point.good, point.refused]),
      [
        [500, 4, 2, 2],
        [1000, 5, 2, 2],
      ],
    )
  })
})

describe('a limit', () => {
  it('is read, or refused with what there is', () => {
    for (const name of ['adaptive', 'aimd', 'vegas', 'gradient2', 'none', 'fixed:20'])
      assert.equal(limitChoice(name), name)
    for (const name of ['', 'fixed', 'fixed:', 'fixed:0', 'fixed:2.5', 'Adaptive', 'toString'])
      assert.throws(() => limitChoice(name), ConfigError, name)
  })

  it('takes the place of that of the scenario, and leaves queue and threshold alone', () => {
    const own = { ...RUSH, gate: { limit: { name: 'aimd', backoff: 0.7 }, queue: 'fair', threshold: 99 } }
    assert.equal(limitOf(own), 'aimd')
    assert.equal(withLimit(own, 'aimd'), own)
    assert.deepEqual(withLimit(own, 'fixed:7').gate, { limit: 7, queue: 'fair', threshold: 99 })
    assert.equal(withLimit(own, 'none').gate, 'none')
    assert.deepEqual(withLimit({ ...RUSH, gate: 'none' }, 'vegas').gate, { limit: 'vegas' })
    assert.equal(limitOf(RUSH), 'adaptive')
  })
})
