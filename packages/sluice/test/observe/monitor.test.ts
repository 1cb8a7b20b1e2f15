import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptiveLifo, limiter, tally } from '../../src/index.ts'
import { monitor, type LongestWait } from '../../src/observe/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { rig } from './monitor-rig.ts'

describe('monitor', () => {
  it('S2.7 shows depth, rates, waits, drops and utilization', () => {
    const { clock, watch, arrive, leave } = rig()
    arrive(5)
    clock.advance(1000)
    assert.deepEqual(watch.value, {
      at: 1e6 + 1000,
      depth: 4,
      enqueueRate: 4,
      dequeueRate: 0,
      waitAverage: 0,
      waitMax: 0,
      admitRate: 1,
      rejectRate: 0,
      utilization: 1,
    })
    clock.advance(500)
    leave(2)
    arrive(103)
    clock.advance(500)
    const { depth, enqueueRate, dequeueRate, waitAverage, waitMax, admitRate, rejectRate } = watch.value
    assert.equal(depth, 100)
    assert.equal(enqueueRate, (4 + 98) / 2)
    assert.equal(dequeueRate, 2 / 2)
    assert.equal(waitAverage, (0 + 1500 + 1500) / 3)
    assert.equal(waitMax, 1500)
    assert.equal(admitRate, 3 / 2)
    assert.equal(rejectRate, 5 / 2)
    watch[Symbol.dispose]()
  })

  it('S2.7 counts those who gave up as having left the queue', () => {
    const { clock, watch, arrive } = rig({ maxWait: 1500 })
    arrive(11)
    clock.advance(2000)
    assert.equal(watch.value.depth, 0)
    assert.equal(watch.value.dequeueRate, 10 / 2)
    assert.equal(watch.value.rejectRate, 10 / 2)
    watch[Symbol.dispose]()
  })

  it('divides waits by all who were let in, not by those here now', () => {
    const { clock, watch, arrive, leave } = rig()
    arrive(2)
    clock.advance(800)
    leave(2)
    arrive(6, false)
    clock.advance(200)
    // One of eight waited, for 800 ms; nobody is here now.
    assert.equal(watch.value.waitAverage, 100)
    assert.equal(watch.value.utilization, 0)
    watch[Symbol.dispose]()
  })

  it('reads utilization from what is in use, not from what is left', () => {
    const { clock, watch, arrive } = rig({ permits: 4 })
    arrive(1)
    clock.advance(1000)
    assert.equal(watch.value.utilization, 0.25)
    watch[Symbol.dispose]()
  })

  it('forgets: rates and waits are of the window', () => {
    const { clock, counts, watch, arrive, leave } = rig()
    arrive(3)
    clock.advance(900)
    leave(3)
    clock.advance(9100)
    assert.equal(watch.value.enqueueRate, 2 / 10)
    assert.equal(watch.value.waitMax, 900)
    clock.advance(1000)
    const { enqueueRate, dequeueRate, admitRate, waitAverage, waitMax } = watch.value
    assert.deepEqual([enqueueRate, dequeueRate, admitRate, waitAverage, waitMax], [0, 0, 0, 0, 0])
    arrive(2, false)
    clock.advance(1000)
    // The control: since the beginning it would be above 0 for ever.
    assert.equal(watch.value.waitAverage, 0)
    assert.equal(counts.averageWait, 1800 / 5)
    watch[Symbol.dispose]()
  })

  it('does not count what was before it', () => {
    const { clock, counts, gate, arrive, leave, watch } = rig()
    watch[Symbol.dispose]()
    arrive(3)
    clock.advance(700)
    leave(3)
    using later = monitor(gate, counts, { clock })
    clock.advance(1000)
    assert.deepEqual([later.value.admitRate, later.value.enqueueRate, later.value.waitMax], [0, 0, 0])
  })

  it('knows how long those have waited who wait still', () => {
    const { clock, watch, arrive } = rig()
    clock.advance(1000)
    arrive(3)
    clock.advance(6000)
    // Nobody has been let in: only their age says that the queue stands.
    assert.equal(watch.value.waitAverage, 0)
    assert.equal(watch.value.waitMax, 5000)
    watch[Symbol.dispose]()
  })

  it('does not take a queue that moves for one that stands', () => {
    const { clock, watch, arrive, leave } = rig()
    arrive(4)
    for (let second = 0; second < 20; second++) {
      clock.advance(1000)
      leave(1)
      arrive(1)
    }
    assert.equal(watch.value.depth, 3)
    assert.ok(watch.value.waitMax >= 3000 && watch.value.waitMax <= 4000, String(watch.value.waitMax))
    watch[Symbol.dispose]()
  })

  it('lets two monitors see the same longest wait', () => {
    const { clock, counts, gate, watch, arrive, leave } = rig()
    using other = monitor(gate, counts, { clock, every: 300 })
    arrive(2)
    clock.advance(400)
    leave(2)
    clock.advance(800)
    assert.equal(watch.value.waitMax, 400)
    assert.equal(other.value.waitMax, 400)
    watch[Symbol.dispose]()
  })

  it('works with any gate and any queue', async () => {
    const clock = new VirtualClock()
    const counts = tally()
    const gate = limiter({ clock, observer: counts, queue: adaptiveLifo({ capacity: 10, maxWait: 5000 }) })
    using watch = monitor(gate, counts, { clock })
    const { limit } = gate.stats
    const held = await Promise.all(Array.from({ length: limit }, () => gate.acquire()))
    const waiting = gate.acquire()
    clock.advance(2000)
    assert.deepEqual([watch.value.depth, watch.value.enqueueRate, watch.value.utilization], [1, 0.5, 1])
    for (const permit of held) permit.release('success')
    await waiting
    clock.advance(1000)
    assert.equal(watch.value.depth, 0)
  })

  it('is a signal', () => {
    const { clock, watch } = rig()
    const heard: number[] = []
    const subscription = watch.subscribe(({ at }) => heard.push(at - 1e6))
    clock.advance(2500)
    subscription[Symbol.dispose]()
    clock.advance(2500)
    assert.deepEqual(heard, [1000, 2000])
    watch[Symbol.dispose]()
  })

  it('leaves nothing behind', () => {
    const { clock, gate, watch } = rig()
    assert.equal(clock.pending, 1)
    watch[Symbol.dispose]()
    assert.equal(clock.pending, 0)
    let gauges = 0
    const longestWait = (): LongestWait => {
      gauges++
      return { take: () => 0, [Symbol.dispose]: () => void gauges-- }
    }
    const other = monitor(gate, Object.assign(tally(), { longestWait }), { clock })
    assert.equal(gauges, 1)
    other[Symbol.dispose]()
    assert.equal(gauges, 0)
  })

  it('refuses options out of range', () => {
    assert.throws(() => rig({ every: 0 }), /monitor\.every: expected/)
    assert.throws(() => rig({ every: 1000, window: 500 }), /monitor\.window: expected/)
  })
})
