import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkNumber, checkWhole } from '../../src/ground/index.ts'

describe('checks', () => {
  it('let through what is in range', () => {
    assert.equal(checkNumber('a', 0.5, 0, 1), 0.5)
    assert.equal(checkWhole('a', 3, 1), 3)
  })

  it('name field, value and what was expected', () => {
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => checkNumber('a.b', -1, 0), 'a.b: expected a number of at least 0, got -1'],
      [() => checkNumber('a.b', Number.NaN, 0, 1), 'a.b: expected a number from 0 to 1, got NaN'],
      [() => checkNumber('a.b', '5', 0), 'a.b: expected a number of at least 0, got "5"'],
      [() => checkNumber('a.b', Infinity, 0), 'a.b: expected a number of at least 0, got Infinity'],
      [() => checkWhole('a.b', 1.5, 1), 'a.b: expected a whole number of at least 1, got 1.5'],
      [() => checkWhole('a.b', 9, 1, 8), 'a.b: expected a whole number from 1 to 8, got 9'],
      [() => checkWhole('a.b', undefined, 1), 'a.b: expected a whole number of at least 1, got undefined'],
    ]
    for (const [attempt, message] of cases) assert.throws(attempt, { name: 'RangeError', message })
  })
})
