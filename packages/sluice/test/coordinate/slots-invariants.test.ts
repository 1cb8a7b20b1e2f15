import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, memorySlots } from '../../src/coordinate/index.ts'
import { INVARIANTS } from './slots-objections.ts'

/** Seeds with which the last of them was once violated. */
const VIOLATED = [14, 87, 136]

describe('slots of a fleet over a bad line', () => {
  for (const [at, [name, objection]] of Object.entries(INVARIANTS).entries())
    it(`S3.5 S1.13 ${name}`, async () => {
      const isLast = at === Object.keys(INVARIANTS).length - 1
      for (const seed of [1, 2, ...(isLast ? VIOLATED : [])])
        assert.equal(await objection({ fleetSlots, memorySlots }, seed), undefined, `seed ${seed}`)
    })
})
