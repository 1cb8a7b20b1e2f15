import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, memorySlots } from '../../src/coordinate/index.ts'
import { INVARIANTS } from './slots-objections.ts'

/** Seeds with which one of them was once violated. */
const VIOLATED: Readonly<Record<string, readonly number[]>> = {
  'strict order is never turned round': [1003, 1015, 1104],
  'never over the limit, everybody is answered, counters are true, where messages are lost and members killed all the time':
    [14, 87, 136],
}

describe('slots of a fleet over a bad line', () => {
  it('is asked about what there is', () => {
    for (const name of Object.keys(VIOLATED)) assert.ok(name in INVARIANTS, name)
  })

  for (const [name, objection] of Object.entries(INVARIANTS))
    it(`S3.5 S1.13 ${name}`, async () => {
      for (const seed of [1, 2, ...(VIOLATED[name] ?? [])])
        assert.equal(await objection({ fleetSlots, memorySlots }, seed), undefined, `seed ${seed}`)
    })
})
