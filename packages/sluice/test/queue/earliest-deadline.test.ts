import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { earliestDeadline, fifo, semaphore, type QueueDiscipline } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { LineUp } from './line-up.ts'

/** Fifty jobs of 10 ms come at once, with deadlines all over the time they take; how many begin in time. */
function metBy(queue: QueueDiscipline): number {
  const clock = new VirtualClock(1000)
  const gate = semaphore({ permits: 1, queue, clock })
  let met = 0
  for (let job = 0; job < 50; job++) {
    const deadline = 1000 + 10 + 10 * ((job * 37) % 50)
    gate.enter({ deadline }, (verdict) => {
      if (!verdict.admitted) return
      met++
      clock.after(10, () => verdict.release('success'))
    })
  }
  clock.advance(2000)
  return met
}

describe('S1.4 earliest deadline first', () => {
  it('S1.4 who has least time left is next; those who came first among equals', () => {
    const line = new LineUp(earliestDeadline())
    for (const [name, expires] of [
      ['c', 1300],
      ['a', 1100],
      ['never', Infinity],
      ['b', 1200],
    ] as const)
      line.push(name, { expires })
    line.now++
    line.push('b too', { expires: 1200 })
    assert.deepEqual(line.drain(), ['a', 'b', 'b too', 'c', 'never'])
  })

  it('S1.4 it meets every deadline where that can be done', () => assert.equal(metBy(earliestDeadline()), 50))
  it('control: first in, first out it does not', () => assert.ok(metBy(fifo()) < 40))

  it('S1.4 whoever is too late is given up, and never started', () => {
    const line = new LineUp(earliestDeadline())
    line.push('late', { expires: 1005, deadline: true })
    line.push('fine', { expires: 2000 })
    line.now = 1005
    assert.deepEqual(line.drain(), ['fine'])
    assert.deepEqual(line.refused, ['late: deadline'])
  })

  it('S1.4 in order, whoever leaves from the middle, whenever', () => {
    const script = fc.array(fc.record({ expires: fc.integer({ min: 1, max: 50 }), leaves: fc.nat({ max: 3 }) }), {
      minLength: 1,
      maxLength: 60,
      size: 'max',
    })
    fc.assert(
      fc.property(script, (comers) => {
        const line = new LineUp(earliestDeadline())
        const inside = comers.map(({ expires }, index) => line.keep(`${index}`, { expires: 1000 + expires }))
        const staying = inside.filter((waiter, index) => {
          if (comers[index]!.leaves > 0) return true
          assert.ok(line.queue.remove(waiter))
          assert.ok(!line.queue.remove(waiter))
          return false
        })
        const expected = staying.map((waiter) => waiter.expires).sort((a, b) => a - b)
        const served = line.drain().map((name) => inside[Number(name)]!.expires)
        assert.deepEqual(served, expected)
      }),
      { numRuns: 200, seed: 6 },
    )
  })

  it('S1.4 full, it refuses newcomers', () => {
    const line = new LineUp(earliestDeadline({ capacity: 1 }))
    line.push('a', { expires: 2000 })
    assert.ok(line.queue.rejects({}))
    assert.equal(line.push('urgent', { expires: 1001 }), 'urgent')
  })

  it('S1.4 a timer or two for any number of waiters, and none when they have gone', () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, queue: earliestDeadline({ capacity: 10_000, maxWait: 500 }), clock })
    const permit = gate.tryEnter()
    for (let waiter = 0; waiter < 10_000; waiter++) gate.enter({ maxWait: 1 + (waiter % 400) }, () => {})
    assert.ok(clock.pending <= 2, `${clock.pending} timers`)
    clock.advance(600)
    assert.equal(gate.stats.queued, 0)
    assert.equal(clock.pending, 0)
    assert.ok(permit.admitted)
  })
})
