import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker, fifo, limiter, semaphore, series, tokenBucket, tokenBuckets, type Gate } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** In 2027, on the wall clock: what `Date.now() + 1000` is. */
const WALL = 1_800_000_000_000
const wrong = {
  name: 'RangeError',
  message: /^arrival\.deadline: expected an instant on the gate's clock, .*got 1800000000000$/,
}

function full(clock: VirtualClock): Gate {
  const gate = semaphore({ permits: 1, queue: fifo(), clock })
  assert.ok(gate.tryEnter().admitted)
  return gate
}

const gates: Readonly<Record<string, (clock: VirtualClock) => Gate>> = {
  'a semaphore': (clock) => semaphore({ permits: 1, clock }),
  'a full semaphore': full,
  'a limiter': (clock) => limiter({ clock }),
  'a bucket': (clock) => tokenBucket({ tokens: 1, clock }),
  'several buckets': (clock) => tokenBuckets({ buckets: { a: { tokens: 1 } }, clock }),
  'a breaker': (clock) => breaker({ clock }),
  'a series': (clock) => series(breaker({ clock }), semaphore({ permits: 1, clock })),
}

describe('a deadline by the wall clock at a gate that goes by another', () => {
  for (const [what, make] of Object.entries(gates)) {
    it(`S0.10 ${what} says so: on its clock it would never come`, async () => {
      const gate = make(new VirtualClock(5000))
      const { inflight, queued } = gate.stats
      await assert.rejects(
        gate.run(() => assert.fail('begun'), { deadline: WALL }),
        wrong,
      )
      assert.deepEqual([gate.stats.inflight, gate.stats.queued], [inflight, queued])
    })
  }

  it('S0.10 on a clock of that kind it is a deadline like any other, and no end is none anywhere', async () => {
    assert.equal(
      await semaphore({ permits: 1, clock: new VirtualClock(WALL - 1000) }).run(() => 1, { deadline: WALL }),
      1,
    )
    for (const deadline of [Infinity, Number.MAX_SAFE_INTEGER, 1e10])
      assert.equal(await semaphore({ permits: 1 }).run(() => 1, { deadline }), 1)
  })
})
