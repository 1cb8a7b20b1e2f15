import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkBudget, checkName, checkReport, checkStatement } from '../../src/arbiter/checks.ts'
import { packed, unpacked } from '../../src/arbiter/endless.ts'
import { fencesAt, fenceSeen } from '../../src/arbiter/fences.ts'

const REPORT = {
  session: 's',
  life: 0,
  seq: 1,
  granted: 0,
  returned: 0,
  limit: 3,
  lease: 1000,
  queue: 0,
  strict: false,
  leaves: false,
  waiting: [0, 0, 1, 0],
  spare: 0,
  demand: [{ priority: 2, line: 0, weight: 1, cost: 1, count: 1, age: 1.5 }],
}

const STATEMENT = { turn: 1, known: false, claim: [0], keep: [0], need: [1], want: [1] }
const BUDGET = { name: 'b', buckets: [{ name: 'tokens', interval: 1, capacity: 5 }] }

describe('what another process says', () => {
  it('S3.5 passes as it is where it makes sense, with fields this version does not know', () => {
    const report = { ...REPORT, tomorrow: { pressure: [0.5] } }
    assert.equal(checkReport(report), report)
    assert.ok(checkReport({ ...REPORT, shares: [0.1, 0, 0.4, 0.5] }))
    assert.equal(checkStatement(STATEMENT, 1), STATEMENT)
    assert.equal(checkBudget(BUDGET), BUDGET)
  })

  let deep: unknown = 1
  for (let at = 0; at < 10; at++) deep = { deep }
  const nonsense: Record<string, unknown> = {
    'no record': [REPORT],
    nothing: undefined,
    'a session that is none': { ...REPORT, session: 7 },
    'a name without end': { ...REPORT, session: 'x'.repeat(129) },
    'less than nothing': { ...REPORT, granted: -1 },
    'half a slot': { ...REPORT, returned: 0.5 },
    'a limit of none': { ...REPORT, limit: 0 },
    'a number without end': { ...REPORT, tomorrow: [Infinity] },
    'too many': { ...REPORT, waiting: [0, 0, 1e9, 0] },
    'five classes': { ...REPORT, waiting: [0, 0, 0, 0, 0] },
    'a class there is not': { ...REPORT, demand: [{ ...REPORT.demand[0], priority: 4 }] },
    'a weight of nothing': { ...REPORT, demand: [{ ...REPORT.demand[0], weight: 0 }] },
    'shares of three classes': { ...REPORT, shares: [0.1, 0.4, 0.5] },
    'a share below nothing': { ...REPORT, shares: [-0.1, 0, 0.4, 0.5] },
    'a word for a truth': { ...REPORT, leaves: 'yes' },
    'too deep': { ...REPORT, deep },
  }
  for (const [what, report] of Object.entries(nonsense))
    it(`S3.5 is refused: ${what}`, () => assert.throws(() => checkReport(report)))

  it('S3.5 is refused where buckets and statement do not fit together', () => {
    assert.throws(() => checkStatement(STATEMENT, 2), /claim/)
    assert.throws(() => checkStatement({ ...STATEMENT, need: ['1'] }, 1), /need/)
    assert.throws(() => checkStatement({ ...STATEMENT, turn: -1 }, 1), /turn/)
    assert.throws(() => checkStatement({ ...STATEMENT, pace: { refills: [{}] } }, 1), /interval/)
    assert.throws(() => checkBudget({ ...BUDGET, buckets: [{ name: 'a', interval: -1, capacity: 1 }] }), /interval/)
    assert.throws(() => checkName('x'.repeat(2000), 'key'), /key/)
  })

  it('S3.5 a fence that cannot be is not heard of', () => {
    const wall = 1.8e12
    assert.equal(fenceSeen(fencesAt(wall) + 5, wall), fencesAt(wall) + 5)
    assert.equal(fenceSeen(Number.MAX_SAFE_INTEGER, wall), 0)
  })

  it('numbers without end survive the way', () => {
    const news = { most: [Infinity, 3], name: 'x', nothing: undefined, no: null }
    assert.deepEqual(unpacked(JSON.parse(JSON.stringify(packed(news)))), { most: [Infinity, 3], name: 'x', no: null })
  })
})
