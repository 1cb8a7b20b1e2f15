import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  fair,
  fifo,
  keyed,
  semaphore,
  seeded,
  series,
  tokenBucket,
  type Arrival,
  type Gate,
  type QueueDiscipline,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const byFlow = ({ flow }: Arrival): string | undefined => flow

/** What one would write first: the least recently used gate is thrown away. */
function lru(make: () => Gate, maxKeys: number): (flow: string) => boolean {
  const gates = new Map<string, Gate>()
  return (flow) => {
    const gate = gates.get(flow) ?? make()
    gates.delete(flow)
    gates.set(flow, gate)
    if (gates.size > maxKeys) gates.delete(gates.keys().next().value!)
    return gate.tryEnter().admitted
  }
}

interface Flood {
  /** Let in, by tenant. */
  readonly admitted: readonly number[]
  readonly offered: readonly number[]
  readonly greedy: number
}

/** Ten seconds: twenty tenants ask ten times a second, one a hundred times, and 10,000 keys a second come but once. */
function flood(clock: VirtualClock, enter: (flow: string) => boolean): Flood {
  const admitted = Array.from({ length: 20 }, () => 0)
  const offered = Array.from({ length: 20 }, () => 0)
  let greedy = 0
  let stranger = 0
  for (let ms = 0; ms < 10_000; ms++) {
    clock.advance(1)
    for (let key = 0; key < 10; key++) enter(`stranger ${stranger++}`)
    if (ms % 10 === 0 && enter('greedy')) greedy++
    for (let tenant = 0; tenant < 20; tenant++)
      if ((ms + tenant * 5) % 100 === 0) {
        offered[tenant]!++
        if (enter(`tenant ${tenant}`)) admitted[tenant]!++
      }
  }
  return { admitted, offered, greedy }
}

describe('S1.13 a gate for each key', () => {
  it('S1.13 gives each key its own, and makes it once', () => {
    let made = 0
    const gate = keyed(byFlow, () => (made++, semaphore({ permits: 1 })))
    const before = made
    for (const flow of ['a', 'b', 'a', 'b', 'c']) gate.tryEnter({ flow })
    assert.equal(made - before, 3)
    assert.deepEqual(gate.stats, { limit: Infinity, inflight: 3, queued: 0 })
    assert.ok(!gate.tryEnter({ flow: 'a' }).admitted)
    assert.ok(gate.tryEnter({}).admitted, 'without a key there is the empty one')
    assert.ok(!gate.tryEnter({ flow: '' }).admitted)
  })

  it('S1.13 100,000 hostile keys make no more gates than the table holds and shares', () => {
    for (const make of [() => semaphore({ permits: 1 }), () => tokenBucket({ tokens: 1 })] as const) {
      let made = 0
      const gate = keyed(byFlow, () => (made++, make()), { maxKeys: 100, shared: 16 })
      for (let key = 0; key < 100_000; key++) {
        const verdict = gate.tryEnter({ flow: `key ${key % 70_000}` })
        if (verdict.admitted && key % 3 === 0) verdict.release('success')
        if (key % 9973 === 0) assert.ok(gate.core.parts!.length <= 116)
      }
      assert.equal(gate.core.parts!.length, 116)
      // Gates that have been dropped and made anew count too: a gate that can be evicted and remade at will is no bound.
      assert.ok(made < 100_000, `${made} made`)
    }
  })

  it('S1.13 while a flood of keys runs no tenant loses its gate, and none is refused', () => {
    const clock = new VirtualClock(1000)
    const make = (): Gate => tokenBucket({ tokens: 20, capacity: 5, clock })
    const gate = keyed(byFlow, make, { maxKeys: 1000, shared: 16 })
    for (let tenant = 0; tenant < 20; tenant++) gate.tryEnter({ flow: `tenant ${tenant}` })
    gate.tryEnter({ flow: 'greedy' })
    const { admitted, offered, greedy } = flood(clock, (flow) => gate.tryEnter({ flow }).admitted)
    assert.deepEqual(admitted, offered)
    assert.ok(greedy <= 5 + 200, `the greedy one got ${greedy} of its 205`)
    assert.ok(greedy >= 0.9 * 205, `the greedy one got ${greedy} of its 205`)
  })

  for (const [name, limited] of [
    ['S1.13 nor does a tenant lose its limit', true],
    ['control: with a plain LRU of the same size it does', false],
  ] as const)
    it(name, () => {
      const clock = new VirtualClock(1000)
      const make = (): Gate => tokenBucket({ tokens: 5, capacity: 5, clock })
      const gate = keyed(byFlow, make, { maxKeys: 1000, shared: 16 })
      const enter = limited ? (flow: string): boolean => gate.tryEnter({ flow }).admitted : lru(make, 1000)
      for (let tenant = 0; tenant < 20; tenant++) enter(`tenant ${tenant}`)
      const { admitted } = flood(clock, enter)
      // Each asks for twice as much as it may have.
      const over = admitted.filter((count) => count > 55)
      if (limited) assert.deepEqual(over, [])
      else assert.equal(over.length, 20)
    })

  it('control: one bucket for all who are new refuses the tenants that come during the flood', () => {
    const clock = new VirtualClock(1000)
    const gate = keyed(byFlow, () => tokenBucket({ tokens: 20, capacity: 5, clock }), { maxKeys: 1, shared: 1 })
    const { admitted, offered } = flood(clock, (flow) => gate.tryEnter({ flow }).admitted)
    assert.ok(admitted.reduce((a, b) => a + b) < 0.1 * offered.reduce((a, b) => a + b))
  })

  it('S1.13 a tenant that comes during a flood and stays gets a gate of its own', () => {
    const clock = new VirtualClock(1000)
    const gate = keyed(byFlow, () => tokenBucket({ tokens: 20, capacity: 5, clock }), { maxKeys: 1000, shared: 16 })
    flood(clock, (flow) => gate.tryEnter({ flow }).admitted)
    let admitted = 0
    let stranger = 0
    for (let ms = 0; ms < 5000; ms++) {
      clock.advance(1)
      for (let key = 0; key < 10; key++) gate.tryEnter({ flow: `late stranger ${stranger++}` })
      if (ms >= 2500 && ms % 100 === 0 && gate.tryEnter({ flow: 'newcomer' }).admitted) admitted++
      else if (ms < 2500 && ms % 100 === 0) gate.tryEnter({ flow: 'newcomer' })
    }
    assert.equal(admitted, 25)
  })

  it('S1.13 keys that come now and then displace nobody who comes often', () => {
    const gate = keyed(byFlow, () => semaphore({ permits: 1 }), { maxKeys: 16, shared: 1 })
    const passes = (flow: string): boolean => {
      const verdict = gate.tryEnter({ flow })
      if (verdict.admitted) verdict.release('success')
      return verdict.admitted
    }
    for (let round = 0; round < 30; round++) for (let tenant = 0; tenant < 16; tenant++) passes(`tenant ${tenant}`)
    // With the only gate they could share taken, strangers without one of their own are refused.
    const taken = gate.tryEnter({ flow: 'stranger' })
    assert.ok(taken.admitted)
    let displaced = 0
    for (let key = 0; key < 20; key++)
      for (let visit = 0; visit < 4; visit++) if (passes(`stranger ${key}`)) displaced++
    assert.equal(displaced, 0)
    for (let tenant = 0; tenant < 16; tenant++) assert.ok(passes(`tenant ${tenant}`))
    for (let visit = 0; visit < 60; visit++) passes('regular')
    assert.ok(passes('regular'), 'control: one who comes more often than somebody else does get a gate')
  })

  it('S1.13 a gate that is in use, in debt or waited at is never dropped, whoever comes', () => {
    const clock = new VirtualClock()
    const gate = keyed(byFlow, () => semaphore({ permits: 1, queue: fifo({ maxWait: 1e9 }), clock }), {
      maxKeys: 2,
      shared: 1,
    })
    const permit = gate.tryEnter({ flow: 'busy' })
    assert.ok(permit.admitted)
    let answered = 0
    gate.enter({ flow: 'busy' }, () => answered++)
    for (let seen = 0; seen < 5000; seen++) {
      const verdict = gate.tryEnter({ flow: `key ${seen % 7}` })
      if (verdict.admitted) verdict.release('success')
    }
    assert.ok(!gate.tryEnter({ flow: 'busy' }).admitted, 'its one permit is still out')
    permit.release('success')
    assert.equal(answered, 1)
    gate.close()
    const verdict = gate.tryEnter({ flow: 'fresh' })
    assert.ok(!verdict.admitted && verdict.code === 'closed')
  })

  it('S1.13 a hot tenant is held by its own limit, beside the global one', () => {
    const clock = new VirtualClock()
    const own = keyed(byFlow, () => semaphore({ permits: 3, clock }))
    const gate = series(own, semaphore({ permits: 10, clock }))
    const hot = Array.from({ length: 100 }, () => gate.tryEnter({ flow: 'hot' })).filter((verdict) => verdict.admitted)
    assert.equal(hot.length, 3)
    for (let tenant = 0; tenant < 7; tenant++) assert.ok(gate.tryEnter({ flow: `tenant ${tenant}` }).admitted)
    for (const verdict of hot) verdict.release('success')
    assert.equal(gate.stats.inflight, 7)
  })

  it('options out of range are named', () => {
    for (const [options, message] of [
      [{ maxKeys: 0 }, /keyed\.maxKeys/],
      [{ shared: 0 }, /keyed\.shared/],
    ] as const)
      assert.throws(() => keyed(byFlow, () => semaphore({ permits: 1 }), options), { name: 'RangeError', message })
  })
})

/** Quiet ones ask for 2 a second each, the hot one for a hundred times that, of a service that does 40. */
function crowd(queue: QueueDiscipline): { readonly quiet: number; readonly hot: number } {
  const clock = new VirtualClock(1000)
  const random = seeded(7)
  const gate = semaphore({ permits: 2, queue, clock })
  let [offered, served, hot] = [0, 0, 0]
  const arrive = (flow: string, rate: number): void => {
    clock.after((-Math.log(1 - random()) * 1000) / rate, () => {
      arrive(flow, rate)
      if (flow !== 'hot') offered++
      gate.enter({ flow }, (verdict) => {
        if (!verdict.admitted) return
        if (flow === 'hot') hot++
        else served++
        clock.after(50, () => verdict.release('success'))
      })
    })
  }
  arrive('hot', 200)
  for (let tenant = 0; tenant < 10; tenant++) arrive(`tenant ${tenant}`, 2)
  clock.advance(60_000)
  return { quiet: served / offered, hot: hot / 60 }
}

describe('S1.13 one queue for many tenants', () => {
  it('S1.13 with fair a hot tenant takes what the others leave, and no more', () => {
    const { quiet, hot } = crowd(fair({ capacity: 50 }))
    assert.ok(quiet > 0.99, `of the quiet ones ${quiet} were served`)
    assert.ok(hot > 18 && hot < 22, `the hot one got ${hot} a second`)
  })

  it('control: first in, first out it starves them', () => {
    const { quiet } = crowd(fifo({ capacity: 50 }))
    assert.ok(quiet < 0.3, `of the quiet ones ${quiet} were served`)
  })
})
