import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limiter, semaphore, type Gate, type Random } from '../../src/index.ts'
import type { VirtualClock } from '../../src/sim/index.ts'
import { constant, run, spread, type Phase, type PhaseResult, type RunOptions } from './rig.ts'

/** The default, untouched. */
const untuned = (clock: VirtualClock, random: Random): Gate => limiter({ clock, random })

function phase(options: Omit<RunOptions, 'phases'>, seconds: number, rate: number): PhaseResult {
  return run({ ...options, phases: [{ seconds, rate }] })[0]!
}

describe('S1.3 the default limiter before a service of 20 slots × 50 ms', () => {
  const capacity = 400
  const service = { slots: 20, service: constant(50), settle: 2 }

  for (const times of [1.2, 2, 5, 10])
    it(`keeps at least 95 % of capacity useful at ${times}×`, () => {
      const result = phase({ ...service, gate: untuned }, 12, capacity * times)
      assert.ok(result.goodput >= 0.95 * capacity, `goodput ${result.goodput} of ${capacity}`)
      assert.ok(result.p99 <= 300, `p99 ${result.p99} ms`)
      assert.ok(result.limit >= 20 && result.limit <= 40, `limit ${result.limit}`)
    })

  it('refuses nobody at 0.7×', () => {
    const result = phase({ ...service, settle: 0, gate: untuned }, 20, capacity * 0.7)
    assert.equal(result.rejected, 0)
  })

  it('control: without a gate next to nothing is useful at 2×', () => {
    const result = phase(service, 12, capacity * 2)
    assert.ok(result.goodput < 0.05 * capacity, `goodput ${result.goodput}`)
  })

  it('control: a limit of 400 with a long queue is no better than none', () => {
    const tooHigh = (clock: VirtualClock): Gate => semaphore({ permits: 400, clock })
    const result = phase({ ...service, gate: tooHigh }, 12, capacity * 2)
    assert.ok(result.goodput < 0.05 * capacity, `goodput ${result.goodput}`)
  })

  it('holds its limit for ten minutes at 2×: the base does not drift under a load that never pauses', () => {
    const phases: Phase[] = [
      { seconds: 60, rate: capacity * 2 },
      { seconds: 480, rate: capacity * 2 },
      { seconds: 60, rate: capacity * 2 },
    ]
    const [early, , late] = run({ ...service, phases, gate: untuned }) as [PhaseResult, PhaseResult, PhaseResult]
    assert.ok(Math.abs(late.limit - early.limit) <= 0.15 * early.limit, `limit ${early.limit} → ${late.limit}`)
    assert.ok(late.goodput >= 0.95 * capacity)
  })

  it('follows when capacity falls to a quarter, and when it comes back', () => {
    const phases: Phase[] = [
      { seconds: 10, rate: 360 },
      { seconds: 10, rate: 360, change: (plant) => void (plant.slots = 5) },
      { seconds: 4, rate: 360, change: (plant) => void (plant.slots = 20) },
      { seconds: 10, rate: 360 },
    ]
    const results = run({ ...service, phases, gate: untuned })
    assert.ok(results[1]!.goodput >= 0.9 * 100, `goodput at a quarter: ${results[1]!.goodput} of 100`)
    assert.ok(results[3]!.goodput >= 0.95 * 360, `goodput afterwards: ${results[3]!.goodput} of 360`)
  })
})

describe('S1.3 the same default before other services', () => {
  const services = [
    { name: '64 × 5 ms', slots: 64, mean: 5 },
    { name: '200 × 100 ms', slots: 200, mean: 100 },
    { name: '1 × 20 ms', slots: 1, mean: 20 },
  ]
  for (const { name, slots, mean } of services)
    for (const times of [2, 10])
      it(`${name}: at least 90 % of capacity useful at ${times}×`, () => {
        const capacity = (slots / mean) * 1000
        const options = { slots, service: spread(mean), settle: 3, gate: untuned }
        const goodputs = [1, 2, 3].map((seed) => phase({ ...options, seed }, 10, capacity * times).goodput)
        const goodput = goodputs.toSorted((a, b) => a - b)[1]!
        assert.ok(goodput >= 0.9 * capacity, `goodput ${goodputs.join(', ')} of ${capacity}`)
      })

  it('a dependency four times slower under the same load is not an overload', () => {
    const phases: Phase[] = [
      { seconds: 10, rate: 280 },
      { seconds: 4, rate: 280, change: (plant) => void (plant.service = () => 200) },
      { seconds: 10, rate: 280 },
    ]
    // Slots are plenty: it is slow, not full.
    const results = run({ slots: 1000, service: constant(50), phases, gate: untuned })
    const last = results[2]!
    assert.ok(last.rejected <= 0.02 * last.offered, `rejected ${last.rejected} of ${last.offered}`)
  })
})
