import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { fifo, RejectedError, tokenBucket, type TokenBucket } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** Ten a second, five at once. */
function make(clock: VirtualClock): TokenBucket {
  return tokenBucket({ tokens: 10, capacity: 5, clock })
}

/** One turn of the event loop: every promise that can settle has. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('S0.8 a token bucket', () => {
  it('S0.8 knows what is at hand and when so many will be', () => {
    const clock = new VirtualClock(77)
    const bucket = make(clock)
    assert.equal(bucket.available, 5)
    assert.equal(bucket.timeUntil(5), 0)
    assert.ok(bucket.tryTake(4))
    assert.equal(bucket.available, 1)
    assert.equal(bucket.timeUntil(3), 200)
    assert.ok(!bucket.tryTake(2))
    clock.advance(99)
    assert.ok(!bucket.tryTake(2))
    clock.advance(1)
    assert.ok(bucket.tryTake(2))
    assert.equal(bucket.timeUntil(6), Infinity)
    assert.equal(clock.pending, 0)
  })

  it('S0.8 more than the capacity is an error at once that names field, value and expectation', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    const clear = { name: 'RangeError', message: /arrival\.cost: expected at most 5.*token-bucket.*got 6/ }
    assert.throws(() => bucket.tryTake(6), clear)
    assert.throws(() => bucket.tryEnter({ cost: 6 }), clear)
    assert.throws(() => bucket.enter({ cost: 6 }, () => {}), clear)
    await assert.rejects(bucket.take(6), clear)
    await assert.rejects(bucket.acquire({ cost: 6 }), clear)
    for (const nonsense of [0, -1, Number.NaN, Infinity])
      assert.throws(() => bucket.tryTake(nonsense), { name: 'RangeError', message: /cost/ })
    assert.equal(bucket.available, 5)
    assert.equal(clock.pending, 0)
    assert.ok(bucket.tryTake(5), 'control: exactly the capacity can be had')
  })

  it('S0.8 take waits its turn: first come, first served, each at the very ms its tokens are there', async () => {
    const clock = new VirtualClock(1000)
    const bucket = make(clock)
    bucket.tryTake(5)
    const order: string[] = []
    const taken = [3, 1, 2].map((count, index) =>
      bucket.take(count).then(() => order.push(`${index} at ${clock.now()}`)),
    )
    assert.ok(!bucket.tryTake(1), 'nobody gets past those who wait')
    assert.equal(bucket.stats.queued, 3)
    for (let ms = 0; ms < 700; ms++) {
      clock.advance(1)
      if (ms % 50 === 49) await turn()
    }
    await Promise.all(taken)
    assert.deepEqual(order, ['0 at 1300', '1 at 1400', '2 at 1600'])
    assert.equal(clock.pending, 0)
  })

  it('S0.8 timeUntil is exact to the wake-up', async () => {
    const clock = new VirtualClock(1000)
    const bucket = tokenBucket({ tokens: 7, per: 1000, capacity: 3, clock })
    bucket.tryTake(3)
    const wait = bucket.timeUntil(2)
    let done = false
    const taken = bucket.take(2).then(() => (done = true))
    clock.advance(wait - 0.001)
    await turn()
    assert.ok(!done, 'too early')
    clock.advance(0.001)
    await turn()
    assert.ok(done, 'too late')
    await taken
  })

  it('S0.8 a take can be aborted: its listener, its place and its timer go with it', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(5)
    const leaver = new AbortController()
    const first = bucket.take(5, { signal: leaver.signal })
    const second = bucket.take(1)
    assert.equal(getEventListeners(leaver.signal, 'abort').length, 1)
    clock.advance(100)
    await turn()
    assert.equal(bucket.stats.queued, 2, 'a wide one at the head is not overtaken')
    leaver.abort(new Error('changed my mind'))
    await assert.rejects(first, { message: 'changed my mind' })
    await second
    assert.equal(getEventListeners(leaver.signal, 'abort').length, 0)
    assert.equal(bucket.stats.queued, 0)
    assert.equal(clock.pending, 0)
  })

  it('S0.8 no timer is left when the last one who waited has left', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(5)
    assert.equal(clock.pending, 0)
    const leaver = new AbortController()
    const taken = bucket.take(1, { signal: leaver.signal })
    assert.ok(clock.pending > 0)
    leaver.abort()
    await assert.rejects(taken)
    assert.equal(clock.pending, 0)
  })

  it('S0.8 a signal that is aborted already takes nothing', async () => {
    const bucket = make(new VirtualClock())
    await assert.rejects(bucket.take(1, { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' })
    assert.equal(bucket.available, 5)
  })

  it('S0.8 whoever has waited long enough is refused', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(5)
    const taken = assert.rejects(bucket.take(5, { maxWait: 50 }), (error: RejectedError) => {
      assert.equal(error.code, 'queue_timeout')
      return true
    })
    clock.advance(60)
    await taken
    assert.equal(clock.pending, 0)
  })

  it('S0.8 settles estimates: what was not needed comes back, what was needed beyond becomes a debt', () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    const low = bucket.tryEnter({ cost: 2 })
    assert.ok(low.admitted)
    low.release('success', 7)
    low.release('success', 100)
    assert.equal(bucket.available, -2)
    assert.equal(bucket.timeUntil(1), 300)
    clock.advance(700)
    assert.equal(bucket.available, 5)
    const high = bucket.tryEnter({ cost: 5 })
    assert.ok(high.admitted)
    high.release('success', 1)
    assert.equal(bucket.available, 4)
    bucket.tryEnter({ cost: 2 })
    const untouched = bucket.tryEnter({ cost: 1 })
    assert.ok(untouched.admitted)
    untouched.release('failure')
    assert.equal(bucket.available, 1, 'ended without a cost, an estimate stands')
  })

  it('S0.8 over-use becomes a debt also where the bucket has been full again for long', () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    const verdict = bucket.tryEnter({ cost: 1 })
    assert.ok(verdict.admitted)
    clock.advance(60_000)
    assert.equal(bucket.available, 5)
    verdict.release('success', 51)
    assert.equal(bucket.available, -45)
  })

  it('S0.8 an arrival that named no cost can be settled too', () => {
    const bucket = make(new VirtualClock())
    const verdict = bucket.tryEnter()
    assert.ok(verdict.admitted)
    verdict.release('success', 3)
    assert.equal(bucket.available, 2)
  })

  it('S0.8 a refund never makes it fuller than full, and lets in who waits', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    const verdict = bucket.tryEnter({ cost: 5 })
    assert.ok(verdict.admitted)
    const waiting = bucket.take(3)
    verdict.release('ignored', 0)
    await waiting
    assert.equal(bucket.available, 2)
    const late = bucket.tryEnter({ cost: 1 })
    assert.ok(late.admitted)
    clock.advance(10_000)
    late.release('ignored', 0)
    assert.equal(bucket.available, 5)
    clock.advance(10_000)
    assert.equal(bucket.available, 5)
  })

  it('S0.8 a refusal says when to come back, and then there is room', () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(5)
    clock.advance(30)
    const refusal = bucket.tryEnter({ cost: 2 })
    assert.ok(!refusal.admitted)
    assert.equal(refusal.code, 'rate_limited')
    assert.equal(refusal.retryAfter, 170)
    clock.advance(refusal.retryAfter)
    assert.ok(bucket.tryTake(2))
  })

  it('S0.8 behind those who wait a refusal says to come back no sooner than they are served', () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(4)
    void bucket.take(5)
    for (const [cost, retryAfter] of [
      [1, 400],
      [3, 400],
    ] as const) {
      const refusal = bucket.tryEnter({ cost })
      assert.ok(!refusal.admitted)
      assert.equal(refusal.retryAfter, retryAfter)
    }
    clock.advance(100)
    const refusal = bucket.tryEnter()
    assert.ok(!refusal.admitted)
    assert.equal(refusal.retryAfter, 300)
  })

  it('S0.8 an actual cost that makes no sense settles nothing', () => {
    for (const nonsense of [Number.NaN, -1, Infinity, 1e300]) {
      const bucket = make(new VirtualClock())
      const verdict = bucket.tryEnter({ cost: 2 })
      assert.ok(verdict.admitted)
      verdict.release('success', nonsense)
      assert.equal(bucket.available, 3, String(nonsense))
    }
  })

  it('S0.8 as a gate it lets wait only where it has a queue', () => {
    const clock = new VirtualClock()
    const patient = tokenBucket({ tokens: 10, capacity: 1, clock, queue: fifo({ capacity: 1 }) })
    const answers: string[] = []
    for (let arrival = 0; arrival < 3; arrival++)
      patient.enter({}, (verdict) => answers.push(verdict.admitted ? `in after ${verdict.waited}` : verdict.code))
    assert.deepEqual(answers, ['in after 0', 'queue_full'])
    clock.advance(100)
    assert.deepEqual(answers, ['in after 0', 'queue_full', 'in after 100'])
    const impatient = make(clock)
    impatient.tryTake(5)
    impatient.enter({}, (verdict) => answers.push(verdict.admitted ? 'in' : verdict.code))
    assert.equal(answers.at(-1), 'rate_limited')
  })

  it('S0.8 closed, it refuses those who wait and those who come', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(5)
    const waiting = bucket.take(1)
    bucket.close()
    await assert.rejects(waiting, { code: 'closed' })
    await assert.rejects(bucket.take(1), { code: 'closed' })
    assert.ok(!bucket.tryTake(1))
    assert.equal(clock.pending, 0)
    clock.advance(10_000)
    const verdict = bucket.tryEnter()
    assert.ok(!verdict.admitted && verdict.code === 'closed')
  })

  it('S0.8 shut, it lets in nobody who waits, and tells them only when it closes', async () => {
    const clock = new VirtualClock()
    const bucket = make(clock)
    bucket.tryTake(5)
    let code = ''
    const waiting = bucket.take(1).catch((error: RejectedError) => (code = error.code))
    bucket.core.shut!()
    clock.advance(1000)
    await turn()
    assert.equal(code, '')
    bucket.close()
    await waiting
    assert.equal(code, 'closed')
    assert.equal(clock.pending, 0)
  })

  it('S0.8 options out of range are named', () => {
    for (const [options, message] of [
      [{ tokens: 0 }, /tokenBucket\.tokens/],
      [{ tokens: 1, per: 0 }, /tokenBucket\.per/],
      [{ tokens: 1, capacity: 0.5 }, /tokenBucket\.capacity/],
    ] as const)
      assert.throws(() => tokenBucket(options), { name: 'RangeError', message })
  })
})
