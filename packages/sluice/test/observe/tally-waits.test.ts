import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, RejectedError, semaphore, tally } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

describe('tally', () => {
  it('S2.7 counts who began to wait, whatever way it came', async () => {
    const clock = new VirtualClock()
    const counts = tally()
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 5, maxWait: 1000 }), clock, observer: counts })
    const first = gate.tryEnter()
    assert.ok(first.admitted)
    assert.equal(gate.tryEnter().admitted, false)
    assert.equal(counts.waits, 0)
    gate.enter({}, () => {})?.cancel()
    const late = gate.acquire()
    const run = gate.run(() => 1)
    assert.equal(counts.waits, 3)
    clock.advance(1000)
    await assert.rejects(late, RejectedError)
    await assert.rejects(run, RejectedError)
    assert.equal(counts.waits, 3)
    assert.equal(counts.rejections, 4)
  })

  it('gives every reader a longest wait of its own', () => {
    const clock = new VirtualClock()
    const counts = tally()
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 5, maxWait: 1000 }), clock, observer: counts })
    using one = counts.longestWait()
    const other = counts.longestWait()
    const pass = (waiting: number): void => {
      const first = gate.tryEnter()
      gate.enter({}, (verdict) => {
        if (verdict.admitted) verdict.release('success')
      })
      clock.advance(waiting)
      if (first.admitted) first.release('success')
    }
    pass(30)
    pass(20)
    assert.equal(one.take(), 30)
    assert.equal(one.take(), 0)
    pass(10)
    assert.equal(one.take(), 10)
    assert.equal(other.take(), 30)
    other[Symbol.dispose]()
    pass(10)
    assert.equal(other.take(), 0)
  })
})
