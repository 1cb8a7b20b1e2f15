import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptiveLifo, codel } from '../../src/index.ts'
import { LineUp, type Named } from './line-up.ts'

interface Standing {
  readonly line: LineUp
  readonly waiting: readonly Named[]
}

/** A queue in which two came for each that was let out, for half a second: it stands. */
function standing(): Standing {
  const line = new LineUp(codel({ target: 5, interval: 100 }))
  const all: Named[] = []
  for (let ms = 1; ms <= 500; ms++) {
    line.now++
    all.push(line.keep(`${ms}`))
    if (ms % 2 === 0) line.take()
  }
  assert.ok(line.refused.length > 0, 'it stands')
  return { line, waiting: all.slice(-line.queue.size) }
}

describe('S1.4 controlled delay, at its edges', () => {
  it('S1.4 once it has run empty it does not stand, though everybody left of himself and at once', () => {
    for (const empties of [true, false]) {
      const { line, waiting } = standing()
      for (const waiter of waiting) assert.ok(line.queue.remove(waiter))
      if (empties) assert.equal(line.take(), undefined)
      const before = line.refused.length
      line.push('first')
      line.now += 11
      assert.deepEqual(line.drain(), empties ? ['first'] : [], 'control: where nobody looked in between')
      assert.equal(line.refused.length, empties ? before : before + 1)
    }
  })

  it('S1.4 whoever has waited twice the target and no longer is served while it stands', () => {
    const { line } = standing()
    const before = line.refused.length
    const head = line.queue.next(line.now, () => {})!
    line.now = head.since + 10
    assert.equal(line.take(), head)
    assert.equal(line.refused.length, before)
    const next = line.queue.next(line.now, () => {})!
    line.now = next.since + 10.5
    assert.notEqual(line.take(), next)
    assert.ok(line.refused.length > before, 'control: half a millisecond more is too long')
  })

  it('S1.4 a wait of the target, however often, is fine', () => {
    for (const [wait, givenUp] of [
      [5, false],
      [6, true],
    ] as const) {
      const line = new LineUp(codel({ target: 5, interval: 100 }))
      line.push('before the first')
      line.now += wait
      for (let time = 0; time < 40; time++) {
        line.push('next')
        line.take()
        line.now += wait
      }
      line.push('behind')
      line.now += 50
      line.drain(2)
      assert.equal(line.refused.length > 0, givenUp, `${wait} ms each`)
    }
  })

  it('S1.4 one short wait in an interval is enough, though longer ones follow', () => {
    const line = new LineUp(codel({ target: 5, interval: 100 }))
    for (let interval = 0; interval < 3; interval++)
      for (const wait of [20, 2, 30, 40, 15]) {
        line.push('served')
        line.now += wait
        line.take()
      }
    assert.deepEqual(line.refused, [])
  })

  it('S1.4 newest first begins only when the queue stands, and not merely when time has passed', () => {
    const line = new LineUp(adaptiveLifo({ target: 5, interval: 100 }))
    for (let ms = 0; ms < 1000; ms += 2) {
      line.push(`${ms} older`)
      line.push(`${ms} newer`)
      line.now++
      assert.equal(line.take()?.name, `${ms} older`)
      assert.equal(line.take()?.name, `${ms} newer`)
      line.now++
    }
  })
})
