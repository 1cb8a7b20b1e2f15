import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  defineGate,
  fifo,
  keyed,
  leakyBucket,
  limiter,
  retryBudget,
  semaphore,
  series,
  shadow,
  tokenBucket,
  tokenBuckets,
  when,
  type Gate,
  type Observer,
  type Outcome,
  type Verdict,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

type Wrap = (make: () => Gate) => Gate

/** Gates made of another gate, which must not be less than that gate is. */
const wraps: Readonly<Record<string, Wrap>> = {
  'the gate itself': (make) => make(),
  watched: (make) => defineGate(make().core, { observer: {} }),
  'when it applies': (make) => when(() => true, make()),
  'one for each key': (make) => keyed(() => 'key', make),
  'one for each of many keys, watched': (make) => defineGate(keyed(() => 'key', make).core, { observer: {} }),
  'in a series': (make) => series(make(), semaphore({ permits: 100 })),
}

const patient = (clock: VirtualClock, permits = 1): Gate => semaphore({ permits, clock, queue: fifo(), name: 'slots' })

describe('a gate made of another', () => {
  for (const [name, wrap] of Object.entries(wraps)) {
    it(`${name}: nobody waits further out for what can never be let in here`, () => {
      const clock = new VirtualClock(1000)
      const gate = series(
        patient(clock),
        wrap(() => tokenBucket({ tokens: 2, clock })),
      )
      gate.tryEnter()
      assert.throws(() => gate.enter({ cost: 3 }, () => {}), { name: 'RangeError', message: /^arrival\.cost/ })
      assert.equal(gate.stats.queued, 0)
    })

    it(`${name}: lets nobody in once whatever it is part of is closing`, () => {
      const clock = new VirtualClock(1000)
      const outer = wrap(() => patient(clock))
      const inner = patient(clock)
      const both = series(outer, inner)
      const permit = outer.tryEnter()
      assert.ok(permit.admitted && inner.tryEnter().admitted)
      const said: string[] = []
      outer.enter({}, (verdict) => said.push(verdict.admitted ? 'let in' : verdict.code))
      // Told that it is closed, the one further in gives back what the one further out waits for.
      inner.enter({}, () => permit.release('success'))
      both.close()
      assert.deepEqual(said, ['closed'])
    })

    it(`${name}: whoever leaves is answered at once`, () => {
      const gate = wrap(() => patient(new VirtualClock(1000)))
      assert.ok(gate.tryEnter().admitted)
      const said: string[] = []
      const waiting = gate.enter({}, (verdict) => said.push(verdict.admitted ? 'let in' : verdict.code))
      waiting!.cancel()
      waiting!.cancel()
      assert.deepEqual(said, ['cancelled'])
      assert.equal(gate.stats.queued, 0)
    })

    it(`${name}: measures deadlines on the clock of the gate`, async () => {
      const clock = new VirtualClock(1000)
      const gate = wrap(() => patient(clock))
      const slow = gate.run(() => new Promise(() => {}), { timeout: 10 })
      const rejected = assert.rejects(slow, { code: 'deadline' })
      clock.advance(11)
      await rejected
    })
  }

  it('whoever it does not apply to waits for nothing, and is not checked', () => {
    const clock = new VirtualClock(1000)
    const bucket = tokenBucket({ tokens: 2, clock })
    const gate = series(
      patient(clock),
      when(() => false, bucket),
    )
    const first = gate.tryEnter()
    let admitted = false
    gate.enter({ cost: 3 }, (verdict) => (admitted = verdict.admitted))
    assert.ok(first.admitted)
    first.release('success')
    assert.ok(admitted)
    assert.equal(bucket.available, 2)
  })

  it('has the gate for a part', () => {
    const gate = semaphore({ permits: 1 })
    assert.deepEqual(when(() => true, gate).core.parts, [gate.core])
    const [part] = shadow(gate, {}).core.parts!
    assert.equal(part!.name, gate.name)
    const { core } = defineGate(
      keyed(
        () => 'key',
        () => gate,
      ).core,
      { observer: {} },
    )
    assert.deepEqual(core.parts, [])
    assert.ok(core.enter({}, false).admitted)
    assert.deepEqual(core.parts, [gate.core])
    assert.deepEqual(defineGate(gate.core, { observer: {} }).core.parts, [])
  })

  it('series without a gate is an error that says so', () => {
    const none: readonly Gate[] = []
    assert.throws(() => series(...(none as [Gate])), { name: 'RangeError', message: /^series: .*at least one/ })
  })

  it('a series takes the clock of the first part that has one', async () => {
    const clock = new VirtualClock(1000)
    const { core } = semaphore({ permits: 1 })
    const timeless = defineGate({
      name: 'timeless',
      pressure: core.pressure,
      stats: core.stats,
      enter: (arrival, mayWait) => core.enter(arrival, mayWait),
      close() {},
    })
    const late = assert.rejects(
      series(timeless, patient(clock)).run(() => new Promise(() => {}), { timeout: 10 }),
      { code: 'deadline' },
    )
    clock.advance(10)
    await late
    const free = { ...timeless.core, enter: (): Verdict => semaphore({ permits: 1 }).tryEnter() }
    assert.equal(await series(defineGate(free)).run(() => 'in time', { timeout: 60_000 }), 'in time')
  })
})

describe('keyed gates that are watched', () => {
  it('S1.13 the observer of one hears of all of them, and of each by the same name', () => {
    const clock = new VirtualClock(1000)
    for (const make of [
      (observer: object): Gate => tokenBucket({ tokens: 1, clock, observer }),
      (observer: object): Gate => semaphore({ permits: 1, clock, observer }),
    ]) {
      const told: string[] = []
      const observer: Observer = {
        admitted: ({ flow }) => void told.push(`${flow}`),
        rejected: ({ flow }) => void told.push(`-${flow}`),
      }
      const gate = keyed(
        ({ flow }) => flow,
        () => make(observer),
      )
      for (const flow of ['a', 'b', 'c', 'a']) gate.tryEnter({ flow })
      assert.deepEqual(told, ['a', 'b', 'c', '-a'])
      assert.equal(new Set(gate.core.parts!.map(({ name }) => name)).size, 1)
      assert.equal(gate.core.parts![0]!.name, gate.name)
    }
  })

  it('a bucket is at rest when it is full and nobody waits, watched or not', () => {
    const clock = new VirtualClock(1000)
    for (const observer of [undefined, {}]) {
      const gate = tokenBucket({ tokens: 1, per: 100, queue: fifo(), clock, ...(observer && { observer }) })
      assert.equal(gate.core.atRest, true)
      gate.tryEnter()
      assert.equal(gate.core.atRest, false, 'not full')
      gate.enter({}, () => {})
      clock.advance(99)
      assert.equal(gate.core.atRest, false, 'somebody waits')
      clock.advance(101)
      assert.equal(gate.core.atRest, true)
    }
  })

  it('several buckets are at rest when all of them are full', () => {
    const clock = new VirtualClock(1000)
    const gate = tokenBuckets({
      clock,
      buckets: { quick: { tokens: 1, per: 10 }, slow: { tokens: 1, per: 100 } },
    })
    assert.equal(gate.core.atRest, true)
    gate.tryEnter()
    clock.advance(50)
    assert.equal(gate.core.atRest, false)
    clock.advance(50)
    assert.equal(gate.core.atRest, true)
  })

  it('has a name of its own, or that of its gates, and never any pressure', () => {
    const make = (): Gate => semaphore({ permits: 1, name: 'tenant' })
    assert.equal(keyed(() => '', make).name, 'tenant')
    const gate = keyed(() => '', make, { name: 'tenants' })
    gate.tryEnter()
    assert.equal(gate.name, 'tenants')
    assert.deepEqual(gate.pressure.value, { level: 0, cause: 'tenants' })
  })
})

describe('a watched gate', () => {
  it('has the name, the pressure and the stats of the gate', () => {
    const gate = semaphore({ permits: 2, name: 'slots', observer: {} })
    gate.tryEnter()
    assert.equal(gate.core.name, 'slots')
    assert.deepEqual(gate.core.pressure.value, { level: 0.5, cause: 'slots' })
    assert.deepEqual(gate.core.stats, { limit: 2, inflight: 1, queued: 0 })
  })

  it('a permit that is disposed of ends as ignored, whatever gate it is of', () => {
    const clock = new VirtualClock(1000)
    const gates: Readonly<Record<string, (observer: object) => Gate>> = {
      semaphore: (observer) => semaphore({ permits: 1, observer }),
      limiter: (observer) => limiter({ observer }),
      bucket: (observer) => tokenBucket({ tokens: 1, clock, observer }),
      buckets: (observer) => tokenBuckets({ buckets: { one: { tokens: 1 } }, clock, observer }),
      series: (observer) => series(semaphore({ permits: 1, observer }), semaphore({ permits: 1 })),
      shadow: (observer) => shadow(semaphore({ permits: 1, clock }), observer),
    }
    for (const [name, make] of Object.entries(gates)) {
      const ends: Outcome[] = []
      const verdict = make({ released: (_: object, outcome: Outcome) => void ends.push(outcome) }).tryEnter()
      assert.ok(verdict.admitted)
      verdict[Symbol.dispose]()
      verdict[Symbol.dispose]()
      assert.deepEqual(ends, ['ignored'], name)
    }
  })

  it('a gate that is disposed of is closed', () => {
    const gate = semaphore({ permits: 1 })
    gate[Symbol.dispose]()
    const verdict = gate.tryEnter()
    assert.equal(verdict.admitted ? 'let in' : verdict.code, 'closed')
  })

  it('goes by the name of its kind where it is given none', () => {
    const gates = [
      semaphore({ permits: 1 }),
      limiter(),
      retryBudget(),
      tokenBucket({ tokens: 1 }),
      leakyBucket({ tokens: 1 }),
    ]
    assert.deepEqual(
      gates.map(({ name }) => name),
      ['semaphore', 'limiter', 'retry-budget', 'token-bucket', 'leaky-bucket'],
    )
    assert.equal(retryBudget({ name: 'retries' }).name, 'retries')
  })
})
