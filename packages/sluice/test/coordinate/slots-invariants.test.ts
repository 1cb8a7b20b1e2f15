import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetSlots, memorySlots } from '../../src/coordinate/index.ts'
import { INVARIANTS } from './slots-objections.ts'

describe('slots of a fleet over a bad line', () => {
  for (const [name, objection] of Object.entries(INVARIANTS))
    it(`S3.5 S1.13 ${name}`, async () => {
      for (let seed = 1; seed <= 2; seed++)
        assert.equal(await objection({ fleetSlots, memorySlots }, seed), undefined, `seed ${seed}`)
    })
})
