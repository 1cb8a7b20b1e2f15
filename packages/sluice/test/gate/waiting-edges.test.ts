import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fair,
  fifo,
  limiter,
  fixed,
  retryBudget,
  semaphore,
  series,
  tokenBucket,
  tokenBuckets,
  type Gate,
  type Pressure,
  type Rejection,
  type Verdict,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const refusalOf = (verdict: Verdict): Rejection => {
  assert.ok(!verdict.admitted)
  return verdict
}

/** What a gate says to who may wait, where it says so at once. */
function entered(gate: Gate, arrival: object): Verdict | undefined {
  let said: Verdict | undefined
  gate.enter(arrival, (verdict) => (said = verdict))
  return said
}

describe('S1.4 whoever waits', () => {
  it('a full queue says how many would wait, and how many may', () => {
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 2 }), clock: new VirtualClock(), name: 'slots' })
    for (let count = 0; count < 3; count++) entered(gate, {})
    const { code, load, limit, gate: name } = refusalOf(entered(gate, {})!)
    assert.deepEqual([code, load, limit, name], ['queue_full', 3, 2, 'slots'])
  })

  it('a full queue in which somebody could be pushed out says the same to who cannot', () => {
    const gate = semaphore({ permits: 1, queue: fair({ capacity: 2, hand: 1 }), clock: new VirtualClock() })
    for (let count = 0; count < 3; count++) entered(gate, { flow: 'a' })
    const { code, load, limit } = refusalOf(entered(gate, { flow: 'a' })!)
    assert.deepEqual([code, load, limit], ['queue_full', 3, 2])
  })

  it('S1.4 whoever cannot be in time when its turn comes is refused at once, and told when that would be', () => {
    const clock = new VirtualClock(1000)
    const gate = semaphore({ permits: 1, queue: fifo(), clock })
    const serve = (): void => {
      gate.enter({}, (verdict) => verdict.admitted && clock.after(10, () => verdict.release('success')))
    }
    for (let count = 0; count < 10; count++) serve()
    clock.advance(35)
    const waiting = gate.stats.queued
    assert.equal(waiting, 6)
    const { code, load, limit } = refusalOf(entered(gate, { deadline: 1035 + 60 })!)
    assert.deepEqual([code, load, limit], ['deadline', 1035 + 60, 1035 + 60])
    assert.equal(entered(gate, { deadline: 1035 + 61 }), undefined, 'in time: it waits')
    assert.equal(gate.stats.queued, waiting + 1)
  })

  it('where nothing is known of how long that takes whoever is late already is refused', () => {
    const clock = new VirtualClock(1000)
    const discipline = fifo()
    const unknowing = {
      ...discipline,
      open: <W extends Parameters<ReturnType<typeof discipline.open>['push']>[0]>() => {
        const queue = discipline.open<W>()
        Object.defineProperty(queue, 'expectedWait', { value: undefined })
        return queue
      },
    }
    const gate = semaphore({ permits: 1, queue: unknowing, clock })
    gate.tryEnter()
    assert.equal(refusalOf(entered(gate, { deadline: 1000 })!).code, 'deadline')
    assert.equal(entered(gate, { deadline: 1001 }), undefined)
  })

  it('whoever is late is refused where there is room, too', () => {
    const clock = new VirtualClock(1000)
    for (const gate of [
      semaphore({ permits: 1, clock }),
      limiter({ limit: fixed(1), clock }),
      tokenBucket({ tokens: 1, clock }),
      tokenBuckets({ buckets: { one: { tokens: 1 } }, clock }),
    ]) {
      const { code, load, limit } = refusalOf(gate.tryEnter({ deadline: 1000 }))
      assert.deepEqual([code, load, limit], ['deadline', 1000, 1000], gate.name)
      assert.ok(gate.tryEnter({ deadline: 1001 }).admitted)
    }
  })

  it('S1.13 what work really took is held against the flow it was of, if it waited', () => {
    const turns = (actual: number): string => {
      const gate = semaphore({ permits: 1, queue: fair({ hand: 1 }), clock: new VirtualClock(1000) })
      const said: string[] = []
      const held: Verdict[] = []
      const first = gate.tryEnter()
      for (let time = 0; time < 3; time++)
        for (const flow of ['a', 'b'])
          gate.enter({ flow }, (verdict) => {
            said.push(flow)
            held.push(verdict)
          })
      assert.ok(first.admitted)
      first.release('success')
      for (let time = 0; time < 3; time++) {
        const verdict = held[time]!
        assert.ok(verdict.admitted)
        verdict.release('success', time === 0 ? actual : 1)
      }
      return said.slice(1).filter((flow) => flow === said[0]).length === 0 ? 'waits' : 'has its turn'
    }
    assert.equal(turns(9), 'waits')
    assert.equal(turns(1), 'has its turn')
  })

  it('S1.13 nothing is settled for who never waited', () => {
    const gate = semaphore({ permits: 1, queue: fair({ hand: 1 }), clock: new VirtualClock(1000) })
    const permit = gate.tryEnter({ cost: 1, maxWait: 5 })
    assert.ok(permit.admitted)
    assert.doesNotThrow(() => permit.release('success', 7))
  })

  it('whoever leaves a series is told where it waited', () => {
    const clock = new VirtualClock(1000)
    const inner = semaphore({ permits: 1, queue: fifo(), clock, name: 'inner' })
    const gate = series(semaphore({ permits: 5, clock, name: 'outer' }), inner)
    gate.tryEnter()
    let said: Verdict | undefined
    gate.enter({}, (verdict) => (said = verdict))!.cancel()
    const { code, gate: where } = refusalOf(said!)
    assert.deepEqual([code, where], ['cancelled', 'inner'])
  })
})

describe('S1.4 what makes no sense is named', () => {
  it('whether it would have to wait or not', () => {
    const gate = semaphore({ permits: 1, queue: fifo(), clock: new VirtualClock(1000) })
    gate.tryEnter()
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ cost: '1' }, /^arrival\.cost: expected a finite number above 0/],
      [{ cost: 0 }, /^arrival\.cost: expected a finite number above 0/],
      [{ maxWait: -1 }, /^arrival\.maxWait/],
      [{ maxWait: '5' }, /^arrival\.maxWait/],
      [{ deadline: '5' }, /^arrival\.deadline: expected an instant in ms/],
      [{ priority: 4 }, /^arrival\.priority: expected 0, 1, 2 or 3/],
    ]
    for (const [arrival, message] of wrong)
      assert.throws(() => entered(gate, arrival), { name: 'RangeError', message }, JSON.stringify(arrival))
  })
})

describe('tryTake', () => {
  it('S0.8 takes nothing while others wait for tokens, nor from a bucket that is closed', () => {
    const clock = new VirtualClock(1000)
    const bucket = tokenBucket({ tokens: 10, capacity: 10, per: 100, clock, queue: fifo() })
    assert.ok(bucket.tryTake(9))
    bucket.enter({ cost: 5 }, () => {})
    assert.equal(bucket.available, 1)
    assert.ok(!bucket.tryTake(), 'one is there, but another waits for it')
    clock.advance(100)
    assert.ok(bucket.tryTake(), 'control: nobody waits any more')
    bucket.close()
    assert.ok(!bucket.tryTake())
  })

  it('S0.8 takes all there is, and no more than there could ever be', () => {
    for (const observer of [undefined, {}]) {
      const bucket = tokenBucket({ tokens: 3, clock: new VirtualClock(1000), ...(observer && { observer }) })
      assert.throws(() => bucket.tryTake(3.5), { name: 'RangeError', message: /arrival\.cost/ })
      assert.throws(() => bucket.tryTake(0), { name: 'RangeError', message: /arrival\.cost/ })
      assert.ok(bucket.tryTake(3))
      assert.ok(!bucket.tryTake(1))
    }
  })

  it('S0.8 an observer is told of it', () => {
    const told: (number | undefined)[] = []
    const bucket = tokenBucket({
      tokens: 3,
      clock: new VirtualClock(1000),
      observer: {
        admitted: ({ cost }): void => void told.push(cost),
        rejected: ({ cost }): void => void told.push(-cost!),
      },
    })
    assert.ok(bucket.tryTake(2))
    assert.ok(!bucket.tryTake(2))
    assert.deepEqual(told, [2, -2])
  })
})

describe('pressure', () => {
  /** What is announced while a gate is used. */
  const announced = (gate: Gate, use: () => void): number[] => {
    const levels: number[] = []
    const subscription = gate.pressure.subscribe(({ level }: Pressure) => levels.push(Math.round(level * 100) / 100))
    use()
    subscription[Symbol.dispose]()
    return levels
  }
  const ended = (levels: readonly number[]): number[] => levels.filter((level, at) => level !== levels[at - 1])

  for (const [name, make] of Object.entries({
    semaphore: (clock: VirtualClock): Gate => semaphore({ permits: 2, queue: fifo(), clock }),
    limiter: (clock: VirtualClock): Gate => limiter({ limit: fixed(2), queue: fifo(), clock }),
  }))
    it(`S2.6 of a ${name} is announced as it is let into, waited before, left and closed`, () => {
      const gate = make(new VirtualClock(1000))
      const levels = announced(gate, () => {
        const first = gate.tryEnter()
        const wide = gate.tryEnter({ cost: 1 })
        const waiting = gate.enter({}, () => {})
        waiting!.cancel()
        gate.enter({}, () => {})
        gate.close()
        assert.ok(first.admitted && wide.admitted)
        first.release('success')
        wide.release('success')
      })
      assert.deepEqual(ended(levels), [0.5, 1, 1.5, 1, 1.5, 1, 0.5, 0])
    })

  it('S2.6 of buckets is announced when somebody waits, and when a debt is settled', () => {
    for (const make of [
      (clock: VirtualClock): Gate => tokenBucket({ tokens: 2, clock, queue: fifo() }),
      (clock: VirtualClock): Gate => tokenBuckets({ buckets: { one: { tokens: 2 } }, clock, queue: fifo() }),
    ]) {
      const gate = make(new VirtualClock(1000))
      const permit = gate.tryEnter({ cost: 2 })
      assert.ok(permit.admitted)
      assert.deepEqual(
        announced(gate, () => permit.release('success', 3)),
        [1.5],
      )
      assert.equal(announced(gate, () => void gate.enter({}, () => {})).length, 1)
      assert.equal(announced(gate, () => void gate.tryEnter()).length, 0, 'control: who is refused changes nothing')
    }
  })

  it('S2.6 of several buckets is that of the emptiest, which is named', () => {
    const gate = tokenBuckets({
      name: 'api',
      buckets: { arrivals: { tokens: 10, takes: 'one' }, units: { tokens: 20 } },
      clock: new VirtualClock(1000),
    })
    assert.deepEqual(gate.pressure.value, { level: 0, cause: 'api' })
    gate.tryEnter({ cost: 10 })
    assert.deepEqual(gate.pressure.value, { level: 0.5, cause: 'api.units' })
  })

  it('S2.6 of a retry budget is full when there is no retry left', () => {
    const gate = retryBudget({ reserve: 0.1, window: 10_000, clock: new VirtualClock(1000), name: 'retries' })
    assert.deepEqual(gate.pressure.value, { level: 0, cause: 'retries' })
    assert.ok(gate.tryEnter().admitted)
    assert.deepEqual(gate.pressure.value, { level: 1, cause: 'retries' })
    const { code, load, limit } = refusalOf(gate.tryEnter())
    assert.deepEqual([code, load, limit], ['rate_limited', 1, 0])
    for (let first = 0; first < 5; first++) gate.deposit()
    assert.equal(Math.round(refusalOf(gate.tryEnter()).limit * 10), 5, 'half a retry is left')
  })
})
