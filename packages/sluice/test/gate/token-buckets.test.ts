import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  explain,
  fifo,
  keyed,
  priority,
  retryAfterOf,
  seeded,
  tokenBuckets,
  type Clock,
  type Permit,
  type Rejection,
  type TokenBuckets,
  type TokenBucketsOptions,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { faultsOf, oneAfterTheOther, steps, together } from './budget-audit.ts'
import { ExactBucket, TICKS, tieOf } from './exact-bucket.ts'

type Names = 'requests' | 'tokens'

/** One request in 100 ms, three at once; a token a ms, a hundred at once. */
const BUCKETS = {
  requests: { tokens: 10, capacity: 3, takes: 'one' },
  tokens: { tokens: 1000, capacity: 100 },
} as const

function make(clock: Clock, options: Partial<TokenBucketsOptions<Names>> = {}): TokenBuckets<Names> {
  return tokenBuckets({ buckets: BUCKETS, clock, name: 'llm', ...options })
}

const left = (gate: TokenBuckets<Names>): readonly number[] =>
  Object.values(gate.status()).map(({ available }) => Math.round(available * 1e6) / 1e6)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const refused = (gate: TokenBuckets<Names>, cost: number): Rejection => {
  const verdict = gate.tryEnter({ cost })
  assert.ok(!verdict.admitted)
  return verdict
}

describe('S2.1 several token buckets, taken from together', () => {
  it('S2.1 takes of all of them or of none', () => {
    const clock = new VirtualClock(50)
    const gate = make(clock)
    assert.deepEqual(left(gate), [3, 100])
    assert.ok(gate.tryEnter({ cost: 60 }).admitted)
    assert.deepEqual(left(gate), [2, 40])
    assert.ok(!gate.tryEnter({ cost: 41 }).admitted, 'too few tokens')
    assert.deepEqual(left(gate), [2, 40])
    assert.ok(gate.tryEnter({ cost: 1 }).admitted)
    assert.ok(gate.tryEnter({ cost: 1 }).admitted)
    assert.ok(!gate.tryEnter({ cost: 1 }).admitted, 'no request left')
    assert.deepEqual(left(gate), [0, 38])
    assert.equal(clock.pending, 0)
  })

  it('S2.1 never any of one taken while another is waited for, never over a limit, never idle, never out of turn', () => {
    fc.assert(
      fc.property(steps, (script) => assert.deepEqual(faultsOf(together, script), [])),
      { numRuns: 300, seed: 21 },
    )
  })

  it('S2.1 control: one bucket after the other holds, and lets in more than a limit allows', () => {
    const seen = new Set<string>()
    for (const script of fc.sample(steps, { numRuns: 300, seed: 21 }))
      for (const fault of faultsOf(oneAfterTheOther, script)) seen.add(fault.split(':')[0]!)
    assert.ok(seen.has('held'), 'the audit sees nothing held')
    assert.ok(seen.has('over the limit'), 'the audit sees no limit passed')
  })

  it('S2.1 who waits holds nothing, and is let in at the instant at which all suffice, in turn', () => {
    const clock = new VirtualClock(1000)
    const gate = make(clock, { queue: fifo({ maxWait: 10_000 }) })
    gate.tryEnter({ cost: 100 })
    const answers: string[] = []
    for (const cost of [80, 90, 1, 1])
      gate.enter({ cost }, (verdict) => answers.push(verdict.admitted ? `${cost} at ${clock.now()}` : verdict.code))
    assert.deepEqual(left(gate), [2, 0])
    clock.advance(50)
    assert.deepEqual(left(gate), [2.5, 50], 'nothing is taken while it waits')
    assert.ok(!gate.tryTake({ tokens: 1 }), 'nobody gets past those who wait')
    clock.advance(29.999)
    assert.deepEqual(answers, [])
    clock.advance(0.001)
    assert.deepEqual(answers, ['80 at 1080'])
    clock.advance(1000)
    assert.deepEqual(answers, ['80 at 1080', '90 at 1170', '1 at 1171', '1 at 1200'])
    assert.equal(clock.pending, 0)
  })

  it('S2.1 no timer while nobody waits, one for whoever is next, none that only looks', () => {
    const clock = new VirtualClock()
    let timers = 0
    const counting: Clock = {
      now: () => clock.now(),
      after: (delay, run) => {
        timers++
        return clock.after(delay, run)
      },
    }
    const gate = make(counting, { queue: fifo({ capacity: 50, maxWait: 1e9 }) })
    gate.tryEnter({ cost: 100 })
    assert.equal(timers, 0)
    let admitted = 0
    for (let arrival = 0; arrival < 50; arrival++) gate.enter({ cost: 10 }, () => admitted++)
    assert.equal(clock.pending, 2, 'the other is for their patience')
    timers = 0
    clock.advance(10_000)
    assert.equal(admitted, 50)
    assert.ok(timers <= 50, `${timers} timers for 50 admissions`)
    assert.equal(clock.pending, 0)
  })

  it('S2.1 acquire and run wait their turn; who gives up leaves no place, no listener, no timer, and took nothing', async () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    gate.tryEnter({ cost: 100 })
    const leaver = new AbortController()
    const first = gate.acquire({ cost: 100, signal: leaver.signal })
    const second = gate.run(() => clock.now(), { cost: 20 })
    clock.advance(30)
    await turn()
    assert.equal(gate.stats.queued, 2, 'a wide one at the head is not overtaken')
    leaver.abort(new Error('changed my mind'))
    await assert.rejects(first, { message: 'changed my mind' })
    assert.equal(await second, 30)
    assert.deepEqual(left(gate), [1.3, 10])
    assert.equal(getEventListeners(leaver.signal, 'abort').length, 0)
    assert.equal(clock.pending, 0)
  })

  it('S2.1 by default a thousand wait, for a minute', async () => {
    const clock = new VirtualClock()
    const gate = tokenBuckets({ buckets: { calls: { tokens: 1, per: 1e6 } }, clock })
    gate.tryTake()
    const codes: string[] = []
    for (let arrival = 0; arrival < 1001; arrival++)
      gate.enter({}, (verdict) => codes.push(verdict.admitted ? 'in' : `${verdict.code} ${verdict.gate}`))
    assert.deepEqual(codes, ['queue_full token-buckets'])
    clock.advance(59_999)
    assert.equal(codes.length, 1)
    clock.advance(300)
    assert.equal(codes.length, 1001)
    assert.equal(codes.at(-1), 'queue_timeout token-buckets.calls')
  })

  it('S2.1 a refusal names the bucket that is the last to suffice, and when: then there is enough', () => {
    const clock = new VirtualClock(7)
    const gate = make(clock)
    for (const cost of [50, 1, 1]) gate.tryEnter({ cost })
    clock.advance(20)
    const requests = refused(gate, 10)
    assert.equal(explain(requests), 'llm.requests refused: this flow has spent its quota; load 1, limit 0.2')
    assert.equal(retryAfterOf(requests), 80)
    assert.equal(gate.pressure.value.cause, 'llm.requests')
    clock.advance(79.99)
    assert.ok(!gate.tryEnter({ cost: 10 }).admitted)
    clock.advance(0.01)
    assert.ok(gate.tryEnter({ cost: 10 }).admitted)
    clock.advance(300)
    gate.tryEnter({ cost: 100 })
    const tokens = refused(gate, 30)
    assert.deepEqual(
      [tokens.code, tokens.gate, tokens.load, tokens.limit, tokens.retryAfter],
      ['rate_limited', 'llm.tokens', 30, 0, 30],
    )
    assert.equal(gate.pressure.value.cause, 'llm.tokens')
    assert.equal(gate.pressure.value.level, 1)
    assert.equal(make(clock).pressure.value.level, 0)
  })

  it('S2.1 behind those who wait a refusal says so, and to come back no sooner than they are served', () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    gate.tryEnter({ cost: 50 })
    const waiting = gate.enter({ cost: 100 }, () => {})
    const { gate: name, load, limit, retryAfter } = refused(gate, 10)
    assert.deepEqual({ name, load, limit, retryAfter }, { name: 'llm', load: 2, limit: 1, retryAfter: 50 })
    const { gate: bucket, retryAfter: later } = refused(gate, 70)
    assert.deepEqual([bucket, later], ['llm.tokens', 50], 'its own would be there in 20')
    clock.advance(10)
    assert.equal(refused(gate, 10).retryAfter, 40)
    waiting!.cancel()
    assert.equal(refused(gate, 70).retryAfter, 10, 'nobody is before it any more')
  })

  it('S2.1 settles estimates: what was not needed comes back, what was needed beyond becomes a debt', async () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    const high = gate.tryEnter({ cost: 100 }) as Permit
    const waiting = gate.acquire({ cost: 60 })
    high.release('failure', 40)
    high.release('success', 1)
    await waiting
    assert.deepEqual(left(gate), [1, 0], 'one request each, and who waited got what came back')
    const low = await waiting
    low.release('success', 1060)
    assert.deepEqual(left(gate), [1, -1000])
    assert.ok(!gate.tryEnter({ cost: 1 }).admitted)
    assert.deepEqual(left(gate), [1, -1000], 'asking forgives nothing')
    assert.equal(gate.status().tokens.fullIn, 1100)
    clock.advance(1000)
    assert.ok(!gate.tryEnter({ cost: 1 }).admitted)
    clock.advance(1)
    assert.ok(gate.tryEnter({ cost: 1 }).admitted)
    clock.advance(10_000)
    assert.deepEqual(left(gate), [3, 100])
  })

  it('S2.1 over-use becomes a debt also where the bucket has been full again for long', () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    const permit = gate.tryEnter({ cost: 10 }) as Permit
    clock.advance(60_000)
    permit.release('success', 510)
    assert.deepEqual(left(gate), [3, -400])
  })

  it('S2.1 a debt makes those wait longer who wait already', () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    const permit = gate.tryEnter({ cost: 100 }) as Permit
    let at = -1
    gate.enter({ cost: 50 }, () => (at = clock.now()))
    clock.advance(20)
    permit.release('success', 300)
    clock.advance(229)
    assert.equal(at, -1)
    clock.advance(1)
    assert.equal(at, 250)
  })

  it('S2.1 a request that never was comes back too; one that failed has been', () => {
    const gate = make(new VirtualClock())
    const [never, failed] = [gate.tryEnter({ cost: 20 }), gate.tryEnter({ cost: 20 })] as Permit[]
    never!.release('ignored', 0)
    assert.deepEqual(left(gate), [2, 80])
    failed!.release('failure', 0)
    assert.deepEqual(left(gate), [2, 100])
    const left3 = gate.tryEnter({ cost: 20 }) as Permit
    left3.release('ignored')
    assert.deepEqual(left(gate), [1, 80], 'ended without a cost, an estimate stands')
    const aborted = gate.tryEnter({ cost: 20 }) as Permit
    aborted.release('ignored', 5)
    assert.deepEqual(left(gate), [0, 75], 'what has cost something has been')
  })

  it('S2.1 an actual cost that makes no sense settles nothing', () => {
    for (const nonsense of [Number.NaN, -1, Infinity, 1e300]) {
      const gate = make(new VirtualClock())
      const permit = gate.tryEnter({ cost: 20 }) as Permit
      permit.release('success', nonsense)
      assert.deepEqual(left(gate), [2, 80], String(nonsense))
    }
  })

  it('S2.1 take names amounts bucket by bucket; what it does not name is as `takes` says', async () => {
    const clock = new VirtualClock()
    const gate = tokenBuckets({
      clock,
      buckets: {
        requests: { tokens: 10, capacity: 3, takes: 'one' },
        input: { tokens: 1000, capacity: 100 },
        output: { tokens: 100, capacity: 50 },
      },
    })
    await gate.take({ input: 90, output: 50 })
    assert.deepEqual(
      Object.values(gate.status()).map(({ available }) => available),
      [2, 10, 0],
    )
    assert.equal(gate.timeUntil({ input: 10, output: 1 }), 10)
    assert.equal(gate.timeUntil({ input: 10, output: 0 }), 0)
    assert.equal(gate.timeUntil({ input: 101 }), Infinity)
    gate.adjust('output', -100)
    assert.equal(gate.timeUntil({ input: 10, output: 0 }), 0)
    assert.ok(gate.tryTake({ input: 10, output: 0 }), 'what it takes nothing of it does not wait for')
    const amounts = { requests: 2, input: 20, output: 10 }
    let at = -1
    const taken = gate.take(amounts, { maxWait: 2000 }).then(() => (at = clock.now()))
    amounts.output = 40
    clock.advance(1099)
    await turn()
    assert.equal(at, -1)
    clock.advance(1)
    await taken
    assert.equal(at, 1100)
    const late = gate.take({ output: 30 }, { maxWait: 10 })
    clock.advance(20)
    await assert.rejects(late, (error: { rejection: Rejection }) => {
      const { code, gate: name, load, limit, retryAfter } = error.rejection
      assert.deepEqual([code, name, load], ['queue_timeout', 'token-buckets.output', 30])
      assert.ok(Math.abs(retryAfter! - (30 - limit) * 10) < 1e-6)
      return true
    })
    assert.equal(clock.pending, 0)
    await assert.rejects(gate.take({}, { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' })
  })

  it('S2.1 whoever pushes somebody out is asked for its own amounts, also when tokens come back meanwhile', async () => {
    const clock = new VirtualClock()
    const gate = make(clock, { queue: priority({ capacity: 1, maxWait: 1e6 }) })
    gate.tryEnter({ cost: 100 })
    gate.adjust('tokens', -1000)
    gate.enter({ cost: 100, priority: 1 }, () => gate.adjust('tokens', 1050))
    await gate.take({ tokens: 40 }, { priority: 3 })
    assert.deepEqual(left(gate), [1, 10])
    assert.equal(clock.pending, 0)
  })

  it('S2.2 adjust sets what became known otherwise, at once: up lets in who waits, down makes them wait', () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    gate.tryEnter({ cost: 100 })
    let at = -1
    gate.enter({ cost: 50 }, () => (at = clock.now()))
    gate.adjust('tokens', -30 - gate.status().tokens.available)
    assert.deepEqual(left(gate), [2, -30])
    clock.advance(60)
    assert.equal(at, -1)
    gate.adjust('tokens', 20)
    assert.equal(at, 60)
    gate.adjust('tokens', 1e6)
    assert.deepEqual(left(gate), [1.6, 100], 'never fuller than full')
    assert.equal(clock.pending, 0)
  })

  it('S2.1 more than a capacity is an error at once that names field, value and expectation', async () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    const clear = {
      name: 'RangeError',
      message: 'arrival.cost: expected at most 100, the capacity of llm.tokens, got 101',
    }
    assert.throws(() => gate.tryEnter({ cost: 101 }), clear)
    assert.throws(() => gate.enter({ cost: 101 }, () => {}), clear)
    await assert.rejects(gate.acquire({ cost: 101 }), clear)
    await assert.rejects(
      gate.run(() => 1, { cost: 101 }),
      clear,
    )
    assert.throws(() => gate.tryTake({ tokens: 101 }), { message: /^amounts\.tokens: expected at most 100.*got 101/ })
    assert.throws(() => gate.tryTake({ requests: 4 }), { message: /^amounts\.requests: expected at most 3/ })
    await assert.rejects(gate.take({ tokens: -1 }), { message: /^amounts\.tokens: expected .*at least 0, got -1/ })
    await assert.rejects(gate.take({ token: 1 } as never), {
      message: 'amounts: expected one of requests, tokens, got "token"',
    })
    assert.throws(() => gate.adjust('token' as Names, 1), { message: /tokenBuckets\.adjust: .*requests, tokens/ })
    for (const nonsense of [Number.NaN, Infinity, 1e300])
      assert.throws(() => gate.adjust('tokens', nonsense), {
        message: /tokenBuckets\.adjust\.tokens: expected a number/,
      })
    assert.deepEqual(left(gate), [3, 100])
    assert.equal(clock.pending, 0)
    assert.ok(gate.tryEnter({ cost: 100 }).admitted, 'control: exactly the capacity can be had')
  })

  it('S2.1 options out of range are named', () => {
    for (const [bucket, message] of [
      [{ tokens: 0 }, /^tokenBuckets\.buckets\.a\.tokens: expected .* got 0/],
      [{ tokens: 1, per: 0 }, /^tokenBuckets\.buckets\.a\.per/],
      [{ tokens: 1, capacity: 0.5 }, /^tokenBuckets\.buckets\.a\.capacity/],
      [{ tokens: 1, takes: 'all' as 'one' }, /^tokenBuckets\.buckets\.a\.takes: expected 'cost' or 'one', got "all"/],
    ] as const)
      assert.throws(() => tokenBuckets({ buckets: { a: bucket } }), { name: 'RangeError', message })
    const few = tokenBuckets({ buckets: { a: { tokens: 0.5 }, b: { tokens: 7 } } }).status()
    assert.deepEqual([few.a.capacity, few.b.capacity], [1, 7])
    assert.throws(() => tokenBuckets({ buckets: {} }), { name: 'RangeError', message: /at least one bucket, got none/ })
  })

  it('S2.1 closed, it refuses those who wait and those who come', async () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    gate.tryEnter({ cost: 100 })
    const waiting = gate.take({ tokens: 10 })
    gate.close()
    await assert.rejects(waiting, { code: 'closed' })
    await assert.rejects(gate.acquire(), { code: 'closed' })
    assert.ok(!gate.tryTake())
    assert.equal(clock.pending, 0)
    clock.advance(10_000)
    assert.equal(refused(gate, 1).gate, 'llm')
  })

  it('S2.1 shut, it lets in nobody who waits, and tells them only when it closes', () => {
    const clock = new VirtualClock()
    const gate = make(clock)
    gate.tryEnter({ cost: 100 })
    const codes: string[] = []
    gate.enter({ cost: 10 }, (verdict) => codes.push(verdict.admitted ? 'in' : verdict.code))
    gate.core.shut!()
    clock.advance(100)
    gate.adjust('tokens', 100)
    assert.deepEqual(codes, [])
    gate.close()
    assert.deepEqual(codes, ['closed'])
    assert.equal(clock.pending, 0)
  })

  it('S2.1 nobody is let in who is late already', () => {
    const clock = new VirtualClock(500)
    const late = make(clock).tryEnter({ deadline: 500 })
    assert.ok(!late.admitted)
    assert.deepEqual([late.code, late.gate], ['deadline', 'llm'])
    assert.ok(make(clock).tryEnter({ deadline: 501 }).admitted)
  })

  it('S2.1 keyed: each has buckets of its own', () => {
    const clock = new VirtualClock()
    const gate = keyed(
      ({ flow }) => flow,
      () => make(clock),
    )
    for (let request = 0; request < 3; request++) assert.ok(gate.tryEnter({ flow: 'a' }).admitted)
    assert.ok(!gate.tryEnter({ flow: 'a' }).admitted)
    assert.ok(gate.tryEnter({ flow: 'b', cost: 100 }).admitted)
    const [first] = gate.core.parts!
    assert.equal(first!.atRest, false)
    clock.advance(1000)
    assert.equal(first!.atRest, true)
  })

  it('S2.1 an observer hears of take and tryTake', async () => {
    const heard: string[] = []
    const gate = make(new VirtualClock(), {
      observer: { admitted: () => heard.push('admitted'), rejected: (_, { gate: by }) => heard.push(by) },
    })
    await gate.take({ tokens: 100 })
    assert.ok(!gate.tryTake({ tokens: 1 }))
    gate.tryEnter({ cost: 1 })
    assert.deepEqual(heard, ['admitted', 'llm.tokens', 'llm.tokens'])
  })
})

describe('S2.1 several token buckets beside exact arithmetic', () => {
  it('S2.1 no drift: after 300,000 takes both agree with it still', () => {
    const clock = new VirtualClock(123_456_789)
    const gate = tokenBuckets({
      clock,
      buckets: { calls: { tokens: 333, capacity: 10, takes: 'one' }, units: { tokens: 7, per: 9, capacity: 64 } },
    })
    const models = [new ExactBucket(333, 1000, 10), new ExactBucket(7, 9, 64)] as const
    const tie = tieOf(123_456_789, 9 / 7, 300_000)
    const random = seeded(5)
    let taken = 0
    for (let operation = 0; operation < 300_000; operation++) {
      const wait = Math.floor(random() * 40)
      const cost = 1 + Math.floor(random() * 3)
      clock.advance(wait / TICKS)
      for (const model of models) model.pass(wait)
      const spare = Math.min(models[0].spare(1), models[1].spare(cost))
      const took = gate.tryTake({ units: cost })
      assert.ok(took ? spare >= -tie : spare < tie, `${took}: ${spare}`)
      if (!took) continue
      taken++
      models[0].take(1)
      models[1].take(cost)
    }
    assert.ok(taken > 100_000, `${taken} taken`)
    const { calls, units } = gate.status()
    assert.ok(Math.abs(calls.available - models[0].spare(0)) < tie)
    assert.ok(Math.abs(units.available - models[1].spare(0)) < tie)
  })

  it('S2.1 a clock that jumps forward is worth full buckets at most, one that jumps back changes nothing', () => {
    const clock = {
      time: 1e9,
      now: (): number => clock.time,
      after: (): never => assert.fail('nobody waits here'),
    }
    const gate = make(clock)
    gate.tryTake({ requests: 3, tokens: 100 })
    gate.adjust('tokens', -50)
    clock.time += 1e12
    assert.deepEqual(left(gate), [3, 100])
    gate.tryTake({ requests: 3, tokens: 100 })
    gate.adjust('tokens', -50)
    clock.time -= 1e6
    assert.deepEqual(left(gate), [0, -50])
    clock.time += 100
    assert.deepEqual(left(gate), [1, 50])
    assert.ok(gate.tryTake({ tokens: 50 }))
  })

  it('S2.1 what is said to be there after so long is there after so long', () => {
    const rate = fc.record({ tokens: fc.integer({ min: 1, max: 5000 }), per: fc.integer({ min: 1, max: 60_000 }) })
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 1, max: 100 }), (a, b, amount) => {
        const clock = new VirtualClock(1e5)
        const gate = tokenBuckets({ clock, buckets: { a: { ...a, capacity: 100 }, b: { ...b, capacity: 100 } } })
        gate.tryTake({ a: 100, b: 100 })
        clock.advance(0.1)
        clock.advance(gate.timeUntil({ a: amount, b: amount }))
        assert.ok(gate.tryTake({ a: amount, b: amount }))
      }),
      { numRuns: 300, seed: 3 },
    )
  })

  it('S2.1 time goes on however far from its origin the clock is, and however small a token', () => {
    for (let start = 0; start < 200; start++) {
      const clock = new VirtualClock(1e12 + start * 0.37)
      let timers = 0
      const counting: Clock = {
        now: () => clock.now(),
        after: (delay, run) => {
          assert.ok(++timers < 1000, 'asks for the same instant again and again')
          return clock.after(delay, run)
        },
      }
      const gate = tokenBuckets({
        clock: counting,
        buckets: { units: { tokens: 1e9 + start * 7, per: 60_000, capacity: 1e6 } },
      })
      gate.tryTake({ units: 1e6 })
      for (let taker = 0; taker < 20; taker++) void gate.take({ units: 12_345 + taker * start })
      clock.advance(1000)
      assert.equal(gate.stats.queued, 0)
    }
  })
})
