import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, lifo } from '../../src/index.ts'
import { LineUp } from './line-up.ts'

describe('S1.4 last in, first out', () => {
  it('S1.4 the newest is next', () => {
    const line = new LineUp(lifo())
    for (const name of ['a', 'b', 'c']) line.push(name)
    assert.deepEqual(line.drain(1), ['c'])
    line.push('d')
    assert.deepEqual(line.drain(), ['d', 'b', 'a'])
  })

  it('control: first in, first out the oldest is', () => {
    const line = new LineUp(fifo())
    for (const name of ['a', 'b', 'c']) line.push(name)
    assert.deepEqual(line.drain(), ['a', 'b', 'c'])
  })

  it('S1.4 whoever is too late is given up when its turn comes, and never started', () => {
    const line = new LineUp(lifo())
    line.push('patient')
    line.push('late', { expires: 1005, deadline: true })
    line.push('impatient', { expires: 1010 })
    line.now = 1010
    assert.deepEqual(line.drain(), ['patient'])
    assert.deepEqual(line.refused, ['impatient: queue_timeout', 'late: deadline'])
  })

  it('S1.4 full, it refuses newcomers', () => {
    const line = new LineUp(lifo({ capacity: 2 }))
    for (const name of ['a', 'b']) assert.equal(line.push(name), undefined)
    assert.ok(line.queue.rejects({}))
    assert.equal(line.push('c'), 'c')
    assert.equal(line.queue.size, 2)
  })

  it('S1.4 one who leaves from the middle is not missed', () => {
    const line = new LineUp(lifo())
    line.push('a')
    const middle = line.keep('b')
    line.push('c')
    assert.ok(line.queue.remove(middle))
    assert.ok(!line.queue.remove(middle))
    assert.deepEqual(line.drain(), ['c', 'a'])
  })

  it('options out of range are named', () => {
    assert.throws(() => lifo({ capacity: -1 }), { name: 'RangeError', message: /lifo\.capacity/ })
    assert.throws(() => lifo({ maxWait: Number.NaN }), { name: 'RangeError', message: /lifo\.maxWait/ })
  })
})
