import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { outcomeOf } from '../../src/http/index.ts'

describe('outcomeOf', () => {
  it('reads a status as an outcome', () => {
    const rows = [
      [200, 'success'],
      [101, 'success'],
      [304, 'success'],
      [404, 'success'],
      [428, 'success'],
      [429, 'ignored'],
      [430, 'success'],
      [499, 'success'],
      [500, 'failure'],
      [502, 'failure'],
      [503, 'dropped'],
      [504, 'dropped'],
      [505, 'failure'],
    ] as const
    for (const [status, outcome] of rows) assert.equal(outcomeOf(status), outcome, String(status))
  })
})
