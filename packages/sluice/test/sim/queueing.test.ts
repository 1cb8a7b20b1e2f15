import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulate, type Scenario, type ServiceData, type SimReport } from '../../src/sim/index.ts'

/** No gate, hours of virtual time: what queueing theory has formulas for. */
function open(slots: number, service: ServiceData, load: number, seconds = 2000): SimReport {
  const scenario: Scenario = {
    name: 'open',
    warmup: 100_000,
    bound: 60_000,
    plant: { kind: 'workers', slots, service },
    load: { phases: [{ lasts: seconds * 1000, times: load }] },
    gate: 'none',
  }
  return simulate(scenario)
}

function near(actual: number, expected: number, share: number): void {
  assert.ok(Math.abs(actual - expected) <= share * expected, `${actual}, expected ${expected}`)
}

/** The share that waits in M/M/c (Erlang C). @param offered load in servers */
function erlangC(servers: number, offered: number): number {
  let term = 1
  let sum = 0
  for (let n = 0; n < servers; n++) {
    sum += term
    term *= offered / (n + 1)
  }
  const waits = (term * servers) / (servers - offered)
  return waits / (sum + waits)
}

describe('the simulator agrees with queueing theory', () => {
  const service = { kind: 'exponential', mean: 20 } as const

  for (const load of [0.5, 0.8])
    it(`M/M/1 at ${load}: time in system is service / (1 - load), and exponential`, () => {
      const { latency } = open(1, service, load).total
      const mean = 20 / (1 - load)
      near(latency.mean, mean, 0.05)
      near(latency.p50, mean * Math.LN2, 0.07)
      near(latency.p99, mean * Math.log(100), 0.1)
    })

  for (const [servers, load, seconds] of [
    [4, 0.8, 2000],
    [20, 0.9, 600],
  ] as const)
    it(`M/M/${servers} at ${load}: the mean wait is that of Erlang C`, () => {
      const { latency } = open(servers, service, load, seconds).total
      const wait = (erlangC(servers, servers * load) * 20) / (servers * (1 - load))
      near(latency.mean, 20 + wait, 0.04)
    })

  it('M/D/1 waits half as long as M/M/1 (Pollaczek–Khinchine)', () => {
    near(open(1, 20, 0.8).total.latency.mean, 20 + (0.8 * 20) / (2 * 0.2), 0.05)
  })

  it('M/G/1 with a cv of 2 waits 2.5 times as long', () => {
    const wait = (0.6 * 20 * (1 + 4)) / (2 * 0.4)
    near(open(1, { kind: 'gamma', mean: 20, cv: 2 }, 0.6).total.latency.mean, 20 + wait, 0.08)
  })

  it("Little's law: those inside are the rate times the time inside", () => {
    const { total, series } = open(4, service, 0.9)
    const points = series.points.slice(100)
    const inside = points.reduce((sum, { inflight }) => sum + inflight, 0) / points.length
    near(inside, (total.answered / total.lasts) * total.latency.mean, 0.05)
  })

  it('M/M/c/c: a gate that refuses at once refuses what Erlang B says', () => {
    const scenario: Scenario = {
      name: 'loss',
      plant: { kind: 'workers', slots: 10, service },
      load: { phases: [{ lasts: 1_000_000, times: 1.2 }] },
      gate: { limit: 10 },
    }
    const { total } = simulate(scenario)
    const waits = erlangC(10, 9.999_999)
    assert.ok(waits > 0.99, 'control: at full load everybody waits')
    let blocked = 1
    for (let n = 1; n <= 10; n++) blocked = (12 * blocked) / (n + 12 * blocked)
    near(total.refused / total.offered, blocked, 0.03)
  })

  it('closed loop: N users who think Z get N / (R + Z) through', () => {
    const scenario: Scenario = {
      name: 'closed',
      warmup: 50_000,
      plant: { kind: 'workers', slots: 5, service },
      load: { phases: [{ lasts: 500_000, users: 100 }], think: { kind: 'exponential', mean: 980 } },
      gate: 'none',
    }
    const { total } = simulate(scenario)
    near(total.goodput, 100 / ((total.latency.mean + 980) / 1000), 0.02)
  })
})
