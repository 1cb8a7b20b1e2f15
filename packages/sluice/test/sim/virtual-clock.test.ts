import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from '../../src/sim/index.ts'

describe('VirtualClock', () => {
  it('passes only when told to, and lets happen what is due, in order', () => {
    const clock = new VirtualClock(1000)
    const seen: string[] = []
    const note = (what: string) => (): void => void seen.push(`${clock.now()} ${what}`)
    clock.after(20, note('c'))
    clock.after(10, note('a'))
    clock.after(10, note('b'))
    clock.advance(9.5)
    assert.deepEqual(seen, [])
    clock.advance(0.5)
    assert.deepEqual(seen, ['1010 a', '1010 b'])
    clock.advance(100)
    assert.deepEqual(seen, ['1010 a', '1010 b', '1020 c'])
    assert.equal(clock.now(), 1110)
  })

  it('runs what is asked for meanwhile, if it is due', () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    const again = (): void => {
      seen.push(clock.now())
      if (seen.length < 4) clock.after(3, again)
    }
    clock.after(0, again)
    assert.deepEqual(seen, [])
    clock.advance(7)
    assert.deepEqual(seen, [0, 3, 6])
    assert.equal(clock.pending, 1)
  })

  it('takes a delay below 0 for now, and never goes back', () => {
    const clock = new VirtualClock(50)
    let at = 0
    clock.after(-10, () => (at = clock.now()))
    clock.advanceTo(20)
    assert.equal(clock.now(), 50)
    clock.advance(0)
    assert.equal(at, 50)
  })

  it('forgets what is cancelled, early, late or twice', () => {
    const clock = new VirtualClock()
    let runs = 0
    const first = clock.after(5, () => runs++)
    const second = clock.after(6, () => runs++)
    assert.equal(clock.pending, 2)
    first.cancel()
    first[Symbol.dispose]()
    assert.equal(clock.pending, 1)
    clock.advance(10)
    second.cancel()
    assert.equal(runs, 1)
    assert.equal(clock.pending, 0)
  })

  it('goes on after an event that throws', () => {
    const clock = new VirtualClock()
    let ran = false
    clock.after(1, () => {
      throw new Error('expected')
    })
    clock.after(2, () => (ran = true))
    assert.throws(() => clock.advance(5), /expected/)
    assert.equal(clock.now(), 1)
    clock.advance(5)
    assert.ok(ran)
  })
})
