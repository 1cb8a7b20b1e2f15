import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulate, type GateData, type SimReport, type TenantsData } from '../../src/sim/index.ts'

/** Ten thousand tenants at twice what 200 slots can do; the first four seconds are not counted. */
function play(queue: NonNullable<Exclude<GateData, 'none'>['queue']>, tenants: Partial<TenantsData>): SimReport {
  return simulate(
    {
      name: 'tenants',
      plant: { kind: 'workers', slots: 200, service: { kind: 'gamma', mean: 100, cv: 0.6 } },
      load: { phases: [{ lasts: 40_000, times: 2 }], tenants: { count: 10_000, ...tenants } },
      bound: 1000,
      warmup: 4000,
      gate: { limit: 200, queue },
    },
    { seed: 1 },
  )
}

const WAYS: Readonly<Record<string, Partial<TenantsData>>> = {
  "by Zipf's law": { spread: 'zipf' },
  'by a flatter law': { spread: 'zipf', exponent: 0.7 },
  'by a steeper law': { spread: 'zipf', exponent: 1.3 },
  'ten of them half of all': { weights: Array.from({ length: 10 }, () => 999) },
  'all the same': {},
}

describe('S1.13 fair to ten thousand tenants', () => {
  for (const [way, tenants] of Object.entries(WAYS))
    it(`S1.13 who send ${way}: within 6 % of max-min fair, and nobody waits long`, () => {
      const { fairness, total } = play({ name: 'fair', standing: false }, tenants)
      assert.ok(fairness!.misplaced <= 0.06, `${fairness!.misplaced} misplaced`)
      assert.ok(total.share! >= 0.97, `${total.share} of what can be done`)
      assert.ok(total.latency.p99 <= 800, `p99 ${total.latency.p99} ms`)
    })

  it('S1.13 where it may stand within 10 % as well, and those who ask for too much wait', () => {
    const { fairness, total } = play('fair', WAYS["by Zipf's law"]!)
    assert.ok(fairness!.misplaced <= 0.1, `${fairness!.misplaced} misplaced`)
    assert.ok(total.latency.p99 > 1000, `p99 ${total.latency.p99} ms`)
  })

  it('control: first in, first out; and with few lines, which many have to share', () => {
    for (const queue of ['fifo', { name: 'fair', standing: false, lines: 256 }]) {
      const { fairness } = play(queue, WAYS["by Zipf's law"]!)
      assert.ok(fairness!.misplaced > 0.06, `${fairness!.misplaced} misplaced`)
    }
  })
})
