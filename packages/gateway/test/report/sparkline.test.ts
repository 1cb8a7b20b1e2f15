import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sparkline, thinned } from '../../src/report/index.ts'

describe('a sparkline', () => {
  it('goes from nothing to the top, with gaps where nothing is known', () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8, 7), '▁▂▃▄▅▆▇█')
    assert.equal(sparkline([0, null, 9], 8, 7), '▁ █')
    assert.equal(sparkline([0, 0], 8, 0), '▁▁')
    assert.equal(sparkline([], 8, 1), '')
  })

  it('takes means where there is no room', () => {
    assert.deepEqual(thinned([1, 3, null, 5, null, null], 3), [2, 5, null])
    assert.equal(
      sparkline(
        Array.from({ length: 1000 }, () => 1),
        60,
        1,
      ).length,
      60,
    )
  })
})
