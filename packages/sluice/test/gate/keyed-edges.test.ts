import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker, consecutive, keyed, semaphore, series, tokenBucket, when, type Gate } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** A table of one, and somebody else who comes often and leaves at once. */
function crowd(gate: Gate): void {
  for (let time = 0; time < 1000; time++) {
    const verdict = gate.tryEnter({ flow: 'frequent' })
    // At no cost: else what they share would be spent.
    if (verdict.admitted) verdict.release('ignored', 0)
  }
}

const one = { maxKeys: 1, shared: 1 }

describe('S1.13 a key keeps its gate while forgetting it would change something', () => {
  it('S1.13 while somebody is in it', () => {
    const gate = keyed(
      ({ flow }) => flow,
      () => semaphore({ permits: 1, clock: new VirtualClock(1000) }),
      one,
    )
    const permit = gate.tryEnter({ flow: 'rare' })
    assert.ok(permit.admitted)
    crowd(gate)
    assert.ok(!gate.tryEnter({ flow: 'rare' }).admitted, 'its only slot is still taken')
    assert.equal(gate.core.parts!.length, 2)
  })

  it('S1.13 while it presses', () => {
    const gate = keyed(
      ({ flow }) => flow,
      () => breaker({ rule: consecutive(1), clock: new VirtualClock(1000) }),
      one,
    )
    const permit = gate.tryEnter({ flow: 'rare' })
    assert.ok(permit.admitted)
    permit.release('failure')
    crowd(gate)
    assert.ok(!gate.tryEnter({ flow: 'rare' }).admitted, 'its breaker is still open')
  })

  const bucket = (): Gate => tokenBucket({ tokens: 1, per: 60_000, clock: new VirtualClock(1000) })
  const nested: Readonly<Record<string, () => Gate>> = {
    'in a table of its own': () => keyed(() => 'one key', bucket),
    'for some': () =>
      when(
        () => true,
        keyed(() => 'one key', bucket),
      ),
    'behind another': () =>
      series(
        keyed(() => 'one key', bucket),
        semaphore({ permits: 9 }),
      ),
  }
  for (const [how, make] of Object.entries(nested))
    it(`S1.13 while a bucket in it, ${how}, is spent`, () => {
      const gate = keyed(({ flow }) => flow, make, one)
      const permit = gate.tryEnter({ flow: 'rare' })
      assert.ok(permit.admitted)
      permit.release('success')
      crowd(gate)
      assert.ok(!gate.tryEnter({ flow: 'rare' }).admitted, 'its only token is still spent')
    })

  it('S1.13 and no longer', () => {
    const gate = keyed(
      ({ flow }) => flow,
      () => semaphore({ permits: 1, clock: new VirtualClock(1000) }),
      one,
    )
    const permit = gate.tryEnter({ flow: 'rare' })
    assert.ok(permit.admitted)
    permit.release('success')
    crowd(gate)
    const own = gate.tryEnter({ flow: 'frequent' })
    const shared = gate.tryEnter({ flow: 'rare' })
    assert.ok(own.admitted && shared.admitted, 'one has a gate of its own, the other the shared one')
    assert.ok(!gate.tryEnter({ flow: 'rarer' }).admitted, 'which others share')
  })
})
