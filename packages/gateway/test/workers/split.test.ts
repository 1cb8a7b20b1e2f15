import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { split } from '../../src/workers/split.ts'

const sum = (parts: readonly number[]): number => parts.reduce((all, part) => all + part, 0)

describe('split', () => {
  for (const [limit, wants, parts] of [
    [20, [0, 0], [10, 10]],
    [21, [0, 0], [10, 11]],
    [20, [20, 0], [20, 1]],
    [20, [300, 0], [20, 1]],
    [20, [100, 100], [10, 10]],
    [20, [300, 100], [15, 5]],
    [20, [8, 2], [13, 7]],
    [1, [5, 5, 0], [1, 1, 1]],
  ] as const)
    it(`${limit} for ${wants.join(', ')}`, () => assert.deepEqual(split(limit, wants), parts))

  it('never gives more than there is, but for the one that everybody may begin with, and leaves nothing over', () => {
    const random = seeded(7)
    const shown = (limit: number, wants: readonly number[]): string =>
      `${limit} for ${wants.join()}: ${split(limit, wants).join()}`
    for (let round = 0; round < 2000; round++) {
      const wants = Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() ** 3 * 200))
      const limit = 1 + Math.floor(random() * 100)
      const parts = split(limit, wants)
      assert.ok(parts.every((part) => Number.isInteger(part) && part >= 1))
      const beginners = parts.filter((part) => part === 1).length
      assert.ok(sum(parts) >= limit && sum(parts) <= limit + beginners, shown(limit, wants))
      if (sum(wants) <= limit && limit >= 2 * wants.length)
        for (const [at, want] of wants.entries()) assert.ok(parts[at]! >= want, shown(limit, wants))
    }
  })
})
