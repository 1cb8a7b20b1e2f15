import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, semaphore, tally, type Gate, type Tally } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

function rig(permits: number, capacity = 10): { clock: VirtualClock; gate: Gate; counts: Tally } {
  const clock = new VirtualClock(5000)
  const counts = tally()
  return {
    clock,
    counts,
    gate: semaphore({ permits, queue: fifo({ capacity, maxWait: 100 }), clock, observer: counts }),
  }
}

describe('tally', () => {
  it('starts at nothing, and divides nothing by nothing', () => {
    const counts = tally()
    assert.equal(counts.averageWait, 0)
    assert.equal(counts.admissions, 0)
    assert.equal(counts.rejectionsBy.queue_full, 0)
    assert.equal(counts.releasesBy.success, 0)
  })

  it('S0.2 counts every refusal by its reason', async () => {
    const { clock, gate, counts } = rig(1, 1)
    gate.tryEnter()
    gate.tryEnter()
    const late = gate.acquire()
    await assert.rejects(gate.acquire(), { code: 'queue_full' })
    clock.advance(100)
    await assert.rejects(late, { code: 'queue_timeout' })
    gate.enter({}, () => {})?.cancel()
    gate.close()
    gate.tryEnter()
    const { limit_exceeded, queue_full, queue_timeout, cancelled, closed } = counts.rejectionsBy
    assert.deepEqual([limit_exceeded, queue_full, queue_timeout, cancelled, closed], [1, 1, 1, 1, 1])
    assert.equal(counts.rejections, 5)
    assert.equal(counts.admissions, 1)
  })

  it('averages the wait over all who were ever let in, not over those who are here now', () => {
    const { clock, gate, counts } = rig(1)
    for (let count = 0; count < 10; count++) {
      const verdict = gate.tryEnter()
      gate.enter({}, (next) => {
        if (next.admitted) next.release('success')
      })
      clock.advance(40)
      if (verdict.admitted) verdict.release('success')
    }
    assert.equal(gate.stats.inflight, 0)
    assert.equal(counts.admissions, 20)
    assert.equal(counts.waitTotal, 400)
    assert.equal(counts.averageWait, 20)
  })

  it('S3.8 puts each wait into one bucket', () => {
    const counts = tally()
    for (const waited of [0, 10, 10.1, 50, 99, 500, 900, 3000, 5000, 5001]) counts.admitted?.({}, waited)
    assert.deepEqual(counts.waitCounts, [2, 2, 1, 1, 1, 1, 1, 1])
  })

  it('tells of an end once, however often the permit is given back', () => {
    const { gate, counts } = rig(1)
    const verdict = gate.tryEnter()
    assert.ok(verdict.admitted)
    verdict.release('failure')
    verdict.release('success')
    verdict[Symbol.dispose]()
    assert.deepEqual(counts.releasesBy, { success: 0, failure: 1, dropped: 0, ignored: 0 })
  })
})

describe('faults of the naive versions', () => {
  it('a slot given back twice on error never makes the count negative', async () => {
    const { gate } = rig(2)
    const permit = await gate.acquire()
    await assert.rejects(
      gate.run(() => {
        permit.release('failure')
        permit.release('failure')
        throw new Error('expected')
      }),
      /expected/,
    )
    assert.equal(gate.stats.inflight, 0)
    gate.tryEnter()
    assert.equal(gate.stats.inflight, 1)
  })

  it('a timeout takes one from the queue, and only one', () => {
    const { clock, gate } = rig(1)
    const first = gate.tryEnter()
    const waiting = [gate.enter({ maxWait: 10 }, () => {}), gate.enter({}, () => {})]
    clock.advance(10)
    assert.equal(gate.stats.queued, 1)
    waiting[0]?.cancel()
    assert.equal(gate.stats.queued, 1)
    if (first.admitted) first.release('success')
    assert.equal(gate.stats.queued, 0)
    waiting[1]?.cancel()
    assert.equal(gate.stats.queued, 0)
  })

  it('utilisation goes by what is in flight, not by what remains', () => {
    const { gate } = rig(4)
    assert.equal(gate.pressure.value.level, 0)
    gate.tryEnter()
    assert.deepEqual([gate.stats.inflight, gate.pressure.value.level], [1, 0.25])
    for (let count = 0; count < 3; count++) gate.tryEnter()
    assert.deepEqual([gate.stats.inflight, gate.pressure.value.level], [4, 1])
  })

  it('work is not left running unseen when its time is up', async () => {
    const { clock, gate } = rig(1)
    let stopped = false
    const running = gate.run(
      (signal) =>
        new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => {
            stopped = true
            resolve()
          }),
        ),
      { timeout: 10 },
    )
    await Promise.resolve()
    clock.advance(10)
    await assert.rejects(running, { code: 'deadline' })
    assert.ok(stopped)
    assert.equal(gate.stats.inflight, 0)
  })
})
