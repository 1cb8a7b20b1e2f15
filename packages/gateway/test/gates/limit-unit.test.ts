import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Arrival } from 'sluice'
import { memoryBuckets, memorySlots } from 'sluice/redis'
import type { LanesConfig, LimitPlan, TenantsConfig } from '../../src/config/index.ts'
import { limitUnit, type LimitUnit } from '../../src/gates/index.ts'

const LANES: LanesConfig = { shares: { critical: 10, high: 40, normal: 40, low: 10 }, rules: [] }
const PLAN: LimitPlan = {
  kind: 'fixed',
  permits: 1,
  queue: { capacity: 1000, maxWait: 60_000 },
  by: 'all',
  fleet: { onDown: 'closed', order: 'share', instances: 0 },
}

/** A limit of the fleet, kept in this process. */
function unitOf(lanes: LanesConfig | undefined, fair: boolean): LimitUnit {
  const slots = memorySlots()
  const store = { slots: () => slots, buckets: () => memoryBuckets(), nameOf: String, release: async () => {} }
  const tenants = { from: 'address', fair, max: 10 } as unknown as TenantsConfig
  return limitUnit('all', PLAN, { lanes, tenants, store, observer: {} })
}

/** Lets in one after the other, and says in which order. */
function served({ gate }: LimitUnit, arrivals: readonly (Arrival & { readonly name: string })[]): string[] {
  const said: string[] = []
  const ends: (() => void)[] = []
  for (const { name, ...arrival } of [{ name: 'first' }, ...arrivals])
    gate.enter(arrival, (verdict) => {
      said.push(name)
      if (verdict.admitted) ends.push(() => verdict.release('success'))
    })
  for (let end = ends.shift(); end !== undefined; end = ends.shift()) end()
  return said.slice(1)
}

const many = (name: string, arrival: Arrival): (Arrival & { name: string })[] =>
  Array.from({ length: 30 }, () => ({ name, ...arrival }))

describe('a limit of the fleet', () => {
  it('S3.6 gives each lane its share, and takes the two classes below normal for one lane', async () => {
    const unit = unitOf(LANES, true)
    const all = [...many('high', { priority: 3 }), ...many('low', { priority: 0 }), ...many('lower', { priority: 1 })]
    const order = served(unit, all)
    const until = order.lastIndexOf('high')
    const low = order.slice(0, until).filter((name) => name !== 'high').length
    assert.ok(low >= 2 && low <= 4, `${low} of the low lane before the last high one`)
    assert.deepEqual(new Set(order.slice(until + 1, until + 11)), new Set(['low']))
    assert.deepEqual(unit.lanes, LANES.shares)
    await unit.close()
  })

  it('S3.6 control: without lanes the more important class is next as long as it waits', async () => {
    const unit = unitOf(undefined, true)
    const order = served(unit, [...many('high', { priority: 3 }), ...many('low', { priority: 0 })])
    assert.equal(order.indexOf('low'), 30)
    assert.equal(unit.lanes, undefined)
    await unit.close()
  })

  it('S1.13 lets tenants take turns within a lane, unless it is told not to', async () => {
    for (const [fair, first] of [
      [true, 1],
      [false, 30],
    ] as const) {
      const unit = unitOf(LANES, fair)
      const order = served(unit, [...many('noisy', { flow: 'noisy' }), ...many('quiet', { flow: 'quiet' })])
      assert.equal(order.indexOf('quiet') <= first && order.indexOf('quiet') > first - 2, true, order.join())
      await unit.close()
    }
  })
})
