import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fixed, type LimitAlgorithm } from '../../src/index.ts'
import { neverForgets, onlyGrows } from '../gate/naive-limits.ts'
import { afterIdling, afterSlowingDown, isSensible, overload } from './in-service.ts'

// What whoever finds a limit must do before a service, each beside one that does not.

/** At twice what 20 and 200 slots can do. */
export function findsALimit(make: () => LimitAlgorithm, given: string = ''): void {
  for (const [slots, seeds] of [
    [20, [1, 2, 3]],
    [200, [1]],
  ] as const)
    it(`S1.3 finds a sensible limit for ${slots} slots at 2×${given}`, () => {
      for (const seed of seeds) {
        const result = overload(slots, make(), seed)
        assert.ok(isSensible(result, slots), JSON.stringify(result))
        assert.ok(!isSensible(overload(slots, fixed(100), seed), slots), 'control: a limit that is frozen')
      }
    })
}

/** Ten idle minutes leave the first limit as it is. */
export function staysWhileIdle(make: () => LimitAlgorithm): void {
  it('fault: an adaptive limit that only grows while the app is idle', () => {
    assert.equal(afterIdling(make()), make().init().limit)
    assert.ok(afterIdling(onlyGrows) > 1000, 'control')
  })
}

/** So many seconds after everything became three times as long the capacity is used again. */
export function forgets(make: () => LimitAlgorithm, seconds: number, given: string = ''): void {
  it(`fault: rttMin that never forgets${given}`, () => {
    const used = afterSlowingDown(make(), seconds)
    assert.ok(used >= 0.9, `${used} of the capacity`)
    const naive = afterSlowingDown(neverForgets, seconds)
    assert.ok(naive < 0.5, `control: ${naive} of the capacity`)
  })
}
