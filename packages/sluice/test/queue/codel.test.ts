import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codel } from '../../src/index.ts'
import { LineUp } from './line-up.ts'
import { servesInTime } from './serves-in-time.ts'

describe('S1.4 controlled delay', () => {
  it('S1.4 a burst is absorbed: nobody in it is given up, however long the last of it waits', () => {
    const line = new LineUp(codel({ target: 5, interval: 100 }))
    const burst = Array.from({ length: 45 }, (_, index) => `${index}`)
    for (const name of burst) line.push(name)
    const served: string[] = []
    while (line.queue.size > 0) {
      line.now += 2
      served.push(...line.drain(1))
    }
    assert.deepEqual(served, burst)
    assert.deepEqual(line.refused, [])
  })

  it('S1.4 while the queue stands whoever has waited more than twice the target is given up', () => {
    const line = new LineUp(codel({ target: 5, interval: 100 }))
    const waits: number[] = []
    for (let ms = 1; ms <= 1000; ms++) {
      line.now++
      line.push(`${ms}`)
      if (ms % 2 > 0) continue
      const served = line.take()
      if (served !== undefined && ms > 300) waits.push(line.now - served.since)
    }
    assert.ok(Math.max(...waits) <= 10, `somebody waited ${Math.max(...waits)} ms`)
    assert.ok(line.refused.length > 300 && line.refused.every((said) => said.endsWith('queue_timeout')))
  })

  it('S1.4 after a pause nothing is held against the first who come', () => {
    const line = new LineUp(codel({ target: 5, interval: 100 }))
    for (let ms = 1; ms <= 400; ms++) {
      line.now++
      line.push(`${ms}`)
      if (ms % 2 === 0) line.take()
    }
    line.drain()
    const before = line.refused.length
    line.now += 10_000
    line.push('first')
    line.now += 50
    assert.deepEqual(line.drain(), ['first'])
    assert.equal(line.refused.length, before)
  })

  it('S1.4 after a pause in which nobody was let out nothing is known, and nobody is given up', () => {
    const line = new LineUp(codel({ target: 5, interval: 100 }))
    for (let ms = 1; ms <= 250; ms++) {
      line.now++
      line.push(`${ms}`)
      if (ms % 2 === 0) line.take()
    }
    assert.ok(line.refused.length > 0, 'it stood')
    const before = line.refused.length
    line.now += 1000
    assert.ok(line.take() !== undefined)
    assert.equal(line.refused.length, before)
  })

  it('S1.4 one short wait in an interval is enough to tell a burst from a queue that stands', () => {
    for (const [shortest, givenUp] of [
      [2, 0],
      [20, 1],
    ] as const) {
      const line = new LineUp(codel({ target: 5, interval: 100 }))
      const serve = (wait: number): void => {
        line.push('x')
        line.now += wait
        line.take()
      }
      // Nobody is asked for while nobody waits: that would end the measuring.
      line.push('first')
      line.now += 10
      line.push('second')
      line.now += 20
      line.take()
      line.take()
      serve(shortest)
      line.push('last')
      line.now = 1135
      line.push('behind')
      line.take()
      assert.equal(line.refused.length, givenUp, `shortest ${shortest}`)
    }
  })

  servesInTime(
    'S1.4 under lasting overload nobody who is served has waited long, and no slot is idle',
    codel,
    ({ p99 }) =>
      // A service time, and an interval in which it finds out.
      assert.ok(p99 < 150, `p99 ${p99} ms`),
  )

  it('options out of range are named', () => {
    assert.throws(() => codel({ target: Number.NaN }), { name: 'RangeError', message: /codel\.target/ })
    assert.throws(() => codel({ interval: -1 }), { name: 'RangeError', message: /codel\.interval/ })
  })
})
