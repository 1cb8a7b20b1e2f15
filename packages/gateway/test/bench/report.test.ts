import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { benchReport, Sheet, type Arm, type BenchResult } from '../../src/bench/index.ts'
import { reportPage } from '../../src/report/index.ts'

const times = { mean: 150, p50: 150, p95: 300, max: 400 }

function arm(rate: number, p95: number): Arm {
  return {
    figures: {
      total: 1000,
      served: 600,
      rejected: 400,
      unexplained: 0,
      failed: 0,
      errors: 0,
      timeouts: 0,
      rate,
      share: 0.4,
      latency: { ...times, p95 },
      wait: times,
      work: times,
      waitBy: 'gate',
      reasons: [['QUEUE_FULL', 400]],
    },
    series: [0, 1, 2].map((at) => ({
      at,
      users: 200,
      served: rate,
      rejected: 900,
      lost: 0,
      p50: p95 / 2,
      p95,
      queued: 400,
      backlog: 0,
    })),
    busy: false,
  }
}

function result(options: { passed?: boolean; busy?: boolean; without?: boolean } = {}): BenchResult {
  const { passed = true, busy = false, without = true } = options
  const checks = [{ name: 'what is too much is refused', passed, detail: '400 of 1000 refused, 40 %' }]
  const failing = { ...arm(1900, 12_000), checks: [{ name: 'refusals say why', passed: false, detail: 'none' }] }
  const scenario = { ...arm(1600, 360), busy, name: 'overload' as const, load: '200 users', passed, checks }
  return {
    passed,
    stopped: false,
    url: undefined,
    page: 16,
    scenarios: [{ ...scenario, without: without ? failing : undefined }],
  }
}

describe('benchReport', () => {
  it('S3.13 shows before and after side by side, on the same scales', () => {
    const { sections } = benchReport(result())
    const [before, after] = sections[0]!.panels!
    assert.deepEqual([before?.title, after?.title], ['before: without a gate', 'after: with the gate'])
    const scales = (panel: typeof before): unknown => panel?.charts.map(({ title, yMax }) => [title, yMax])
    assert.deepEqual(scales(before), scales(after)?.valueOf())
    const latency = after?.charts.find(({ title }) => title.startsWith('Time to an answer'))
    assert.equal(latency?.yMax, 12)
    assert.deepEqual(latency?.lines[1]?.points[0], [0, 0.36])
  })

  it('has one panel where nothing was compared', () => {
    assert.deepEqual(
      benchReport(result({ without: false })).sections[0]?.panels?.map(({ title }) => title),
      ['over time'],
    )
  })

  it('says what was asked, and whether it was found', () => {
    const page = reportPage(benchReport(result({ passed: false })))
    assert.match(page, /<h1>Load scenarios: failed<\/h1>/)
    assert.match(page, /what is too much is refused<\/td><td>400 of 1000 refused, 40 %/)
    assert.match(page, /would fail: refusals say why/)
  })
})

describe('Sheet', () => {
  function written(bench: BenchResult, colour = false): string {
    let text = ''
    const sheet = new Sheet((each) => (text += each), { colour, progress: undefined })
    sheet.opening(bench.url, bench.page)
    sheet.result(bench)
    return text
  }

  it('prints each scenario, its checks and a verdict', () => {
    const text = written(result())
    assert.match(text, /^PASS {2}overload: 200 users$/m)
    assert.match(text, /^ {2}PASS {2}what is too much is refused {2}400 of 1000 refused, 40 %$/m)
    assert.match(text, /without the gate: 1900\/s served.*p95 12000 ms.*would fail: refusals say why$/m)
    assert.match(text, /^bench: PASS \(1 of 1\)$/m)
    assert.match(written(result({ passed: false })), /^bench: FAIL \(0 of 1\)$/m)
  })

  it('says how the users behave and what fills the gate', () => {
    assert.match(written(result()), /16 requests at once.*\nSo 100 users fill the gate \(1,600\/s\)/)
    assert.match(written({ ...result(), page: 1 }), /At 1 a visit, 1600 users fill the gate/)
  })

  it('says when the machine was too busy', () => {
    assert.match(written(result({ busy: true })), /too busy to measure well/)
    assert.ok(!written(result()).includes('too busy'))
  })

  it('colours only when asked to, and draws progress only where it may', () => {
    assert.ok(!written(result()).includes('\u001B'))
    assert.ok(written(result(), true).includes('\u001B[32mPASS'))
    let drawn = ''
    const progress = {
      scenario: 'spike',
      protected: false,
      at: 1000,
      of: 30_000,
      users: 50,
      served: 7,
      rejected: 0,
    } as const
    const options = { colour: false, columns: 30, progress: (text: string): unknown => (drawn += text) }
    new Sheet(() => {}, options).progress({ ...progress, queued: undefined })
    assert.equal(drawn, '\r\u001B[2Kspike without a gate 1/30s: 5')
  })
})
