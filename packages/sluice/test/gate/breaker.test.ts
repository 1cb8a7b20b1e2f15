import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { breaker, consecutive, failureRate, type Breaker, type BreakerState, type Permit } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { breakerLaws, type BreakerLawOptions, type LawWorld } from '../../src/testing/index.ts'

const shape = { failures: 3, openFor: 100, probes: 2, runs: 400 }
const sound = (world: LawWorld): Breaker =>
  breaker({ ...world, rule: consecutive(shape.failures), openFor: shape.openFor, probes: shape.probes })

breakerLaws('S1.8 breaker', { describe, it }, fc, sound, shape)
breakerLaws(
  'S1.8 breaker with one probe that opens at once',
  { describe, it },
  fc,
  (world) => breaker({ ...world, rule: consecutive(1), openFor: 7, probes: 1 }),
  { failures: 1, openFor: 7, probes: 1, runs: 400 },
)

/** A breaker with its own way of letting in. */
const changed = (original: Breaker, tryEnter: Breaker['tryEnter']): Breaker =>
  Object.create(original, {
    tryEnter: { value: tryEnter },
    state: { value: original.state },
    stats: { get: () => original.stats },
    trip: { value: () => original.trip() },
    reset: { value: () => original.reset() },
  }) as Breaker

/** A permit that ends in its own way. */
const ending = (release: Permit['release']): Permit => ({
  admitted: true,
  waited: 0,
  release,
  [Symbol.dispose]: () => release('ignored'),
})

const unsound: Readonly<Record<string, (world: LawWorld) => Breaker>> = {
  'opens one failure late': (world) => breaker({ ...world, rule: consecutive(4), openFor: 100, probes: 2 }),
  'opens one failure early': (world) => breaker({ ...world, rule: consecutive(2), openFor: 100, probes: 2 }),
  'stays open too briefly': (world) => breaker({ ...world, rule: consecutive(3), openFor: 99, probes: 2 }),
  'stays open too long': (world) => breaker({ ...world, rule: consecutive(3), openFor: 101, probes: 2 }),
  'lets in one probe too many': (world) => breaker({ ...world, rule: consecutive(3), openFor: 100, probes: 3 }),
  'lets in one probe too few': (world) => breaker({ ...world, rule: consecutive(3), openFor: 100, probes: 1 }),
  'never forgets failures': (world) => {
    const rule = consecutive(3)
    return breaker({ ...world, rule: { ...rule, reset() {} }, openFor: 100, probes: 2 })
  },
  'counts successes as failures': (world) => {
    const rule = consecutive(3)
    return breaker({
      ...world,
      rule: { ...rule, record: (_ok, now) => rule.record(false, now) },
      openFor: 100,
      probes: 2,
    })
  },
  'takes one who left for a failure': (world) => {
    const original = sound(world)
    return changed(original, (arrival) => {
      const verdict = original.tryEnter(arrival)
      if (!verdict.admitted) return verdict
      return ending((outcome) => verdict.release(outcome === 'ignored' ? 'failure' : outcome))
    })
  },
  'takes one who left for a success': (world) => {
    const original = sound(world)
    return changed(original, (arrival) => {
      const verdict = original.tryEnter(arrival)
      if (!verdict.admitted) return verdict
      return ending((outcome) => verdict.release(outcome === 'ignored' ? 'success' : outcome))
    })
  },
  'lets the herd in when its time is up': (world) => {
    const original = sound(world)
    return changed(original, (arrival) => {
      const verdict = original.tryEnter(arrival)
      return original.state.value === 'half-open' && !verdict.admitted ? ending(() => {}) : verdict
    })
  },
}

describe('S1.8 the breaker laws find out a breaker that', () => {
  const proof = async (make: (world: LawWorld) => Breaker, options: BreakerLawOptions): Promise<void> => {
    let law: (() => Promise<void>) | undefined
    breakerLaws(
      'mutant',
      { describe: (_name, body) => body(), it: (_name, body) => void (law = body) },
      fc,
      make,
      options,
    )
    await law!()
  }

  it('control: is sound', () => proof(sound, shape))
  for (const [name, make] of Object.entries(unsound))
    it(name, () => assert.rejects(proof(make, shape), ({ cause }: Error) => /law \d is broken/.test(String(cause))))
})

/** Opens it and waits until it may try again. */
function halfOpen(clock: VirtualClock, gate: Breaker): void {
  gate.trip()
  clock.advance(30_000)
}

describe('S1.8 a breaker by default', () => {
  const make = (): { clock: VirtualClock; gate: Breaker } => {
    const clock = new VirtualClock(12)
    return { clock, gate: breaker({ clock }) }
  }
  const fail = (gate: Breaker, times: number): void => {
    for (let failure = 0; failure < times; failure++) {
      const verdict = gate.tryEnter()
      assert.ok(verdict.admitted)
      verdict.release('failure')
    }
  }

  it('S1.8 opens at the fifth failure in a row, for 30 s, and says when to come back', () => {
    const { clock, gate } = make()
    fail(gate, 4)
    assert.equal(gate.state.value, 'closed')
    fail(gate, 1)
    assert.equal(gate.state.value, 'open')
    clock.advance(29_999)
    const refusal = gate.tryEnter()
    assert.ok(!refusal.admitted)
    assert.deepEqual([refusal.code, refusal.retryAfter], ['breaker_open', 1])
    clock.advance(1)
    const probe = gate.tryEnter()
    assert.ok(probe.admitted)
    assert.equal(gate.state.value, 'half-open')
    probe.release('success')
    assert.equal(gate.state.value, 'closed')
    fail(gate, 4)
    assert.equal(gate.state.value, 'closed', 'a new beginning')
    assert.equal(clock.pending, 0)
  })

  for (const probes of [1, 4])
    it(`S1.8 half open, of a herd of 1,000 it lets in ${probes}`, () => {
      const clock = new VirtualClock()
      const gate = breaker({ clock, probes })
      halfOpen(clock, gate)
      const verdicts = Array.from({ length: 1000 }, () => gate.tryEnter())
      const admitted = verdicts.filter((verdict) => verdict.admitted)
      assert.equal(admitted.length, probes)
      for (const probe of admitted) probe.release('ignored')
      assert.equal(gate.state.value, 'half-open')
      const more = Array.from({ length: 1000 }, () => gate.tryEnter()).filter((verdict) => verdict.admitted)
      assert.equal(more.length, probes, 'ignored ones make room for others')
      for (const probe of more) probe.release('success')
      assert.equal(gate.state.value, 'closed')
    })

  it('S1.8 successes of an earlier try do not help the next one', () => {
    const clock = new VirtualClock()
    const gate = breaker({ clock, probes: 2 })
    halfOpen(clock, gate)
    const probes = [gate.tryEnter(), gate.tryEnter()] as Permit[]
    probes[0]!.release('success')
    probes[1]!.release('failure')
    clock.advance(30_000)
    const again = [gate.tryEnter(), gate.tryEnter()] as Permit[]
    again[0]!.release('success')
    assert.equal(gate.state.value, 'half-open')
    again[1]!.release('success')
    assert.equal(gate.state.value, 'closed')
  })

  it('S1.8 late news from before it opened neither closes it nor opens it anew', () => {
    const { clock, gate } = make()
    const old = Array.from({ length: 12 }, () => gate.tryEnter()).filter((verdict) => verdict.admitted)
    for (const permit of old.slice(0, 5)) permit.release('failure')
    clock.advance(20_000)
    for (const permit of old.slice(5, 10)) permit.release('failure')
    clock.advance(10_000)
    const probe = gate.tryEnter()
    assert.ok(probe.admitted, 'it was not opened anew')
    old[10]!.release('success')
    assert.equal(gate.state.value, 'half-open')
    old[11]!.release('failure')
    assert.equal(gate.state.value, 'half-open')
    probe.release('dropped')
    assert.equal(gate.state.value, 'open')
    assert.equal(gate.stats.inflight, 0)
  })

  it('S1.8 a failure rate opens it, and what is forgotten does not', () => {
    const clock = new VirtualClock()
    const gate = breaker({ clock, rule: failureRate({ threshold: 0.5, window: 1000, minimum: 10 }) })
    const end = (ok: boolean): void => {
      const verdict = gate.tryEnter()
      if (verdict.admitted) verdict.release(ok ? 'success' : 'failure')
    }
    for (let call = 0; call < 9; call++) end(false)
    clock.advance(1100)
    end(false)
    assert.equal(gate.state.value, 'closed')
    for (let call = 0; call < 5; call++) end(true)
    for (let call = 0; call < 3; call++) end(false)
    assert.equal(gate.state.value, 'closed', '4 of 9')
    end(false)
    assert.equal(gate.state.value, 'open', '5 of 10')
  })

  it('S1.8 which errors count is the choice of the user, and a caller who leaves is no failure', async () => {
    const { gate } = make()
    const notFound = new Error('404')
    const failing = (error: Error): Promise<void> =>
      assert.rejects(
        gate.run(() => Promise.reject(error), { outcomeOf: (thrown) => (thrown === notFound ? 'success' : 'failure') }),
        error,
      )
    for (let call = 0; call < 10; call++) await failing(notFound)
    assert.equal(gate.state.value, 'closed')
    for (let call = 0; call < 10; call++) {
      const leaver = new AbortController()
      const run = gate.run(() => new Promise(() => {}), { signal: leaver.signal, overdue: 'release' })
      leaver.abort()
      await assert.rejects(run)
    }
    assert.equal(gate.state.value, 'closed')
    for (let call = 0; call < 5; call++) await failing(new Error('500'))
    assert.equal(gate.state.value, 'open', 'control: the others do count')
  })

  it('S1.8 by hand: trip and reset, told to whoever listens', () => {
    const { clock, gate } = make()
    const heard: BreakerState[] = []
    const subscription = gate.state.subscribe((state) => heard.push(state))
    gate.trip()
    assert.ok(!gate.tryEnter().admitted)
    gate.reset()
    assert.ok(gate.tryEnter().admitted)
    halfOpen(clock, gate)
    gate.tryEnter()
    gate.reset()
    assert.deepEqual(heard, ['open', 'closed', 'open', 'half-open', 'closed'])
    subscription[Symbol.dispose]()
    gate.trip()
    assert.equal(heard.length, 5)
    assert.equal(gate.pressure.value.level, 2)
  })

  for (const [what, act, state, admitted] of [
    ['opens it again', (gate: Breaker): void => gate.trip(), 'open', false],
    ['closes it', (gate: Breaker): void => gate.reset(), 'closed', true],
  ] as const)
    it(`S1.8 whoever hears that it is half open and ${what} is heeded before anybody is let in, and all hear of it`, () => {
      const { clock, gate } = make()
      gate.trip()
      clock.advance(30_000)
      const heard: BreakerState[] = []
      using _first = gate.state.subscribe((now) => {
        if (now === 'half-open') act(gate)
      })
      using _second = gate.state.subscribe((now) => heard.push(now))
      assert.equal(gate.tryEnter().admitted, admitted)
      assert.equal(gate.state.value, state)
      assert.equal(heard.at(-1), state)
    })

  it('S1.8 closed for good it refuses with closed', () => {
    const { gate } = make()
    gate.close()
    const verdict = gate.tryEnter()
    assert.ok(!verdict.admitted && verdict.code === 'closed')
  })

  it('options out of range are named', () => {
    for (const [options, message] of [
      [{ openFor: 0 }, /breaker\.openFor/],
      [{ probes: 0 }, /breaker\.probes/],
    ] as const)
      assert.throws(() => breaker(options), { name: 'RangeError', message })
  })
})

describe('S1.8 a probe that never comes back', () => {
  it('keeps the breaker half open no longer than it would be open', () => {
    const clock = new VirtualClock()
    const gate = breaker({ clock, openFor: 1000 })
    gate.trip()
    clock.advance(1000)
    const lost = gate.tryEnter()
    assert.ok(lost.admitted)
    clock.advance(999)
    assert.equal(gate.tryEnter().admitted, false)
    clock.advance(1)
    const other = gate.tryEnter()
    assert.ok(other.admitted)
    // The one that was given up says nothing any more, whatever it says.
    lost.release('failure')
    assert.equal(gate.state.value, 'half-open')
    other.release('success')
    assert.equal(gate.state.value, 'closed')
    assert.equal(gate.stats.inflight, 0)
  })
})
