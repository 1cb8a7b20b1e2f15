import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptiveLifo } from '../../src/index.ts'
import { LineUp } from './line-up.ts'
import { servesInTime } from './serves-in-time.ts'

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

  servesInTime('S1.4 under lasting overload those who are served are served in good time', adaptiveLifo, ({ p50 }) =>
    assert.ok(p50 < 100, `p50 ${p50} ms`),
  )

  it('options out of range are named', () => {
    assert.throws(() => adaptiveLifo({ target: 0 }), { name: 'RangeError', message: /adaptiveLifo\.target/ })
    assert.throws(() => adaptiveLifo({ interval: 0 }), { name: 'RangeError', message: /adaptiveLifo\.interval/ })
  })
})
