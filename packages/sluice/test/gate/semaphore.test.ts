import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fifo, RejectedError, semaphore, type Gate, type Permit, type Pressure } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

interface Rig {
  readonly clock: VirtualClock
  readonly gate: Gate
}

function rig(permits: number, capacity = 10, maxWait = 100): Rig {
  const clock = new VirtualClock(5000)
  return { clock, gate: semaphore({ permits, queue: fifo({ capacity, maxWait }), clock, name: 'api' }) }
}

function enterNow(gate: Gate, cost?: number): Permit {
  const verdict = gate.tryEnter(cost === undefined ? {} : { cost })
  assert.ok(verdict.admitted)
  return verdict
}

describe('semaphore', () => {
  it('S0.7 lets in as many as there are permits, then refuses', () => {
    const gate = semaphore({ permits: 2, name: 'api' })
    enterNow(gate)
    enterNow(gate)
    const verdict = gate.tryEnter()
    assert.ok(!verdict.admitted)
    assert.deepEqual([verdict.code, verdict.gate, verdict.load, verdict.limit], ['limit_exceeded', 'api', 3, 2])
    assert.deepEqual(gate.stats, { limit: 2, inflight: 2, queued: 0 })
  })

  it('S0.7 serves waiters first in, first out', async () => {
    const { gate } = rig(1)
    const first = enterNow(gate)
    const served: number[] = []
    const all = [1, 2, 3].map(async (id) => {
      const permit = await gate.acquire()
      served.push(id)
      permit.release('success')
    })
    first.release('success')
    await Promise.all(all)
    assert.deepEqual(served, [1, 2, 3])
  })

  it('S0.7 tenths that fit are let in, however many have come and gone while it was in use', () => {
    const steps = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 200, maxLength: 400 })
    fc.assert(
      fc.property(steps, (costs) => {
        const { gate } = rig(4)
        const held: { readonly permit: Permit; readonly tenths: number }[] = []
        let waiting = 0
        // Somebody who stays, for whom nothing is ever set back to 0.
        let used = 1
        enterNow(gate, 0.1)
        for (const tenths of costs) {
          if (tenths > 0) {
            const fits = used + tenths <= 40
            waiting++
            const waits = gate.enter({ cost: tenths / 10 }, (verdict) => {
              waiting--
              if (!verdict.admitted) return
              used += tenths
              held.push({ permit: verdict, tenths })
            })
            assert.equal(waits === undefined, fits, `${tenths} tenths, ${used} of 40 are used`)
            waits?.cancel()
          } else {
            const [left] = held.splice(-tenths % Math.max(1, held.length), 1)
            left?.permit.release('success')
            used -= left?.tenths ?? 0
          }
        }
        assert.equal(waiting, 0)
      }),
      { seed: 7, numRuns: 200 },
    )
  })

  it('S0.7 weighs: a wide head waits for room and is not overtaken', () => {
    const { gate } = rig(4)
    const [a, b] = [enterNow(gate, 3), enterNow(gate, 1)]
    const answers: string[] = []
    gate.enter({ cost: 3 }, () => answers.push('wide'))
    gate.enter({ cost: 1 }, () => answers.push('narrow'))
    b.release('success')
    assert.deepEqual(answers, [])
    const late = gate.tryEnter({ cost: 1 })
    assert.equal(late.admitted, false)
    a.release('success')
    assert.deepEqual(answers, ['wide', 'narrow'])
  })

  it('S0.7 gives one wider than the semaphore all of it', () => {
    const { gate } = rig(2)
    const permit = enterNow(gate, 50)
    assert.equal(gate.stats.inflight, 2)
    permit.release('success')
    assert.equal(gate.stats.inflight, 0)
  })

  it('S0.7 a waiter can be aborted, and leaves no listener and no timer', async () => {
    const { clock, gate } = rig(1)
    const first = enterNow(gate)
    const leaving = new AbortController()
    const waiting = gate.acquire({ signal: leaving.signal })
    assert.equal(gate.stats.queued, 1)
    leaving.abort(new Error('left'))
    await assert.rejects(waiting, /left/)
    assert.equal(gate.stats.queued, 0)
    assert.equal(clock.pending, 0)
    first.release('success')
    assert.equal(gate.stats.inflight, 0)
  })

  it('S0.7 a waiter times out at the bound of the queue, at its own, or at its deadline', async () => {
    const { clock, gate } = rig(1)
    enterNow(gate)
    const codes = [{}, { maxWait: 20 }, { deadline: clock.now() + 50 }].map((arrival) =>
      gate.acquire(arrival).then(
        () => 'let in',
        (error: unknown) => [(error as RejectedError).code, clock.now()],
      ),
    )
    clock.advance(19)
    assert.equal(gate.stats.queued, 3)
    clock.advance(1)
    await Promise.resolve()
    assert.equal(gate.stats.queued, 2)
    clock.advance(30)
    assert.equal(gate.stats.queued, 1)
    clock.advance(50)
    assert.equal(gate.stats.queued, 0)
    const [bound, own, deadline] = await Promise.all(codes)
    assert.equal(bound?.[0], 'queue_timeout')
    assert.equal(own?.[0], 'queue_timeout')
    assert.equal(deadline?.[0], 'deadline')
    assert.equal(clock.pending, 0)
  })

  it('S0.7 a permit releases once, however often and however it ends', () => {
    const { gate } = rig(2)
    const [first] = [enterNow(gate), enterNow(gate)]
    first.release('success')
    first.release('failure')
    first[Symbol.dispose]()
    assert.equal(gate.stats.inflight, 1)
  })

  it('S0.7 using gives it back at the end of the scope', async () => {
    const { gate } = rig(1)
    {
      using permit = await gate.acquire()
      assert.equal(permit.admitted, true)
      assert.equal(gate.stats.inflight, 1)
    }
    assert.equal(gate.stats.inflight, 0)
    await assert.rejects(async () => {
      using _permit = await gate.acquire()
      throw new Error('work')
    }, /work/)
    assert.equal(gate.stats.inflight, 0)
  })

  it('never serves who is too late, though the timer is later still', () => {
    const { clock, gate } = rig(1)
    const first = enterNow(gate)
    const codes: string[] = []
    gate.enter({ maxWait: 10.5 }, (verdict) => codes.push(verdict.admitted ? 'let in' : verdict.code))
    clock.advance(10.75)
    assert.deepEqual(codes, [])
    first.release('success')
    assert.deepEqual(codes, ['queue_timeout'])
    assert.equal(gate.stats.inflight, 0)
  })

  it('S3.3 refuses with overload at the threshold, before the queue is full', () => {
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10 }), threshold: 3, clock: new VirtualClock() })
    for (let count = 0; count < 3; count++) gate.enter({}, () => {})
    const verdict = gate.tryEnter()
    assert.ok(!verdict.admitted)
    assert.deepEqual([verdict.code, verdict.load, verdict.limit], ['overload', 4, 3])
  })

  it('S3.3 refuses with queue_full when the queue is full', () => {
    const { gate } = rig(1, 1)
    const codes: string[] = []
    for (let count = 0; count < 3; count++)
      gate.enter({}, (verdict) => codes.push(verdict.admitted ? 'let in' : verdict.code))
    assert.deepEqual(codes, ['let in', 'queue_full'])
  })

  it('announces its pressure to who listens', () => {
    const { gate } = rig(2)
    const seen: Pressure[] = []
    using _subscription = gate.pressure.subscribe((pressure) => seen.push(pressure))
    const permit = enterNow(gate)
    permit.release('success')
    assert.deepEqual(seen, [
      { level: 0.5, cause: 'api' },
      { level: 0, cause: 'api' },
    ])
  })

  it('settles 20,000 waiters in one chain of releases without a deep stack', () => {
    const { gate } = rig(1, 20_000)
    const first = enterNow(gate)
    let served = 0
    for (let count = 0; count < 20_000; count++)
      gate.enter({}, (verdict) => {
        served++
        if (verdict.admitted) verdict.release('success')
      })
    first.release('success')
    assert.equal(served, 20_000)
    assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 0 })
  })

  it('resized, lets in whoever fits, and takes nothing from who is in', () => {
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10, maxWait: 1000 }), clock: new VirtualClock() })
    const permits: Permit[] = []
    const enter = (): void => void gate.enter({}, (verdict) => verdict.admitted && permits.push(verdict))
    for (let count = 0; count < 4; count++) enter()
    assert.deepEqual([permits.length, gate.stats], [1, { limit: 1, inflight: 1, queued: 3 }])
    gate.resize(3)
    assert.deepEqual([permits.length, gate.stats], [3, { limit: 3, inflight: 3, queued: 1 }])
    gate.resize(2)
    assert.deepEqual(gate.stats, { limit: 2, inflight: 3, queued: 1 })
    permits[0]!.release('success')
    assert.equal(gate.stats.queued, 1)
    permits[1]!.release('success')
    assert.deepEqual([permits.length, gate.stats], [4, { limit: 2, inflight: 2, queued: 0 }])
    assert.equal(gate.tryEnter().admitted, false)
    for (const wrong of [0, 1.5, NaN])
      assert.throws(() => gate.resize(wrong), { name: 'RangeError', message: /resize/ })
    gate.close()
    gate.resize(9)
    assert.equal(gate.tryEnter().admitted, false)
  })

  it('takes only options that make sense', () => {
    for (const permits of [0, -1, 1.5, Number.NaN, Infinity])
      assert.throws(() => semaphore({ permits }), { name: 'RangeError', message: /^semaphore\.permits/ })
    assert.throws(() => semaphore({ permits: 1, threshold: 0 }), { message: /^semaphore\.threshold/ })
  })
})
