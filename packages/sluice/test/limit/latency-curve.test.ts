import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { aged, kneeOf, withSight, type Prior, type Sight } from '../../src/limit/latency-curve.ts'

/** A sight of so many in flight that took so many ms, known with this relative error. */
const sight = (inflight: number, latency: number, error = 0.03, at = 0): Sight => ({
  inflight: Math.log(inflight),
  latency: Math.log(latency),
  doubt: error ** 2,
  at,
})

/** What is seen of a service with so many workers: flat, then proportional. */
const service =
  (base: number, knee: number) =>
  (inflight: number, off = 0): Sight =>
    sight(inflight, base * Math.max(1, inflight / knee) * Math.exp(off))

const near = (is: number, should: number, within: number): void =>
  assert.ok(Math.abs(is - should) <= within, `${is} is not within ${within} of ${should}`)

const within = (value: number, least: number, most: number): void =>
  assert.ok(value >= least && value <= most, `${value} is not from ${least} to ${most}`)

describe('S1.3 the knee of a latency curve', () => {
  it('is recovered, with its base, from sights that are all up to two standard deviations off', () => {
    const offs = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 7, maxLength: 7 })
    fc.assert(
      fc.property(
        fc.double({ min: 3, max: 300, noNaN: true }),
        fc.double({ min: 0.3, max: 5000, noNaN: true }),
        offs,
        (knee, base, off) => {
          const seen = service(base, knee)
          const curve = [0.4, 0.55, 0.7, 1, 1.4, 2, 2.8].map((times, at) => seen(knee * times, 0.03 * off[at]!))
          const found = kneeOf(curve, null, Math.log(knee))
          near(found.inflight, Math.log(knee), 0.2)
          near(found.base, Math.log(base), 0.1)
          assert.ok(found.least <= found.inflight && found.inflight <= found.most)
          assert.ok(found.least > -Infinity && found.most < Infinity)
        },
      ),
      { seed: 3, numRuns: 300 },
    )
  })

  it('is found to within half a step of the grid where nothing is noisy, and says so', () => {
    const seen = service(50, 20)
    const found = kneeOf(
      [5, 10, 15, 20, 30, 40].map((level) => seen(level)),
      null,
      Math.log(20),
    )
    near(found.inflight, Math.log(20), Math.log(1.1) / 2)
    near(found.base, Math.log(50), 0.03)
    near(found.least, Math.log(20), 2.01 * Math.log(1.1))
    near(found.most, Math.log(20), 2.01 * Math.log(1.1))
    assert.ok(found.misfit < 3, `${found.misfit}`)
  })

  it('may lie anywhere above while no queueing was seen', () => {
    const found = kneeOf([sight(5, 50), sight(10, 50), sight(20, 50)], null, Math.log(20))
    assert.equal(found.most, Infinity)
    assert.ok(found.least >= Math.log(15), `${found.least}`)
    near(found.base, Math.log(50), 0.02)
  })

  it('queueing is seen for sure from two standard deviations on', () => {
    const most = (rise: number): number =>
      kneeOf([sight(5, 50), sight(10, 50), sight(20, 50 * Math.exp(rise))], null, Math.log(20)).most
    // Without queueing a misfit of rise² × ⅔ ÷ 0.03².
    assert.equal(most(0.055), Infinity)
    assert.equal(most(0.07), Infinity)
    assert.ok(most(0.08) < Infinity)
  })

  it('knees within one standard deviation explain it nearly as well', () => {
    const found = kneeOf([sight(10, 50, 0.1), sight(40, 100, 0.1)], null, Math.log(20))
    const spread = Math.sqrt(2) * 0.1
    within(Math.log(20) - found.least, spread - Math.log(1.1), spread + Math.log(1.1))
    within(found.most - Math.log(20), spread - Math.log(1.1), spread + Math.log(1.1))
  })

  it('may lie anywhere below while nothing but queueing was seen', () => {
    const found = kneeOf([sight(20, 100), sight(40, 200), sight(80, 400)], null, Math.log(40))
    assert.equal(found.least, -Infinity)
    assert.ok(found.most <= Math.log(25), `${found.most}`)
  })

  it('one alone has nobody to wait for: from there on down nothing is unknown', () => {
    const found = kneeOf([sight(1.2, 60), sight(4, 200), sight(8, 400)], null, Math.log(4))
    assert.ok(found.least >= 0, `${found.least}`)
    // Half in flight on average is no half of a worker.
    assert.ok(kneeOf([sight(0.5, 60), sight(8, 400)], null, 0).inflight >= 0)
  })

  it('is open on both sides after a single sight, and a wider one with more doubt', () => {
    const one = kneeOf([sight(20, 100)], null, Math.log(20))
    assert.deepEqual([one.least, one.most], [-Infinity, Infinity])
    const width = (error: number): number => {
      const found = kneeOf(
        [5, 10, 40, 80].map((level) => sight(level, 50 * Math.max(1, level / 20), error)),
        null,
        3,
      )
      return found.most - found.least
    }
    assert.ok(width(0.2) > width(0.05) + 0.1, `${width(0.2)} ${width(0.05)}`)
  })

  it('a belief about the base tells what only queueing was seen of', () => {
    const queueing = [sight(30, 75), sight(60, 150)]
    const prior: Prior = { latency: Math.log(50), doubt: 0.03 ** 2 }
    const found = kneeOf(queueing, prior, Math.log(30))
    near(found.inflight, Math.log(20), 0.1)
    assert.ok(found.least > -Infinity && found.most < Infinity)
    // … as far as it is certain.
    assert.equal(kneeOf(queueing, { ...prior, doubt: 1 }, Math.log(30)).least, -Infinity)
  })

  it('the base is a mean weighted by certainty, and a belief that does not fit is a misfit', () => {
    // With one in flight nobody queues: whatever the knee, it is the base.
    const alone = { ...sight(1, 50), doubt: 0.001 }
    const other = { ...sight(1, 50 * Math.E), doubt: 0.003 }
    near(kneeOf([alone, other], null, 0).base, Math.log(50) + 0.25, 1e-9)
    const prior: Prior = { latency: Math.log(50) + 0.2, doubt: 0.001 }
    const found = kneeOf([alone], prior, 0)
    near(found.base, Math.log(50) + 0.1, 1e-9)
    near(found.misfit, (0.1 ** 2 / 0.001) * 2, 1e-9)
  })

  it('foretells a level for every knee that explains what was seen: flat at best, at worst queueing from the lowest', () => {
    const flat = kneeOf([sight(10, 50), sight(20, 50)], null, Math.log(40))
    near(flat.quickest, Math.log(50), 0.02)
    near(flat.slowest, Math.log(50) + Math.log(40) - flat.least, 0.04)
    const queueing = kneeOf([sight(20, 100), sight(40, 200)], null, Math.log(10))
    near(queueing.quickest, Math.log(50), 0.03)
    near(queueing.slowest, Math.log(100), 0.1)
  })
})

describe('S1.3 what a latency curve remembers', () => {
  it('what was seen 5 s ago may be 3 % off for that alone, and age adds up', () => {
    const [old] = aged([sight(10, 50, 0.04)], 5000)
    near(old!.doubt, 0.04 ** 2 + 0.03 ** 2, 1e-12)
    assert.equal(old!.at, 5000)
    near(aged(aged([sight(10, 50)], 700), 1900)[0]!.doubt, aged([sight(10, 50)], 1900)[0]!.doubt, 1e-12)
  })

  it('forgets what is known no better than 35 %', () => {
    const curve = [sight(10, 50, 0)]
    const after = (ms: number): number => withSight(curve, sight(20, 50, 0.03, ms)).length
    const forgotten = (0.35 / 0.03) ** 2 * 5000
    assert.deepEqual([after(forgotten - 1), after(forgotten + 1)], [2, 1])
  })

  it('two sights of one level are averaged, each as it is certain, and are never certain beyond 2 %', () => {
    const equal = withSight([sight(10, 50)], sight(10.2, 55))
    assert.equal(equal.length, 1)
    near(equal[0]!.latency, Math.log(50 * 55) / 2, 1e-9)
    near(equal[0]!.inflight, Math.log(10 * 10.2) / 2, 1e-9)
    near(equal[0]!.doubt, 0.03 ** 2 / 2, 1e-9)
    const surer = withSight([sight(10, 50, 0.03)], sight(10, 55, 0.03 * Math.sqrt(3), 0))
    near(surer[0]!.latency, (3 * Math.log(50) + Math.log(55)) / 4, 1e-9)
    let curve: readonly Sight[] = []
    for (let count = 0; count < 100; count++) curve = withSight(curve, sight(10, 50))
    near(curve[0]!.doubt, 0.02 ** 2, 1e-12)
    assert.equal(withSight([sight(10, 50)], sight(10, 55, 0.03, 70))[0]!.at, 70)
  })

  it('levels are told apart from 4 % on', () => {
    assert.equal(withSight([sight(100, 50)], sight(103.9, 50)).length, 1)
    assert.equal(withSight([sight(100, 50)], sight(104.3, 50)).length, 2)
    assert.equal(withSight([sight(104.3, 50)], sight(100, 50)).length, 2)
  })

  it('keeps sixteen at most: the least certain goes', () => {
    let curve: readonly Sight[] = []
    for (let level = 1; level <= 16; level++) curve = withSight(curve, sight(2 ** level, 50, level === 5 ? 0.2 : 0.03))
    assert.equal(curve.length, 16)
    curve = withSight(curve, sight(3, 50))
    assert.equal(curve.length, 16)
    assert.ok(!curve.some(({ doubt }) => doubt > 0.1 ** 2))
    assert.ok(curve.some(({ inflight }) => inflight === Math.log(3)))
  })

  it('changes nothing it is given', () => {
    const before = Object.freeze([Object.freeze(sight(10, 50)), Object.freeze(sight(20, 50))])
    withSight(before, Object.freeze(sight(10, 60, 0.03, 100)))
    withSight(before, Object.freeze(sight(40, 60, 0.03, 100)))
    kneeOf(before, null, 3)
    assert.deepEqual(before, [sight(10, 50), sight(20, 50)])
  })
})
