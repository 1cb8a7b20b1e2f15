import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptiveLifo, fifo, semaphore, type Gate, type QueueDiscipline } from '../../src/index.ts'
import type { VirtualClock } from '../../src/sim/index.ts'
import { constant, run, type PhaseResult } from '../sim/rig.ts'
import { LineUp } from './line-up.ts'

/** Somebody comes every ms, somebody is let out every other, for so long. */
function overload(line: LineUp, ms: number): void {
  for (let passed = 1; passed <= ms; passed++) {
    line.now++
    line.push(`${line.now}`)
    if (passed % 2 === 0) line.take()
  }
}

describe('S1.4 adaptive last in, first out', () => {
  it('S1.4 calm, it is first in, first out', () => {
    const line = new LineUp(adaptiveLifo())
    for (const name of ['a', 'b', 'c']) line.push(name)
    line.now += 3
    assert.deepEqual(line.drain(), ['a', 'b', 'c'])
  })

  it('S1.4 a burst that is gone within the interval is served in order', () => {
    const line = new LineUp(adaptiveLifo({ target: 5, interval: 100 }))
    const burst = Array.from({ length: 40 }, (_, index) => `${index}`)
    for (const name of burst) line.push(name)
    const served: string[] = []
    while (line.queue.size > 0) {
      line.now += 2
      served.push(...line.drain(1))
    }
    assert.deepEqual(served, burst)
  })

  it('S1.4 while the queue stands the newest is next, and once it has run empty the oldest again', () => {
    const line = new LineUp(adaptiveLifo({ target: 5, interval: 100 }))
    overload(line, 400)
    line.push('newest')
    assert.deepEqual(line.drain(1), ['newest'])
    line.drain()
    for (const name of ['a', 'b', 'c']) line.push(name)
    assert.deepEqual(line.drain(), ['a', 'b', 'c'])
  })

  it('S1.4 whoever is too late is given up at either end', () => {
    const line = new LineUp(adaptiveLifo({ target: 5, interval: 100 }))
    overload(line, 400)
    line.push('late', { expires: line.now + 1, deadline: true })
    line.now += 1
    assert.ok(!line.drain().includes('late'))
    assert.deepEqual(line.refused, ['late: deadline'])
  })

  // Twice what twenty slots of 50 ms can do, each answer good for half a second.
  const twice = (discipline: QueueDiscipline): PhaseResult =>
    run({
      slots: 20,
      service: constant(50),
      settle: 3,
      gate: (clock: VirtualClock): Gate => semaphore({ permits: 20, queue: discipline, clock }),
      phases: [{ seconds: 20, rate: 800 }],
    })[0]!

  it('S1.4 under lasting overload those who are served are served in good time', () => {
    const result = twice(adaptiveLifo({ capacity: 1000, maxWait: 2000 }))
    assert.ok(result.goodput > 0.9 * 400, `goodput ${result.goodput} of 400`)
    assert.ok(result.p50 < 100, `p50 ${result.p50} ms`)
  })

  it('control: first in, first out everybody is served late', () => {
    const result = twice(fifo({ capacity: 1000, maxWait: 2000 }))
    assert.ok(result.goodput < 0.05 * 400, `goodput ${result.goodput} of 400`)
  })

  it('options out of range are named', () => {
    assert.throws(() => adaptiveLifo({ target: 0 }), { name: 'RangeError', message: /adaptiveLifo\.target/ })
    assert.throws(() => adaptiveLifo({ interval: 0 }), { name: 'RangeError', message: /adaptiveLifo\.interval/ })
  })
})
