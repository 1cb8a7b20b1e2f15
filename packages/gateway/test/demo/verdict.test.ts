import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plan } from '../../src/demo/plan.ts'
import { judge } from '../../src/demo/verdict.ts'
import type { Counts, Latency, LoadReport, PhaseReport } from '../../src/load/index.ts'

const PLAN = plan(20_000)

type Change = Partial<PhaseReport>

function latency(p99: number, count = 100): Latency {
  return { count, mean: p99 / 2, p50: p99 / 2, p90: p99, p99, max: p99 }
}

function counts(offered: number, good: number): Counts {
  const rejected = offered - good
  return { offered, good, rejected, late: 0, slow: 0, unexplained: 0, failed: 0, timeouts: 0, errors: 0 }
}

/** A run in which, in each phase, so many of those offered are good and the rest are refused. */
function report(share: Readonly<Record<string, number>>, changes: Readonly<Record<string, Change>> = {}): LoadReport {
  const phases = PLAN.phases.map((phase): PhaseReport => {
    const { rate, duration, name } = phase
    const part = share[name] ?? 1
    const offered = (rate * duration) / 1000
    return {
      ...phase,
      ...counts(offered, offered * part),
      punctual: true,
      statuses: {},
      reasons: {},
      causes: {},
      admitted: latency(250),
      refused: latency(5),
      seconds: Array.from({ length: Math.ceil(duration / 1000) }, () => counts(rate, rate * part)),
      ...changes[name],
    }
  })
  return { phases, stopped: false }
}

const HELD = { onset: 0.3, spike: 0.33 }
const FAILED = { onset: 0, spike: 0, after: 0 }

function failing(withGate: LoadReport, withoutGate: LoadReport = report(FAILED)): string[] {
  const failed = judge(PLAN, withGate, withoutGate).filter(({ passed }) => !passed)
  return failed.map(({ name }) => name)
}

describe('judge', () => {
  it('passes what keeps every promise', () => {
    assert.deepEqual(failing(report(HELD)), [])
    assert.equal(judge(PLAN, report(HELD), report(FAILED)).length, 7)
  })

  it('fails goodput below 90 % of capacity', () => {
    assert.deepEqual(failing(report({ ...HELD, spike: 0.301 })), [])
    assert.deepEqual(failing(report({ ...HELD, spike: 0.299 })), ['goodput held'])
  })

  it('fails slow answers and slow refusals', () => {
    assert.deepEqual(failing(report(HELD, { spike: { admitted: latency(501) } })), ['p99 of admitted'])
    assert.deepEqual(failing(report(HELD, { spike: { refused: latency(301) } })), ['refusals are quick'])
  })

  it('fails a refusal that does not say why, is no 503, or is none but a failure', () => {
    assert.deepEqual(failing(report(HELD, { after: { unexplained: 1 } })), ['refusals are honest'])
    assert.deepEqual(failing(report(HELD, { onset: { statuses: { '429': 1 } } })), ['refusals are honest'])
    assert.deepEqual(failing(report(HELD, { spike: { errors: 1 } })), ['refusals are honest'])
    assert.deepEqual(failing(report(HELD, { spike: { failed: 1 } })), ['refusals are honest'])
  })

  it('fails healthy load refused, or not served', () => {
    assert.deepEqual(failing(report({ ...HELD, before: 0.98 })), ['healthy load is let in'])
    assert.deepEqual(failing(report({ ...HELD, before: 0.9 }, { before: { rejected: 0 } })), ['healthy load is let in'])
  })

  it('fails a recovery that comes late, or does not last', () => {
    const seconds = (...shares: number[]): Change => ({ seconds: shares.map((share) => counts(320, 320 * share)) })
    assert.deepEqual(failing(report(HELD, { after: seconds(0, 0.5, 0.94, 0.96, 1, 1) })), [])
    assert.deepEqual(failing(report(HELD, { after: seconds(0, 0, 0, 0, 0, 1) })), [])
    assert.deepEqual(failing(report(HELD, { after: seconds(0, 0, 0, 0, 0, 0.9) })), ['recovery'])
    assert.deepEqual(failing(report(HELD, { after: seconds(1, 0, 0, 0, 0, 0) })), ['recovery'])
    const late = { duration: 7000, ...seconds(0, 0, 0, 0, 0, 0, 1) }
    assert.deepEqual(failing(report(HELD, { after: late })), ['recovery'])
  })

  it('fails when the side without a gate does not fail, or never worked', () => {
    assert.deepEqual(failing(report(HELD), report({ ...FAILED, spike: 0.2 })), ['without a gate it fails'])
    assert.deepEqual(failing(report(HELD), report({ ...FAILED, before: 0.5 })), ['without a gate it fails'])
  })

  it('fails a side that does nothing at all', () => {
    const none = latency(0, 0)
    const nothing = Object.fromEntries(
      PLAN.phases.map(({ name }) => [name, { rejected: 0, admitted: none, refused: none }]),
    )
    const dead = report({ 'warm-up': 0, before: 0, onset: 0, spike: 0, after: 0 }, nothing)
    assert.equal(failing(dead).length, 6)
    const told = judge(PLAN, dead, report(FAILED)).map(({ name, detail }) => `${name}: ${detail}`)
    assert.ok(told.includes('p99 of admitted: nobody was let in at 3x (at most 500 ms)'), told.join('\n'))
    assert.ok(told.includes('refusals are quick: nobody was refused at 3x (at most 300 ms)'), told.join('\n'))
  })
})
