import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Pause } from '../../src/clients/pause.ts'
import { defineGate, fifo, isRejection, semaphore, type Arrival, type Gate, type Verdict } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { gateLaws, type LawWorld } from '../../src/testing/index.ts'

interface Rig {
  readonly clock: VirtualClock
  readonly pause: Pause
  readonly gate: Gate
  readonly verdicts: Verdict[]
  readonly enter: (arrival?: Arrival) => { cancel(): void } | undefined
  /** The codes of refusals, and `in` for who was let in, in the order of the answers. */
  readonly said: () => string[]
}

function rig(permits: number, capacity: number = 10): Rig {
  const clock = new VirtualClock(5000)
  const inner = semaphore({ permits, clock, queue: fifo({ capacity: 10, maxWait: 10_000 }) })
  const pause = new Pause({ inner: inner.core, clock, maxHold: 1000, capacity })
  const gate = defineGate(pause)
  const verdicts: Verdict[] = []
  return {
    clock,
    pause,
    gate,
    verdicts,
    enter: (arrival = {}) => gate.enter(arrival, (verdict) => void verdicts.push(verdict)),
    said: () => verdicts.map((verdict) => (isRejection(verdict) ? verdict.code : 'in')),
  }
}

const unpaused = ({ clock }: LawWorld): Gate => {
  const inner = semaphore({ clock, permits: 2, queue: fifo({ capacity: 5, maxWait: 100 }) })
  return defineGate(new Pause({ inner: inner.core, clock, maxHold: 100, capacity: 5 }))
}

gateLaws('a gate that may be paused', { describe, it }, fc, unpaused, {
  runs: 300,
  context: new AsyncLocalStorage(),
  fifo: true,
})

describe('pause', () => {
  it('keeps whoever can wait for its end, in order, and lets them in then', () => {
    const { clock, pause, gate, enter, verdicts, said } = rig(2)
    pause.pauseUntil(5300)
    for (let count = 0; count < 3; count++) enter()
    assert.deepEqual(gate.stats, { limit: 2, inflight: 0, queued: 3 })
    assert.equal(gate.pressure.value.level, 1)
    clock.advance(299)
    assert.deepEqual(said(), [])
    clock.advance(1)
    assert.deepEqual(said(), ['in', 'in'])
    assert.deepEqual(gate.stats, { limit: 2, inflight: 2, queued: 1 })
    const [first] = verdicts
    assert.ok(first?.admitted)
    assert.equal(first.waited, 300)
    clock.advance(50)
    first.release('success')
    assert.deepEqual(said(), ['in', 'in', 'in'])
    const last = verdicts[2]
    assert.ok(last?.admitted)
    assert.equal(last.waited, 350)
  })

  it('refuses at once whoever cannot wait that long, and says how long it takes', () => {
    const { clock, pause, gate, enter, verdicts, said } = rig(2)
    pause.pauseUntil(6500)
    enter()
    enter({ maxWait: 1499 })
    enter({ deadline: 6500 })
    enter({ maxWait: 0 })
    assert.equal(gate.tryEnter().admitted, false)
    assert.deepEqual(said(), ['rate_limited', 'rate_limited', 'deadline', 'rate_limited'])
    assert.ok(isRejection(verdicts[0]))
    assert.equal(verdicts[0].retryAfter, 1500)
    enter({ maxWait: 1500 })
    clock.advance(1500)
    assert.deepEqual(said().at(-1), 'in')
  })

  it('keeps out those who stand in the queue behind it', () => {
    const { clock, pause, gate, enter, verdicts, said } = rig(1)
    enter()
    enter({ maxWait: 5000 })
    enter()
    pause.pauseUntil(7000)
    const [held] = verdicts
    assert.ok(held?.admitted)
    held.release('success')
    // The second can wait for the end, the third for one second only: it is refused as its turn comes, not let in.
    assert.deepEqual(said(), ['in', 'rate_limited'])
    assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 1 })
    clock.advance(2000)
    assert.deepEqual(said(), ['in', 'rate_limited', 'in'])
  })

  it('a pause that is made longer refuses whoever cannot wait any more; a shorter one changes nothing', () => {
    const { clock, pause, enter, said } = rig(2)
    pause.pauseUntil(5500)
    enter()
    enter({ maxWait: 4000, deadline: 6000 })
    enter({ maxWait: 4000 })
    pause.pauseUntil(5400)
    assert.equal(pause.left, 500)
    assert.deepEqual(said(), [])
    pause.pauseUntil(7000)
    assert.deepEqual(said(), ['rate_limited', 'deadline'])
    clock.advance(2000)
    assert.deepEqual(said(), ['rate_limited', 'deadline', 'in'])
    assert.equal(clock.pending, 0)
  })

  it('one who leaves is answered at once, and the timer with the last of them', () => {
    const { clock, pause, gate, enter, said } = rig(2)
    pause.pauseUntil(5500)
    const waiting = [enter(), enter()]
    for (const one of waiting) {
      one?.cancel()
      one?.cancel()
    }
    assert.deepEqual(said(), ['cancelled', 'cancelled'])
    assert.equal(gate.stats.queued, 0)
    assert.equal(clock.pending, 0)
  })

  it('no more wait than there is room for', () => {
    const { pause, enter, said } = rig(2, 2)
    pause.pauseUntil(5500)
    for (let count = 0; count < 3; count++) enter()
    assert.deepEqual(said(), ['queue_full'])
  })

  it('closing refuses whoever waits for its end, and ends it', () => {
    const { clock, pause, gate, enter, said } = rig(2)
    pause.pauseUntil(5500)
    enter()
    gate.close()
    enter()
    pause.pauseUntil(9000)
    assert.deepEqual(said(), ['closed', 'closed'])
    assert.equal(clock.pending, 0)
  })

  it('an arrival that makes no sense is told so, not kept', () => {
    const { pause, gate } = rig(2)
    pause.pauseUntil(5500)
    for (const arrival of [{ cost: -1 }, { maxWait: Number.NaN }, { deadline: Number.NaN }])
      assert.throws(() => gate.tryEnter(arrival), RangeError)
    assert.equal(gate.stats.queued, 0)
  })

  it('somebody let in may hear of another pause at once: the others go on waiting', () => {
    const { clock, pause, gate, enter, said } = rig(3)
    pause.pauseUntil(5300)
    gate.enter({}, () => pause.pauseUntil(5600))
    enter()
    clock.advance(300)
    assert.deepEqual(said(), [])
    clock.advance(300)
    assert.deepEqual(said(), ['in'])
  })
})
