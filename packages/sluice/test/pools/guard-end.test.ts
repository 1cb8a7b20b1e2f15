import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { poolGuard } from '../../src/pools/pg.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'
import { FakePool } from './fake-pool.ts'

describe('the end of a guarded pool', () => {
  it('S1.7 waits for whom it has let in, also while their connection is being opened', async () => {
    const clock = new VirtualClock()
    const pool = new FakePool({ size: 2, clock, takes: () => 100 })
    const guard = poolGuard(pool, { clock })
    let whole: boolean | undefined
    const used = guard.use(async () => {
      whole = !pool.ended
      await settle()
      whole &&= !pool.ended
    })
    await settle()
    const ended = guard.end()
    await settle()
    assert.equal(pool.ended, false)
    clock.advance(100)
    await used
    await ended
    assert.deepEqual([whole, pool.ended, guard.stats.inflight], [true, true, 0])
  })

  it('S1.7 waits no longer for a connection that cannot be opened', async () => {
    const clock = new VirtualClock()
    const pool = new FakePool({ size: 1, clock, takes: () => 100, fails: () => true })
    const guard = poolGuard(pool, { clock })
    const used = assert.rejects(
      guard.use(() => undefined),
      /no such server/,
    )
    await settle()
    const ended = guard.end()
    clock.advance(100)
    await used
    await ended
    assert.deepEqual([pool.ended, guard.stats.inflight], [true, 0])
  })

  it('S1.7 who gets a connection only after `drain` is refused it, and the pool ends with it back', async () => {
    const clock = new VirtualClock()
    const pool = new FakePool({ size: 1, clock, takes: () => 2000 })
    const guard = poolGuard(pool, { clock, drain: 1000 })
    const used = assert.rejects(
      guard.use(() => assert.fail('too late to begin')),
      { name: 'RejectedError', code: 'closed' },
    )
    await settle()
    const ended = guard.end()
    clock.advance(1000)
    await settle()
    assert.equal(pool.ended, false)
    clock.advance(1000)
    await used
    await ended
    assert.deepEqual([pool.ended, guard.stats.inflight], [true, 0])
  })
})
