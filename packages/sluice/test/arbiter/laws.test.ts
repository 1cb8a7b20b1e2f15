import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fleetSlots, memoryBuckets } from '../../src/arbiter/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { gateLaws } from '../../src/testing/index.ts'
import { moves, play } from '../coordinate/buckets-laws.ts'
import { asks, playAsks } from '../coordinate/demand-laws.ts'
import { WireGuest } from './wire.ts'

for (const order of ['share', 'strict'] as const)
  gateLaws(
    `fleetSlots through an arbiter, ${order}`,
    { describe, it },
    fc,
    ({ clock, random }) =>
      fleetSlots({
        coordinator: new WireGuest(clock).slots(Infinity),
        limit: 3,
        onDown: 'closed',
        capacity: 4,
        maxWait: 100,
        order,
        clock,
        random,
      }),
    { context: new AsyncLocalStorage() },
  )

describe('S3.5 buckets through an arbiter', () => {
  it('S3.5 keep the laws, and answer statement by statement what those in memory answer', async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (script) => {
        const clock = new VirtualClock(1e6)
        const there = { coordinator: new WireGuest(clock).buckets, pass: (duration: number) => clock.advance(duration) }
        const said = await play(there, script, 's')
        const other = new VirtualClock(1e6)
        const here = {
          coordinator: memoryBuckets({ clock: other }),
          pass: (duration: number) => other.advance(duration),
        }
        assert.deepEqual(said, await play(here, script, 's'))
      }),
      { numRuns: 200, seed: 6 },
    )
  })

  it('S1.13 keep the laws of who is next, and call whom those in memory call', async () => {
    let calls = 0
    await fc.assert(
      fc.asyncProperty(asks, async (script) => {
        const clock = new VirtualClock(1000)
        const pass = (duration: number): void => clock.advance(duration)
        const said = await playAsks({ coordinator: new WireGuest(clock).buckets, pass }, script, 's')
        const other = new VirtualClock(1000)
        const here = { coordinator: memoryBuckets({ clock: other }), pass: (ms: number): void => other.advance(ms) }
        assert.deepEqual(said, await playAsks(here, script, 's'))
        calls += said.reduce((sum, { called }) => sum + called.length, 0)
      }),
      { numRuns: 200, seed: 8 },
    )
    assert.ok(calls > 10, `${calls} were called`)
  })
})
