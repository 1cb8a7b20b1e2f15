import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { playAborts } from './pool-aborts.ts'

/** Less than one call takes. */
const NOTHING = 400

describe('S2.4 calls given up in any phase, in virtual time (100,000 of them: npm run bench -- llm-pool --aborts)', () => {
  it('S2.4 leave no slot and no token behind', async () => {
    const { begun, waiting, left, slots, tokens } = await playAborts(1000, 7)
    assert.ok(waiting > begun / 50 && waiting < begun * 0.9, `${waiting} of ${begun} left while they waited`)
    assert.equal(left, 0)
    assert.equal(slots, 0)
    assert.ok(Math.abs(tokens) < NOTHING, `${tokens} tokens`)
  })

  it('S2.4 control: one that is forgotten now and then is seen', async () => {
    const { left, slots } = await playAborts(500, 7, 50)
    assert.ok(left > 0 && slots > 0, `${left} left, ${slots} slots`)
  })
})
