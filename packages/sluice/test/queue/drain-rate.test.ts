import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { earliestDeadline, fair, fifo, priority, semaphore, type QueueDiscipline } from '../../src/index.ts'
import { DrainRate } from '../../src/queue/drain-rate.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) <= 0.05 * expected, `${actual}, expected about ${expected}`)

describe('S1.4 how fast a queue is worked off', () => {
  for (const start of [0, 1e9, -5000])
    it(`S1.4 is learnt from the time between dispatches, on a clock from ${start}`, () => {
      const drain = new DrainRate()
      assert.equal(drain.wait(10), 0, 'nothing is known yet')
      for (let count = 0; count < 100; count++) drain.dispatched(start + count * 7, true)
      near(drain.wait(10), 70)
    })

  it('S1.4 follows when the service slows down, within some fifty dispatches', () => {
    const drain = new DrainRate()
    let now = 0
    for (let count = 0; count < 100; count++) drain.dispatched((now += 5), true)
    for (let count = 0; count < 50; count++) drain.dispatched((now += 50), true)
    near(drain.wait(1), 50)
  })

  it('S1.4 several let out at once count as such', () => {
    const drain = new DrainRate()
    for (let count = 0; count < 400; count++) drain.dispatched(Math.floor(count / 10) * 100, true)
    assert.ok(drain.wait(1) > 4 && drain.wait(1) < 12, `${drain.wait(1)} of about 10 ms each`)
  })

  it('S1.4 a pause in which nobody waited is nobody’s service time', () => {
    const drain = new DrainRate()
    let now = 0
    for (let count = 0; count < 100; count++) drain.dispatched((now += 10), true)
    drain.dispatched((now += 10), false)
    drain.dispatched((now += 3_600_000), true)
    drain.dispatched((now += 10), true)
    near(drain.wait(1), 10)
  })

  const disciplines: readonly QueueDiscipline[] = [
    fifo({ maxWait: 1e9 }),
    priority({ maxWait: 1e9 }),
    earliestDeadline({ maxWait: 1e9 }),
    fair({ maxWait: 1e9 }),
  ]
  for (const queue of disciplines)
    it(`S1.4 ${queue.name}: nor is a pause after the last who waited had given up`, () => {
      const clock = new VirtualClock(1000)
      const gate = semaphore({ permits: 1, queue, clock })
      const work = (): { cancel(): void } | undefined =>
        gate.enter({}, (verdict) => verdict.admitted && clock.after(10, () => verdict.release('success')))
      work()
      work()
      const leaver = work()
      clock.advance(10)
      leaver!.cancel()
      clock.advance(3_600_000)
      for (let count = 0; count < 3; count++) work()
      clock.advance(10)
      let said = 'nothing'
      gate.enter({ deadline: clock.now() + 100 }, (verdict) => (said = verdict.admitted ? 'in' : verdict.code))
      clock.advance(100)
      assert.equal(said, 'in', 'two of 10 ms are before it, and it has 100')
    })
})
