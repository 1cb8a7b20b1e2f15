import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, systemRandom } from '../../src/ground/index.ts'

describe('seeded', () => {
  it('gives the numbers of mulberry32, on every platform', () => {
    const random = seeded(1)
    const first = Array.from({ length: 4 }, () => Math.round(random() * 2 ** 32))
    // Of the reference implementation, seed 1.
    assert.deepEqual(first, [2_693_262_067, 11_749_833, 2_265_367_787, 4_213_581_821])
  })

  it('gives the same again for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seeded(seed))
    assert.deepEqual(draw(7), draw(7))
    assert.notDeepEqual(draw(7), draw(8))
    assert.deepEqual(draw(-1), draw(2 ** 32 - 1))
  })

  it('is uniform in [0, 1)', () => {
    const random = seeded(42)
    const counts = Array.from({ length: 10 }, () => 0)
    for (let count = 0; count < 100_000; count++) {
      const value = random()
      assert.ok(value >= 0 && value < 1)
      counts[Math.floor(value * 10)]!++
    }
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, String(counts))
  })
})

describe('systemRandom', () => {
  it('is in [0, 1)', () => {
    const value = systemRandom()
    assert.ok(value >= 0 && value < 1)
  })
})
