import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from '../../src/index.ts'
import { PausingClock } from '../../src/sim/pausing-clock.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** Whether it stands still at an instant, written down as plainly as can be. */
function still(at: number, every: number, lasts: number, first: number): boolean {
  return at >= first && (at - first) % every < lasts
}

describe('PausingClock', () => {
  it('lets as much time run as it was asked for, pauses not counted, wherever it begins', () => {
    const random = seeded(5)
    for (let round = 0; round < 500; round++) {
      const every = 5 + Math.floor(random() * 40)
      const lasts = Math.floor(random() * every)
      const first = Math.floor(random() * 60)
      const delay = Math.floor(random() * 150)
      const clock = new VirtualClock()
      const pausing = new PausingClock(clock, every, lasts, first)
      clock.advance(Math.floor(random() * 100))
      const begin = clock.now()
      let end = -1
      pausing.after(delay, () => (end = clock.now()))
      clock.advance(10_000)
      let ran = 0
      for (let at = begin; at < end; at++) if (!still(at, every, lasts, first)) ran++
      const what = `every ${every}, lasts ${lasts}, first ${first}, ${delay} from ${begin}: ${end}`
      assert.equal(ran, delay, what)
      assert.equal(still(end, every, lasts, first), false, `never in a pause: ${what}`)
    }
  })

  it('says when it stands still', () => {
    const clock = new VirtualClock()
    const pausing = new PausingClock(clock, 10, 3, 5)
    const seen: boolean[] = []
    for (let at = 0; at < 20; at++) {
      seen.push(pausing.paused)
      clock.advance(1)
    }
    assert.deepEqual(
      seen.flatMap((paused, at) => (paused ? [at] : [])),
      [5, 6, 7, 15, 16, 17],
    )
  })
})
