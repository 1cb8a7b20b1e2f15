import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limiter, seeded, semaphore } from '../../src/index.ts'
import { checkScenario, simulate, type PlantData, type Scenario, type SimReport } from '../../src/sim/index.ts'
import { hashOf } from '../../src/ground/index.ts'

const pool: PlantData = { kind: 'workers', slots: 20, service: { kind: 'gamma', mean: 50, cv: 0.6 } }
const twice: Scenario = {
  name: 'twice',
  warmup: 2000,
  bound: 500,
  plant: pool,
  load: { phases: [{ lasts: 22_000, times: 2 }] },
}

/** Some scenario that has a bit of everything in it, another one for every seed. */
function anything(seed: number): Scenario {
  const random = seeded(seed)
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random() * options.length)]!
  const single = (): Exclude<PlantData, { kind: 'tiers' | 'balanced' }> =>
    pick(
      {
        kind: 'workers',
        slots: 1 + Math.floor(random() * 20),
        service: { kind: 'exponential', mean: 20 },
        thrash: pick(0, 0.01),
      } as const,
      {
        kind: 'event-loop',
        before: 1,
        wait: pick(0, 20),
        after: pick(0, 1),
        admission: pick('direct', 'yield'),
      } as const,
      {
        kind: 'workers',
        slots: 8,
        service: { kind: 'bimodal', quick: 5, slow: 200 },
        pauses: { every: 500, lasts: 30 },
      } as const,
    )
  const plant = pick<() => PlantData>(
    single,
    () => ({ kind: 'balanced', by: pick('turn', 'random', 'least'), instances: [single(), single()] }),
    () => ({ kind: 'tiers', gates: pick('first', 'each'), tiers: [single(), single()] }),
  )()
  return checkScenario({
    name: `anything ${seed}`,
    seed,
    duration: pick(8000, 8001.5),
    warmup: pick(0, 1000),
    plant,
    load: {
      phases: [
        { lasts: 3000, times: pick(0.5, 3), users: pick(0, 10) },
        { lasts: 2000, times: [0.5, 4] },
        { lasts: 3000, times: 1, bursts: { every: 500, on: 50, to: 5 }, users: 3 },
      ],
      think: 50,
      classes: [
        { weight: 3, priority: 0 },
        { priority: 3, work: 2, cost: 2, deadline: 300 },
      ],
      tenants: { count: 20, spread: 'zipf' },
      trace: [{ at: 10 }, { at: 20, flow: 'other', route: '/x' }],
    },
    clients: {
      ...(random() < 0.7 && { timeout: pick(50, 400) }),
      onLeave: pick('release', 'hold', 'abort'),
      ...(random() < 0.7 && { retries: { most: 2, wait: pick(0, 20), ...(random() < 0.5 && { budget: {} }) } }),
    },
    gate: pick<Scenario['gate']>('none', { limit: 6 }, { limit: 6, queue: 'priority' }, { queue: 'fair' }, {}),
    changes: [
      { at: 4000, lasts: 500, slowdown: 3 },
      { at: 4200, slots: 2, lasts: 400 },
    ],
  })
}

describe('simulate', () => {
  it('loses nobody: every attempt is answered, refused, left, or still inside, and so is every request', () => {
    let inSystem = 0
    for (let seed = 1; seed <= 24; seed++) {
      const { attempts, requests, total, series, phases, classes, scenario } = simulate(anything(seed))
      assert.equal(attempts.offered, attempts.answered + attempts.refused + attempts.left + attempts.inSystem, scenario)
      assert.equal(requests.made, requests.succeeded + requests.failed + requests.underWay, scenario)
      assert.ok(attempts.offered > 0 && attempts.inSystem >= 0 && requests.underWay >= 0)
      inSystem += attempts.inSystem
      assert.equal(
        Object.values(total.rejected).reduce((sum, count) => sum + count, 0),
        total.refused,
      )
      for (const name of ['offered', 'answered', 'good', 'refused', 'left', 'wasted', 'admitted', 'retried'] as const)
        assert.equal(
          classes.reduce((sum, each) => sum + each[name], 0),
          total[name],
          `${scenario}: ${name} by class`,
        )
      for (const name of ['offered', 'refused', 'left'] as const) {
        const inSeries = series.points.reduce((sum, each) => sum + each[name], 0)
        const inPhases = phases.reduce((sum, each) => sum + each[name], 0)
        assert.equal(inPhases, attempts[name], `${scenario}: ${name} by phase`)
        assert.ok(inSeries <= inPhases && inSeries > 0.9 * inPhases - 10, `${scenario}: ${name} by second`)
      }
    }
    assert.ok(inSystem > 0, 'control: some are inside when it ends')
  })

  it('gives back every permit: when nothing comes any more, nobody is inside', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const scenario = anything(seed)
      const { load } = scenario
      const phases = [...load.phases, { lasts: 300_000, users: 0 }]
      const { series, attempts } = simulate({
        ...scenario,
        duration: 308_000,
        every: 10_000,
        load: { ...load, phases },
      })
      const { inflight, queued } = series.points.at(-1)!
      assert.deepEqual([inflight, queued, attempts.inSystem], [0, 0, 0], scenario.name)
    }
  })

  it('gives the same report for a seed, byte for byte, and another for another', () => {
    for (let seed = 1; seed <= 8; seed++)
      assert.equal(JSON.stringify(simulate(anything(seed))), JSON.stringify(simulate(anything(seed))))
    assert.notEqual(
      JSON.stringify(simulate(twice, { seed: 1 }).total),
      JSON.stringify(simulate(twice, { seed: 2 }).total),
    )
    const report = simulate(twice)
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report, 'plain data')
  })

  it('gives the same report on every Node', () => {
    // Of gates that compute nothing, so that the figure changes with the simulator alone.
    const digests = ['none', { limit: 6 }, { limit: 6, queue: 'fifo' }].map((gate) =>
      hashOf(JSON.stringify(Array.from({ length: 6 }, (_, seed) => simulate({ ...anything(seed), gate } as Scenario)))),
    )
    assert.deepEqual(digests, [3090328022, 2793020619, 3943789391])
  })

  it('offers the same arrivals whatever the gate does', () => {
    const offered = (gate: Scenario['gate']): number[] =>
      simulate({ ...twice, ...(gate && { gate }) }).series.points.map((point) => point.offered)
    assert.deepEqual(offered('none'), offered({ limit: 20 }))
    assert.deepEqual(offered({}), offered({ limit: 20 }))
  })

  it('S1.3 a production gate keeps goodput at 2×, where without one there is none', () => {
    const share = (report: SimReport): number => report.total.share!
    const guarded = simulate(twice, { gate: (world) => limiter(world) })
    assert.ok(share(guarded) >= 0.95, `default limiter ${share(guarded)}`)
    assert.ok(share(simulate({ ...twice, gate: 'none' })) < 0.05, 'control: no gate')
    assert.ok(
      share(simulate(twice, { gate: ({ clock }) => semaphore({ permits: 400, clock }) })) < 0.1,
      'control: too high',
    )
    assert.ok(
      guarded.series.points.some(({ reasons }) => Object.keys(reasons).length > 0),
      'says why limits move',
    )
  })

  it('counts each part for itself: phases by their time, classes by their kind, the warm-up nowhere', () => {
    const { phases, classes, total, capacity, attempts } = simulate({
      ...twice,
      warmup: 10_000,
      gate: { limit: 20, queue: { name: 'priority', capacity: 40 } },
      load: {
        arrivals: 'even',
        phases: [
          { name: 'calm', lasts: 10_000, times: 0.5 },
          { name: 'rush', lasts: 10_000, times: 3, settle: 2000 },
        ],
        classes: [
          { name: 'batch', weight: 2, priority: 0 },
          { name: 'page', priority: 3 },
        ],
      },
    })
    assert.equal(capacity, 400)
    assert.deepEqual(
      phases.map(({ name, lasts }) => [name, lasts]),
      [
        ['calm', 10_000],
        ['rush', 8000],
      ],
    )
    assert.ok(Math.abs(phases[0]!.offered - 2000) <= 1 && Math.abs(phases[1]!.offered - 9600) <= 2)
    assert.ok(Math.abs(total.offered - 12_000) <= 2 && Math.abs(attempts.offered - 14_000) <= 2)
    const [batch, page] = classes
    assert.ok(Math.abs(batch!.offered / page!.offered - 2) < 0.15)
    const [low, high] = [batch!.good / batch!.offered, page!.good / page!.offered]
    assert.ok(high > 2 * low, `the important go first: ${high}, ${low}`)
  })

  it('measures goodput in work, so that letting in only the small ones is no trick', () => {
    const classes = [{ work: 0.5 }, { work: 1.5 }]
    const { total, capacity } = simulate({ ...twice, load: { ...twice.load, classes }, gate: { limit: 20 } })
    assert.equal(capacity, 400)
    assert.ok(Math.abs(total.share! - 0.97) < 0.03, `share ${total.share}`)
    const small = simulate({
      ...twice,
      load: { ...twice.load, classes: [{ work: 0.5 }] },
      gate: { limit: 20 },
    }).total
    assert.ok(Math.abs(small.offered / 20 - 1600) < 50, 'and so is the load: twice as many of half the size')
    assert.ok(Math.abs(small.goodput - 800 * small.share!) < 1, `${small.goodput} a second, ${small.share}`)
  })

  it('replays a trace', () => {
    const entries = Array.from({ length: 100 }, (_, index) => ({
      at: index * 10,
      flow: index % 4 === 0 ? 'a' : 'b',
      route: '/r',
    }))
    const { attempts, classes, fairness } = simulate({
      name: 'trace',
      plant: { kind: 'workers', slots: 1, service: 1 },
      load: { phases: [{ lasts: 2000 }], trace: entries },
    })
    assert.equal(attempts.answered, 100)
    assert.deepEqual(
      classes.map(({ name, offered }) => [name, offered]),
      [
        ['class 1', 0],
        ['/r', 100],
      ],
    )
    assert.deepEqual(
      fairness!.top.map(({ name, good }) => [name, good]),
      [
        ['b', 75],
        ['a', 25],
      ],
    )
  })

  it('refuses a seed that is none', () => {
    assert.throws(() => simulate(twice, { seed: 0.5 }), /simulate\.seed: expected a whole number from 0/)
  })
})
