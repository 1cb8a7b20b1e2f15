import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixed } from '../../src/index.ts'

describe('fixed', () => {
  it('takes whole numbers of at least 1', () => {
    assert.equal(fixed(100).init().limit, 100)
    for (const limit of [0, -1, 1.5, Number.NaN, Infinity])
      assert.throws(() => fixed(limit), { name: 'RangeError', message: /^fixed\.limit/ })
  })
})
