import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { consecutive, failureRate } from '../../src/index.ts'

describe('S1.8 the rule: so many in a row', () => {
  it('S1.8 is met by five failures in a row, and by no success between them', () => {
    const rule = consecutive(5)
    for (let failure = 1; failure <= 4; failure++) assert.ok(!rule.record(false, 0))
    assert.ok(!rule.record(true, 0))
    for (let failure = 1; failure <= 4; failure++) assert.ok(!rule.record(false, 0), `after ${failure}`)
    assert.ok(rule.record(false, 0))
    assert.ok(!rule.timed, 'it costs no clock reading')
  })

  it('S1.8 forgets when the breaker closes', () => {
    const rule = consecutive(2)
    rule.record(false, 0)
    rule.reset()
    assert.ok(!rule.record(false, 0))
    assert.ok(rule.record(false, 0))
  })

  it('options out of range are named', () => {
    for (const failures of [0, 1.5, Number.NaN])
      assert.throws(() => consecutive(failures), { name: 'RangeError', message: /consecutive\.failures/ })
  })
})

const endings = fc.array(fc.record({ wait: fc.oneof(fc.nat({ max: 90 }), fc.nat({ max: 1500 })), ok: fc.boolean() }), {
  minLength: 1,
  maxLength: 80,
  size: 'max',
})

describe('S1.8 the rule: a failure rate', () => {
  for (const start of [0, 1e9, -700])
    it(`S1.8 is met exactly when the share within the last ten slices is reached, on a clock from ${start}`, () => {
      fc.assert(
        fc.property(endings, (script) => {
          const rule = failureRate({ threshold: 0.5, window: 1000, minimum: 4 })
          const seen: { readonly slice: number; readonly ok: boolean }[] = []
          let now = start
          for (const { wait, ok } of script) {
            now += wait
            const slice = Math.floor(now / 100)
            seen.push({ slice, ok })
            const recent = seen.filter((one) => one.slice > slice - 10)
            const failed = recent.filter((one) => !one.ok).length
            const expected = recent.length >= 4 && failed >= 0.5 * recent.length
            assert.equal(rule.record(ok, now), expected, `${failed} of ${recent.length} at ${now}`)
          }
        }),
        { numRuns: 300, seed: 18 },
      )
    })

  it('S1.8 a window shorter than any clock can tell is refused, rather than be counted through for ever', () => {
    assert.throws(() => failureRate({ window: 1e-9 }), { name: 'RangeError', message: /failureRate\.window/ })
    assert.ok(!failureRate({ window: 1 }).record(false, 1e9))
  })

  it('S1.8 forgets what is older than the window (control: within it the same is enough)', () => {
    for (const [pause, expected] of [
      [500, true],
      [1100, false],
    ] as const) {
      const rule = failureRate({ window: 1000, minimum: 4 })
      for (let failure = 0; failure < 3; failure++) rule.record(false, 5000)
      assert.equal(rule.record(false, 5000 + pause), expected, `after ${pause} ms`)
    }
  })

  it('S1.8 one of one is no rate', () => {
    const rule = failureRate()
    for (let failure = 1; failure < 20; failure++) assert.ok(!rule.record(false, failure), `${failure} of ${failure}`)
    assert.ok(rule.record(false, 20))
  })

  it('S1.8 a clock that goes back counts on, and forgets nothing', () => {
    const rule = failureRate({ window: 1000, minimum: 4 })
    for (let failure = 0; failure < 3; failure++) rule.record(false, 5000)
    assert.ok(rule.record(false, 1000))
    rule.record(true, 5000)
    rule.record(true, 5000)
    rule.record(true, 5000)
    assert.ok(rule.record(true, 5000), '4 of 8')
  })

  it('S1.8 forgets when the breaker closes', () => {
    const rule = failureRate({ minimum: 2 })
    rule.record(false, 0)
    rule.reset()
    assert.ok(!rule.record(false, 0))
    assert.ok(rule.record(false, 0))
  })

  it('options out of range are named', () => {
    for (const [options, field] of [
      [{ threshold: 0 }, /threshold/],
      [{ threshold: 1.1 }, /threshold/],
      [{ window: 0 }, /window/],
      [{ minimum: 0 }, /minimum/],
    ] as const)
      assert.throws(() => failureRate(options), { name: 'RangeError', message: field })
  })
})
