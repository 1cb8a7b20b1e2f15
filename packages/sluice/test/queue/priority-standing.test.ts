import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limiter, priority, type Arrival, type Gate, type Priority, type Random } from '../../src/index.ts'
import { simulate, type NamedFigures, type VirtualClock } from '../../src/sim/index.ts'
import { run, spread, type PhaseResult } from '../sim/rig.ts'
import { LineUp } from './line-up.ts'

/** What became of a class. */
interface Fate {
  offered: number
  served: number
  /** The waits of those turned away, and of those served, in ms. */
  readonly refusedAfter: number[]
  readonly waited: number[]
}

/** Overload before 16 slots × 50 ms, by classes; the first ten seconds are not counted. */
function classes(
  times: number,
  mix: readonly number[],
  seed: number,
  standing: boolean,
): { fates: Fate[]; all: PhaseResult } {
  const fates: Fate[] = mix.map(() => ({ offered: 0, served: 0, refusedAfter: [], waited: [] }))
  const rate = 320 * times
  const gate = (clock: VirtualClock): Gate => {
    const inner = limiter({ clock, queue: priority({ capacity: 1000, maxWait: 1000, standing }) })
    const enter: Gate['enter'] = (arrival, answer) => {
      const since = clock.now()
      return inner.enter(arrival, (verdict) => {
        const fate = fates[arrival.priority!]!
        if (since >= 11_000) {
          fate.offered++
          if (verdict.admitted) fate.served++
          ;(verdict.admitted ? fate.waited : fate.refusedAfter).push(clock.now() - since)
        }
        answer(verdict)
      })
    }
    return Object.create(inner, { enter: { value: enter }, stats: { get: () => inner.stats } }) as Gate
  }
  const arrival = (random: Random): Arrival => {
    let chance = random()
    let rank = 0
    while (rank < 3 && (chance -= mix[rank]!) > 0) rank++
    return { priority: rank as Priority }
  }
  const all = run({
    slots: 16,
    service: spread(50),
    gate,
    arrival,
    seed,
    settle: 10,
    phases: [{ seconds: 30, rate }],
  })[0]!
  return { fates, all }
}

const share = ({ served, offered }: Fate): number => served / offered
const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(q * values.length)]!

/** Half of what can be done is of the highest class at ten times the capacity. */
const FLOODED = [0.7, 0.2, 0.05, 0.05] as const

describe('S1.5 a queue by priority that may not stand, before a service of 16 slots at 10×', () => {
  for (const seed of [1, 2, 3])
    it(`seed ${seed}: the highest class hardly notices, the lowest does not starve, who is refused is refused at once`, () => {
      const { fates } = classes(10, FLOODED, seed, false)
      const served = fates.reduce((sum, fate) => sum + fate.served, 0)
      assert.ok(share(fates[3]!) >= 0.99, `highest: ${share(fates[3]!)}`)
      assert.ok(fates[0]!.served >= 0.03 * served, `lowest: ${fates[0]!.served} of ${served}`)
      const refused = fates.flatMap(({ refusedAfter }) => refusedAfter)
      assert.equal(quantile(refused, 0.5), 0)
      assert.ok(quantile(refused, 0.9) < 5, `${quantile(refused, 0.9)} ms`)
      assert.ok(quantile(fates[3]!.waited, 0.5) < 50)
    })

  it('control: where it may stand, who is let in has waited long, and the refused as well', () => {
    const standing = classes(10, FLOODED, 1, true)
    const short = classes(10, FLOODED, 1, false)
    const median = (fates: readonly Fate[]): number =>
      quantile(
        fates.flatMap(({ waited }) => waited),
        0.5,
      )
    assert.ok(standing.all.p99 > 3 * short.all.p99, `${standing.all.p99} ${short.all.p99}`)
    assert.ok(median(short.fates) <= median(standing.fates))
    assert.ok(short.all.goodput >= 0.95 * 320, `${short.all.goodput}`)
  })
})

describe('S1.5 the highest class where the slots now and then do nothing for a while', () => {
  /** Of fourteen slots many are taken by the slow ones at times; half of what can be done is of the highest class. */
  const highest = (seed: number): NamedFigures =>
    simulate(
      {
        name: 'dips',
        plant: { kind: 'workers', slots: 16, service: { kind: 'bimodal', quick: 10, slow: 500, share: 0.05 } },
        load: {
          phases: [{ lasts: 25_000, times: 10 }],
          classes: FLOODED.map((weight, rank) => ({ weight, priority: rank as Priority })),
        },
        bound: 1000,
        warmup: 5000,
        gate: { limit: 14, queue: { name: 'priority', maxWait: 1000, standing: false } },
      },
      { seed },
    ).classes[3]!

  for (const seed of [1, 2, 3])
    it(`S1.5 seed ${seed}: waits them out, for nobody else is the flood`, () => {
      const { good, offered, latency } = highest(seed)
      assert.ok(good >= 0.99 * offered, `${good} of ${offered}`)
      assert.ok(latency.p50 < 50, `${latency.p50} ms`)
    })
})

/** Twenty slots, and classes that come and go at will. */
function line(): LineUp {
  const all = new LineUp(priority({ capacity: 1000, standing: false }))
  all.queue.limited!(20)
  return all
}

/** A flood of the lowest: three come for each that is let in. */
function flood(all: LineUp, dispatches: number): void {
  for (let count = 0; count < dispatches; count++) {
    for (let more = 0; more < 3; more++) if (!all.queue.rejects({ priority: 0 })) all.push('low', { priority: 0 })
    all.now += 2.5
    all.take()
  }
}

/** How many of the highest class may come now. */
function roomAbove(all: LineUp): number {
  let more = 0
  while (!all.queue.rejects({ priority: 3 }) && more < 1000) all.push(`${more++}`, { priority: 3 })
  return more
}

describe('S1.4 S1.5 priority({ standing: false })', () => {
  it('lets a burst wait, in twice as many places as there are slots, of whatever class', () => {
    const all = line()
    for (let count = 0; count < 40; count++) {
      assert.ok(!all.queue.rejects({ priority: 1 }))
      assert.equal(all.push(`${count}`, { priority: 1 }), undefined)
    }
    assert.ok(all.queue.rejects({ priority: 1 }))
    // The share of the places that is kept for the less important, and no more; whoever has room keeps its own.
    assert.equal(all.push('low', { priority: 0 }), '39')
    assert.equal(all.push('low', { priority: 0 }), undefined)
    assert.ok(all.queue.rejects({ priority: 0 }))
    assert.equal(all.queue.size, 41)
  })

  it('the flood of one class shortens its own room and not that of those above it', () => {
    const all = line()
    flood(all, 300)
    assert.equal(all.queue.capacity, 3)
    assert.equal(roomAbove(all), 320)
    assert.equal(all.drain().filter((name) => name !== 'low').length, 320)
  })

  it('nor does a queue of theirs that stands, though nobody is turned away', () => {
    const all = line()
    for (let count = 0; count < 10; count++) all.push('low', { priority: 0 })
    for (let count = 0; count < 200; count++) {
      all.push('low', { priority: 0 })
      all.now += 2.5
      all.take()
    }
    assert.equal(all.queue.capacity, 6)
    assert.equal(roomAbove(all), 320)
  })

  it('S1.5 of the important sixteen times the slots may wait while the flood is that of the others', () => {
    /** Of each four let out `high` are of the highest class; then the slots do nothing for a while. */
    const room = (high: number): number => {
      const all = line()
      for (let count = 0; count < 1000; count++) {
        if (count % 4 < high) all.push('high', { priority: 3 })
        while (!all.queue.rejects({ priority: 0 })) all.push('low', { priority: 0 })
        all.now += 2.5
        all.take()
      }
      return roomAbove(all)
    }
    assert.deepEqual([0, 1, 2, 3].map(room), [320, 320, 320, 320])
    assert.ok(room(4) < 10, 'control: nothing is left over')
  })

  it('S1.5 … and what is reserved for the lowest is nothing left over, however much that is', () => {
    const all = new LineUp(priority({ capacity: 1000, standing: false, trickle: 0.3 }))
    all.queue.limited!(20)
    let longest = 0
    for (let count = 0; count < 2000; count++) {
      // One for each that is let out, and they get seven turns of ten.
      if (!all.queue.rejects({ priority: 3 })) all.push('high', { priority: 3 })
      while (!all.queue.rejects({ priority: 0 })) all.push('low', { priority: 0 })
      if (count > 500) longest = Math.max(longest, all.queue.size)
      all.now += 2.5
      all.take()
    }
    assert.ok(longest < 20, `${longest} waited`)
  })

  it('S1.5 … and once even that was not enough, the flood is theirs', () => {
    const all = line()
    flood(all, 1000)
    assert.equal(roomAbove(all), 320)
    for (let count = 0; count < 400; count++) {
      for (let more = 0; more < 3; more++) if (!all.queue.rejects({ priority: 3 })) all.push('high', { priority: 3 })
      all.now += 2.5
      all.take()
    }
    all.drain()
    assert.equal(roomAbove(all), 3)
  })

  it('one of the important who comes when the flood fills its room takes the place of one of them', () => {
    const all = line()
    flood(all, 300)
    while (!all.queue.rejects({ priority: 0 })) all.push('low', { priority: 0 })
    assert.equal(all.queue.size, 3)
    assert.equal(all.push('high', { priority: 3 }), 'low')
    assert.equal(all.push('high', { priority: 3 }), 'low')
    assert.equal(all.push('high', { priority: 3 }), undefined, 'one place stays with the less important')
    assert.ok(all.queue.rejects({ priority: 0 }))
  })

  it('no more places than its capacity, and none at all with a capacity of 0', () => {
    const all = new LineUp(priority({ capacity: 5, standing: false }))
    all.queue.limited!(20)
    for (let count = 0; count < 5; count++) assert.equal(all.push('one', { priority: 2 }), undefined)
    assert.ok(all.queue.rejects({ priority: 2 }))
    assert.equal(all.queue.capacity, 5)
    assert.ok(new LineUp(priority({ capacity: 0, standing: false })).queue.rejects({ priority: 3 }))
  })

  it('a semaphore or limiter says how many slots there are: without, the capacity is all that counts', () => {
    const all = new LineUp(priority({ capacity: 50, standing: false }))
    assert.equal(all.queue.capacity, 50)
    all.queue.limited!(4)
    assert.equal(all.queue.capacity, 16)
  })

  it('control: by default a queue may stand: every place is there whatever came', () => {
    const all = new LineUp(priority({ capacity: 1000 }))
    all.queue.limited!(20)
    flood(all, 300)
    assert.equal(all.queue.capacity, 1000)
    assert.ok(!all.queue.rejects({ priority: 0 }))
  })

  it('S1.4 grows in every class where slots fell free and nobody was there to take them', () => {
    const rooms = (idled: number): readonly number[] => {
      const all = line()
      flood(all, 300)
      for (let count = 0; count < idled; count++) all.queue.idled!()
      flood(all, 80)
      const lowest = all.queue.capacity
      // Of the highest class nobody was turned away: its queue does not stand, whatever was idle.
      return [lowest, roomAbove(all)]
    }
    assert.deepEqual(rooms(50), [6, 320])
    assert.deepEqual(rooms(0), [3, 320], 'control')
    assert.doesNotThrow(() => new LineUp(priority()).queue.idled!(), 'a queue that may stand does not mind')
  })

  it('after the flood a burst may wait again', () => {
    const all = line()
    flood(all, 300)
    all.drain()
    all.now += 1000
    all.push('one', { priority: 0 })
    assert.equal(all.queue.capacity, 40)
  })
})
