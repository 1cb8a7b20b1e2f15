import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leakyBucket, tokenBucket, type TokenBucket } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** When each of a crowd that comes all at once is let in, in ms. */
function paces(clock: VirtualClock, bucket: TokenBucket, crowd: number): number[] {
  const start = clock.now()
  const at: number[] = []
  for (let arrival = 0; arrival < crowd; arrival++)
    bucket.enter({}, (verdict) => verdict.admitted && at.push(clock.now() - start))
  clock.advance(10_000)
  return at
}

describe('S0.8 a leaky bucket', () => {
  it('S0.8 lets in at an even pace, never two at once, however they come', () => {
    const clock = new VirtualClock(500)
    const bucket = leakyBucket({ tokens: 50, clock })
    assert.deepEqual(paces(clock, bucket, 6), [0, 20, 40, 60, 80, 100])
    assert.deepEqual(paces(clock, bucket, 2), [0, 20], 'it saves nothing up while idle')
    assert.equal(clock.pending, 0)
  })

  it('control: a token bucket of the same rate lets a burst in at once', () => {
    const clock = new VirtualClock(500)
    assert.deepEqual(paces(clock, tokenBucket({ tokens: 50, clock }), 4), [0, 0, 0, 0])
  })

  it('S0.8 bounds who waits: 1,000 of them, 3 s', () => {
    const clock = new VirtualClock()
    const bucket = leakyBucket({ tokens: 10, clock })
    const refused: string[] = []
    for (let arrival = 0; arrival < 1100; arrival++)
      bucket.enter({}, (verdict) => !verdict.admitted && refused.push(verdict.code))
    assert.equal(bucket.stats.queued, 1000)
    assert.equal(refused.length, 99)
    clock.advance(4000)
    assert.equal(bucket.stats.queued, 0)
    const late = refused.filter((code) => code === 'queue_timeout').length
    // Thirty tokens come in three seconds; the tick at which patience ends is up to 1/256 later.
    assert.ok(late >= 969 && late <= 971, `${late} timed out`)
    assert.equal(clock.pending, 0)
  })
})
