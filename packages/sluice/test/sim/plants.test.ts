import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { semaphore } from '../../src/index.ts'
import { simulate, type Figures, type PlantData, type Scenario, type SimReport } from '../../src/sim/index.ts'

function run(plant: PlantData, times: number, rest: Partial<Scenario> = {}): SimReport {
  return simulate({
    name: 'plant',
    warmup: 2000,
    plant,
    load: { phases: [{ lasts: 22_000, times }] },
    gate: 'none',
    ...rest,
  })
}

function near(actual: number | null, expected: number, off: number, what: string): void {
  assert.ok(actual !== null && Math.abs(actual - expected) <= off, `${what}: ${actual}, expected ${expected} ± ${off}`)
}

const pool: PlantData = { kind: 'workers', slots: 16, service: { kind: 'gamma', mean: 50, cv: 0.6 } }

describe('workers', () => {
  it('do what their slots can do, and the rest piles up behind them without bound', () => {
    const { total, capacity, series } = run(pool, 2)
    assert.equal(capacity, 320)
    near(total.answered / 20, 320, 10, 'answered a second')
    near(series.points.at(-1)!.inflight, 22 * 320, 500, 'left inside')
    assert.ok(total.share! < 0.05, `control: without a gate it is all too late, ${total.share}`)
  })

  it('thrash: each one beyond the slots slows all down; none does no harm', () => {
    const crowded = { ...pool, thrash: 0.02 }
    const gate = { limit: 36 }
    near(run(crowded, 3, { gate }).total.share, 1 / 1.4, 0.04, '20 too many, 2 % each')
    near(
      run(crowded, 3, { gate: { limit: 16 } }).total.share,
      run(pool, 3, { gate: { limit: 16 } }).total.share!,
      0.02,
      'none',
    )
    near(run(pool, 3, { gate }).total.share, 1, 0.04, 'control: without thrashing')
  })

  it('lose slots and get them back, at their time', () => {
    const changes = [{ at: 10_000, lasts: 5000, slots: 4 }]
    const { series } = run(pool, 2, { gate: { limit: 20 }, changes })
    const capacity = series.points.map((point) => point.capacity)
    assert.deepEqual([capacity[8], capacity[10], capacity[13], capacity[15]], [320, 80, 80, 320])
    near(series.points[12]!.good, 80, 25, 'good in a second with 4 slots')
    near(series.points[18]!.good, 320, 50, 'good in a second afterwards')
  })
})

describe('an event loop', () => {
  const loop: PlantData = { kind: 'event-loop', accept: 0, before: 2, wait: 40, refusal: 0.05 }

  it('pays for refusals with what it could have served: goodput ≤ 1 - (N - 1) × r / s', () => {
    near(run(loop, 10, { gate: { limit: 20 } }).total.share, 1 - (9 * 0.05) / 2, 0.02, 'at 10×')
    near(
      run({ ...loop, refusal: 0 }, 10, { gate: { limit: 20 } }).total.share,
      0.97,
      0.03,
      'control: refusals for nothing',
    )
  })

  it('overlaps waiting and not work', () => {
    const { total } = run(loop, 0.1)
    near(total.latency.p50, 42, 2, 'alone')
    near(run({ ...loop, accept: 3 }, 0.05).total.latency.p50, 45, 2, 'and parsed')
    near(run({ ...loop, wait: 400 }, 0.9).total.share, 0.9, 0.03, 'waiting takes no CPU')
    near(run({ ...loop, wait: 0, after: 38 }, 0.9).capacity, 25, 0.1, 'work does')
  })

  it('queues in the loop before any gate is asked, which a gate asked at once cannot see', () => {
    // All the work is synchronous: by the time an arrival meets the gate, nobody is in flight.
    const sync: PlantData = { kind: 'event-loop', accept: 0.2, before: 5, refusal: 0.05 }
    const gate = { limit: 1 }
    const direct = run(sync, 2, { gate })
    assert.equal(direct.total.refused, 0)
    assert.ok(direct.total.share! < 0.05, `direct ${direct.total.share}`)
    const yielding = run({ ...sync, admission: 'yield' }, 2, {
      gate: { limit: 1, queue: { name: 'fifo', capacity: 20 } },
    })
    assert.ok(yielding.total.share! > 0.85, `after a yield ${yielding.total.share}`)
    assert.ok(yielding.total.latency.p99 < 300)
  })

  it('slows down as a whole, or in its waits alone', () => {
    const slower = run(loop, 0.05, { changes: [{ at: 0, slowdown: 2 }] })
    near(slower.total.latency.p50, 84, 2, 'all of it')
    const waits = run(loop, 0.4, { changes: [{ at: 0, wait: 4 }] })
    near(waits.total.latency.p50, 162, 4, 'the waits')
    near(waits.series.points.at(-1)!.capacity, 500, 0.1, 'which takes no capacity')
  })

  it('tells gates how far behind it is', () => {
    const lags: number[] = []
    const scenario: Scenario = {
      name: 'lag',
      plant: { kind: 'event-loop', accept: 0, before: 10 },
      load: { arrivals: 'even', phases: [{ lasts: 1000, rate: 200 }] },
    }
    simulate(scenario, {
      gate: ({ clock, site }) => {
        const look = (): void => {
          lags.push(site.lag())
          clock.after(100, look)
        }
        look()
        return undefined
      },
    })
    // Twice as much comes as it can do: it falls behind by half the time that passes, and so do its timers.
    assert.equal(lags[0], 0)
    assert.ok(lags.length < 10 && lags.at(-1)! > 200, lags.join(' '))
  })
})

describe('a dependency', () => {
  it('is never full, only slow', () => {
    const plant: PlantData = { kind: 'dependency', delay: 50 }
    const load = { phases: [{ lasts: 20_000, rate: 2000 }] }
    const { total, capacity } = run(plant, 0, { load, changes: [{ at: 10_000, slowdown: 4 }] })
    assert.equal(capacity, null)
    assert.equal(total.share, null)
    near(total.latency.p50, 200, 200, 'p50')
    near(total.latency.max, 200, 0.001, 'the slow half')
    near(total.goodput, 2000, 100, 'goodput')
  })

  it('cannot be loaded by multiples of what it can do', () => {
    const load = { phases: [{ lasts: 1, times: 2 }] }
    assert.throws(
      () => run({ kind: 'dependency', delay: 1 }, 0, { load }),
      /load\.phases\[0\]\.times: expected rate instead, where nothing bounds the plant/,
    )
  })
})

describe('pauses', () => {
  it('stop everything: what they take is missing from capacity, and who meets one waits for its end', () => {
    const pauses = { every: 1000, lasts: 200, first: 500 }
    near(run({ ...pool, pauses }, 3, { gate: { limit: 40 } }).total.share, 0.8, 0.03, 'capacity left')
    const calm: Scenario['load'] = { arrivals: 'even', phases: [{ lasts: 20_000, rate: 100 }] }
    const one: PlantData = { kind: 'workers', slots: 100, service: 10 }
    const { latency } = run({ ...one, pauses }, 0, { load: calm }).total
    near(latency.max, 210, 1, 'met at its beginning')
    near(latency.p50, 10, 0.3, 'most meet none')
    near(run(one, 0, { load: calm }).total.latency.max, 10, 0.001, 'control: without pauses')
    near(run({ ...pool, pauses }, 3, { gate: { limit: 10 } }).total.refusal.max, 200, 2, 'a refusal waits as well')
  })
})

describe('tiers', () => {
  const front = { kind: 'workers', slots: 100, service: 5 } as const
  const back = { kind: 'workers', slots: 4, service: 20 } as const

  it('are called one within the other: the narrowest bounds all, and times add up', () => {
    const plant: PlantData = { kind: 'tiers', tiers: [front, back] }
    const { capacity, total } = run(plant, 0.3)
    assert.equal(capacity, 200)
    near(total.latency.p50, 25, 1, 'time in both')
    near(run(plant, 3, { gate: { limit: 8 } }).total.share, 1, 0.03, 'share at 3×')
  })

  it('hold the slot outside while they wait inside', () => {
    const plant: PlantData = { kind: 'tiers', tiers: [{ ...front, slots: 2 }, back] }
    // 2 slots × (5 + 20) ms, although each tier alone could do more.
    near(run(plant, 2, { gate: { limit: 10 } }).total.answered / 20, 80, 3, 'answers a second')
  })

  it('refuse from within, where each has a gate', () => {
    const plant: PlantData = { kind: 'tiers', gates: 'each', tiers: [front, back] }
    const gate = ({ site }: { site: { tier: number } }): ReturnType<typeof semaphore> =>
      semaphore({ permits: site.tier === 0 ? 1000 : 4, name: `tier ${site.tier}` })
    const report = simulate({ name: 'x', plant, load: { phases: [{ lasts: 10_000, times: 3 }] } }, { gate })
    // 12 erlangs at 4 slots that nobody may wait for: Erlang B refuses 69.8 %.
    near(report.total.share, 0.906, 0.02, 'share')
    assert.ok(report.total.refused > 0)
    near(report.total.refusal.p50, 5, 0.2, 'a refusal from the second tier has taken the work of the first')
  })
})

describe('instances behind a balancer', () => {
  const half: PlantData = { ...pool, slots: 8 }
  const balanced = (by: 'turn' | 'random' | 'least'): PlantData => ({
    kind: 'balanced',
    by,
    instances: [half, half, half, half],
  })
  const latency = (by: 'turn' | 'random' | 'least'): Figures['latency'] => run(balanced(by), 0.9).total.latency

  it('do together what each can do, with a gate each', () => {
    const { capacity, total, series } = run(balanced('turn'), 3, { gate: { limit: 8 } })
    assert.equal(capacity, 640)
    assert.equal(series.points.at(-1)!.limit, 32)
    near(total.share, 0.97, 0.03, 'share')
  })

  it('are quicker when whoever has least to do is asked, and slower when chance asks', () => {
    const [turn, random, least] = [latency('turn').mean, latency('random').mean, latency('least').mean]
    assert.ok(least < turn && turn < random, `least ${least}, turn ${turn}, random ${random}`)
  })

  it('fail one by one', () => {
    const changes = [{ at: 0, instance: 2, slots: 2 }]
    const { series, total } = run(balanced('least'), 3, { gate: { limit: 8 }, changes })
    assert.equal(series.points.at(-1)!.capacity, 640 * (26 / 32))
    near(total.share, 26 / 32, 0.04, 'share')
  })
})
