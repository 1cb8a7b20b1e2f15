import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { semaphore } from '../../src/index.ts'
import {
  simulate,
  type ClientsData,
  type Figures,
  type PlantData,
  type RetriesData,
  type Scenario,
  type SimReport,
} from '../../src/sim/index.ts'

const pool: PlantData = { kind: 'workers', slots: 20, service: { kind: 'gamma', mean: 50, cv: 0.6 } }

function run(clients: ClientsData, times: number, rest: Partial<Scenario> = {}): SimReport {
  const load = { phases: [{ lasts: 22_000, times }] }
  return simulate({ name: 'clients', warmup: 2000, plant: pool, load, gate: 'none', clients, ...rest })
}

describe('clients with patience', () => {
  it('leave after their timeout, to the ms, and the work is done for nobody', () => {
    const { total } = run({ timeout: 500 }, 2)
    assert.equal(total.refused, 0)
    assert.ok(total.left > 0.9 * total.offered, `left ${total.left} of ${total.offered}`)
    assert.ok(total.wasted > 0.9 * 20 * 400, `wasted ${total.wasted}`)
    const calm = run({ timeout: 500 }, 0.5).total
    assert.deepEqual([calm.left, calm.wasted], [0, 0], 'control: with room for all nobody leaves')
  })

  it('take their waiters along', () => {
    const gate = { limit: 20, queue: { name: 'fifo', maxWait: 60_000 } }
    const { total, series } = run({ timeout: 200 }, 2, { gate })
    // Without a bound of its own the queue holds what comes in 200 ms, and no more.
    assert.ok(
      series.points.every(({ queued }) => queued <= 250),
      'queue bounded by patience',
    )
    assert.ok(total.left > 0)
    assert.ok(run({}, 2, { gate }).series.points.at(-1)!.queued > 900, 'control: with endless patience it fills')
  })

  it('give permits back when they leave, or when the work has ended, or stop the work', () => {
    const slow: PlantData = { kind: 'workers', slots: 20, service: 1000 }
    const load = { phases: [{ lasts: 60_000, rate: 100 }] }
    const report = (onLeave: 'release' | 'hold' | 'abort'): SimReport =>
      run({ timeout: 100, onLeave }, 0, { plant: slow, load, gate: { limit: 10 } })
    const inside = (onLeave: 'release' | 'hold' | 'abort'): number => report(onLeave).total.admitted / 58
    // At most 10 permits: each is held for 100 ms, 1000 ms, 100 ms; work goes on for 1000 ms but where it is stopped.
    assert.ok(inside('release') > 60, 'released at once: the gate lets in what it should not')
    assert.ok(Math.abs(inside('hold') - 10) < 1, `held: ${inside('hold')}`)
    assert.ok(inside('abort') > 60 && report('abort').total.wasted === 0, 'stopped')
    assert.ok(report('release').total.wasted > 0)
  })

  it('are not worked for any more, where the work is stopped, wherever it stands', () => {
    const loop: PlantData = { kind: 'event-loop', accept: 0.01, before: 2, wait: 20, after: 1 }
    for (const plant of [pool, loop]) {
      const total = (onLeave: 'release' | 'abort'): Figures => run({ timeout: 300, onLeave }, 2, { plant }).total
      assert.equal(total('abort').wasted, 0, plant.kind)
      assert.ok(total('release').wasted > 1000, `${plant.kind}, control`)
    }
    // What is passed over takes no time of those who are still there.
    const turns: PlantData = {
      kind: 'event-loop',
      accept: 0.01,
      before: { kind: 'exponential', mean: 10 },
      admission: 'yield',
    }
    for (const plant of [pool, turns]) {
      const share = (onLeave: 'release' | 'abort'): number => run({ timeout: 300, onLeave }, 2, { plant }).total.share!
      assert.ok(share('abort') > 0.3 && share('release') < 0.1, `${plant.kind}: ${share('abort')}`)
    }
  })

  it('leave nothing behind, wherever they were when they left', () => {
    const busy: PlantData = { kind: 'event-loop', accept: 0.5, before: 2, wait: 20, after: 1 }
    const load = { phases: [{ lasts: 5000, rate: 800 }, { lasts: 60_000 }] }
    const plants: PlantData[] = [
      busy,
      { kind: 'tiers', gates: 'each', tiers: [{ kind: 'workers', slots: 500, service: 5 }, busy] },
      { kind: 'tiers', tiers: [busy, pool] },
    ]
    for (const plant of plants)
      for (const onLeave of ['release', 'hold', 'abort'] as const) {
        const clients = { timeout: 100, onLeave }
        const report = simulate({ name: 'left', plant, load, clients, gate: { limit: 300, queue: 'fifo' } })
        const { inflight, queued } = report.series.points.at(-1)!
        assert.deepEqual([inflight, queued, report.attempts.inSystem], [0, 0, 0], `${plant.kind}, ${onLeave}`)
        assert.ok(report.attempts.left > 100, 'control: they do leave')
      }
  })

  it('are not refused after they have left, from further in', () => {
    const busy: PlantData = { kind: 'event-loop', accept: 2, before: 2, refusal: 0 }
    const plant: PlantData = {
      kind: 'tiers',
      gates: 'each',
      tiers: [{ kind: 'workers', slots: 500, service: 5 }, busy],
    }
    const load = { phases: [{ lasts: 5000, rate: 800 }, { lasts: 60_000 }] }
    const { series } = simulate(
      { name: 'late', plant, load, clients: { timeout: 100, onLeave: 'abort' } },
      { gate: ({ clock, site }) => (site.tier === 0 ? undefined : semaphore({ permits: 1, clock, threshold: 1 })) },
    )
    assert.ok(series.points.every(({ inflight }) => inflight >= 0))
    assert.equal(series.points.at(-1)!.inflight, 0)
  })

  it('teach a gate nothing when they leave, and refusals further in teach it a loss', () => {
    const outcomes = (scenario: Partial<Scenario>): string[] => {
      const seen = new Set<string>()
      const plant: PlantData = { kind: 'workers', slots: 5, service: 50 }
      const load = { phases: [{ lasts: 3000, rate: 200 }] }
      simulate(
        { name: 'outcomes', plant, load, ...scenario },
        {
          gate: ({ clock, site }) =>
            semaphore({
              permits: site.tier === 0 ? 100 : 5,
              clock,
              observer: { released: (_, outcome) => void (site.tier === 0 && seen.add(outcome)) },
            }),
        },
      )
      return [...seen].sort()
    }
    assert.deepEqual(outcomes({}), ['success'])
    assert.deepEqual(outcomes({ clients: { timeout: 40, onLeave: 'hold' } }), ['ignored'])
    assert.deepEqual(outcomes({ clients: { timeout: 40, onLeave: 'release' } }), ['ignored'])
    const inner: PlantData = { kind: 'workers', slots: 5, service: 50 }
    const plant: PlantData = { kind: 'tiers', gates: 'each', tiers: [{ kind: 'dependency', delay: 1 }, inner] }
    assert.deepEqual(outcomes({ plant }), ['dropped', 'success'])
  })
})

describe('clients who retry', () => {
  const gate = { limit: 20 }
  const retry = (retries: RetriesData, times = 2): SimReport => run({ retries }, times, { gate })

  it('at once, as often as they are told to', () => {
    const report = retry({ most: 3 })
    const { total, requests } = report
    assert.ok(total.retried > 1.2 * total.answered, `retried ${total.retried}`)
    assert.equal(requests.made, requests.succeeded + requests.failed + requests.underWay)
    assert.equal(retry({ most: 0 }).total.retried, 0)
  })

  it('after a wait that grows, with jitter, and not before they were told to', () => {
    const alone: Scenario = {
      name: 'alone',
      every: 10,
      plant: pool,
      load: { phases: [{ lasts: 3000 }], trace: [{ at: 0 }, { at: 1 }] },
      clients: { retries: { most: 4, wait: 100, factor: 2, longest: 300, jitter: false } },
      gate: { limit: 1, queue: 'none' },
    }
    const blocked: Scenario = { ...alone, plant: { kind: 'workers', slots: 1, service: 2500 } }
    const instants = simulate(blocked).series.points.flatMap(({ at, offered }) => (offered > 0 ? [at] : []))
    // The second is refused at 1 ms and comes again 100, 200, 300 and 300 ms after each refusal.
    assert.deepEqual(instants, [10, 110, 310, 610, 910])
    const told = simulate({
      ...blocked,
      clients: { retries: { most: 4, wait: 100, jitter: false, honourRetryAfter: true } },
    })
    assert.deepEqual(
      told.series.points.flatMap(({ at, offered }) => (offered > 0 ? [at] : [])),
      [10, 1110, 2310],
      'a second later than that',
    )
    const jittered = simulate({ ...blocked, clients: { retries: { most: 4, wait: 100 } } })
    assert.notDeepEqual(
      jittered.series.points.flatMap(({ at, offered }) => (offered > 0 ? [at] : [])),
      instants,
    )
  })

  it('not at all where they were told that it is pointless', () => {
    const late: Partial<Scenario> = {
      gate: { limit: 20, queue: 'fifo' },
      load: { phases: [{ lasts: 10_000, times: 2 }], classes: [{ deadline: 1 }] },
    }
    const stubborn = run({ retries: { most: 3 } }, 2, late).total
    assert.deepEqual(Object.keys(stubborn.rejected), ['deadline'])
    assert.ok(stubborn.admitted > 0, 'in time at first')
    assert.ok(stubborn.retried > 0, 'control: who does not listen retries')
    assert.equal(run({ retries: { most: 3, honourRetryAfter: true } }, 2, late).total.retried, 0)
  })

  it('within a budget', () => {
    const { total } = retry({ most: 10, budget: {} })
    const first = total.offered - total.retried
    assert.ok(
      total.retried <= 0.11 * first + 200 && total.retried >= 0.09 * first,
      `retried ${total.retried} of ${first}`,
    )
    assert.ok(
      retry({ most: 10 }).total.retried > first,
      'control: without one there are more retries than first attempts',
    )
  })

  it('after timeouts, refusals, or both', () => {
    const both = run({ timeout: 100, retries: { most: 1 } }, 2, { gate: { limit: 40, queue: 'none' } }).total
    const only = (after: 'refusal' | 'timeout'): number =>
      run({ timeout: 100, retries: { most: 1, after } }, 2, { gate: { limit: 40, queue: 'none' } }).total.retried
    assert.ok(both.left > 0 && both.refused > 0)
    assert.ok(only('refusal') > 0 && only('timeout') > 0)
    assert.ok(only('refusal') < both.retried && only('timeout') < both.retried)
  })

  it('keep a service down after a stumble that is long over, unless a gate stands before it (metastable failure)', () => {
    const storm = (gate: Scenario['gate']): number => {
      const { phases } = simulate({
        name: 'storm',
        bound: 1000,
        plant: pool,
        load: {
          phases: [
            { name: 'before', lasts: 10_000, times: 0.7 },
            { name: 'stumble', lasts: 5000, times: 0.7 },
            { name: 'after', lasts: 30_000, times: 0.7, settle: 10_000 },
          ],
        },
        clients: { timeout: 1000, retries: { most: 4 } },
        changes: [{ at: 10_000, lasts: 5000, slots: 4 }],
        ...(gate && { gate }),
      })
      assert.ok(phases[0]!.share! > 0.65)
      return phases[2]!.share!
    }
    assert.ok(storm('none') < 0.1, `without a gate ${storm('none')}`)
    assert.ok(storm({ limit: 20 }) > 0.65, `with one ${storm({ limit: 20 })}`)
  })
})

describe('users in a closed loop', () => {
  it('come and go from phase to phase, and never more than one request of each is under way', () => {
    const { phases, series } = simulate({
      name: 'users',
      plant: { kind: 'workers', slots: 2, service: 100 },
      load: {
        phases: [
          { lasts: 20_000, users: 50 },
          { lasts: 20_000, users: 1 },
        ],
        think: 100,
      },
      gate: 'none',
    })
    assert.ok(series.points.every(({ inflight }) => inflight <= 50))
    assert.ok(Math.abs(phases[0]!.answered / 20 - 20) < 1.5, 'two slots, one of them always there for the next')
    assert.ok(series.points.at(-1)!.inflight <= 1)
    assert.ok(Math.abs(series.points.at(-2)!.good - 5) <= 1, 'one user: 100 ms of thinking, 100 ms of service')
  })
})
