import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { simulate, type Scenario } from 'sluice/sim'
import { InputError, replayed } from '../../src/simulate/index.ts'
import { logEntry } from '../../src/simulate/log-line.ts'
import { LONGEST_LINE, logLines } from '../../src/simulate/log-lines.ts'
import { replayOf, type Replay, type ReplayOptions } from '../../src/simulate/replay.ts'

const AT = Date.UTC(2026, 0, 31, 23, 59, 30)
const COMMON = '10.0.0.1 - ann [31/Jan/2026:23:59:30 +0000] "GET /a HTTP/1.1" 200 512'

const SCENARIO: Scenario = {
  name: 'four workers',
  plant: { kind: 'workers', slots: 4, service: 10 },
  load: { phases: [{ lasts: 1000, rate: 10 }] },
}

/** Chunks of a text, cut where it hurts. */
async function* cut(text: string, length: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length)
}

function replay(text: string, options?: ReplayOptions): Promise<Replay> {
  return replayOf('access.log', cut(text, 777), options)
}

/** Instants at random, 60 a second with quiet and loud seconds. */
function instants(count: number): number[] {
  const random = seeded(3)
  let at = AT
  return Array.from(
    { length: count },
    () => (at += -Math.log(1 - random()) * (Math.floor(at / 1000) % 7 === 0 ? 4 : 30)),
  )
}

function commonTime(at: number): string {
  const [, day, month, year, clock] = new Date(at).toUTCString().split(' ')
  return `${day}/${month}/${year}:${clock} +0000`
}

function perSecond(times: readonly number[]): number[] {
  const counts: number[] = []
  for (const at of times) {
    const second = Math.floor(at / 1000)
    while (counts.length <= second) counts.push(0)
    counts[second]!++
  }
  return counts
}

describe('a line of an access log', () => {
  it('is common, combined, or either with a duration behind', () => {
    assert.deepEqual(logEntry(COMMON), { at: AT, took: undefined, tenant: undefined })
    assert.deepEqual(logEntry(COMMON.replace('+0000', '-0700')), {
      at: AT + 7 * 3_600_000,
      took: undefined,
      tenant: undefined,
    })
    for (const [rest, took] of [
      [' "-" "curl/8"', undefined],
      [' "http://a/[b]" "an \\"agent\\" 77"', undefined],
      [' "-" "curl/8" 0.125', 125],
      [' "-" "curl/8" 125000', 125],
      [' 0.125', 125],
    ] as const)
      assert.deepEqual(logEntry(COMMON + rest), { at: AT, took, tenant: undefined }, rest)
    assert.deepEqual(logEntry(COMMON.replace('GET /a', 'GET /\\"[x] y')), {
      at: AT,
      took: undefined,
      tenant: undefined,
    })
  })

  it('is JSON, with times and durations as people write them', () => {
    for (const [line, at, took] of [
      [{ time: '2026-01-31T23:59:30.250Z', duration: 12.5 }, AT + 250, 12.5],
      [{ time: '2026-01-31 23:59:30' }, AT, undefined],
      [{ timestamp: '2026-02-01T00:59:30+01:00', latency: '0.2s' }, AT, 200],
      [{ ts: AT / 1000 + 0.5, request_time: '0.125' }, AT + 500, 125],
      [{ ts: AT, request_time: 0.125 }, AT, 125],
      [{ time: AT * 1000, responseTime: 7 }, AT, 7],
      [{ time: AT * 1e6, duration: '1500us' }, AT, 1.5],
      [{ '@timestamp': String(AT), duration: -1 }, AT, undefined],
    ] as const)
      assert.deepEqual(logEntry(JSON.stringify(line)), { at, took, tenant: undefined }, JSON.stringify(line))
  })

  it('names its tenant where it is asked', () => {
    const tenant = (line: string, field: string): unknown => (logEntry(line, field) as { tenant: unknown }).tenant
    assert.equal(tenant(COMMON, 'host'), '10.0.0.1')
    assert.equal(tenant(COMMON, 'user'), 'ann')
    assert.equal(tenant(COMMON.replace(' ann ', ' - '), 'user'), undefined)
    assert.equal(tenant(JSON.stringify({ ts: AT, who: 'b' }), 'who'), 'b')
    assert.equal(tenant(JSON.stringify({ ts: AT, who: 5 }), 'who'), '5')
    assert.equal(tenant(JSON.stringify({ ts: AT }), 'constructor'), undefined)
  })

  it('says why it is none', () => {
    for (const [line, why] of [
      ['garbage', 'no time in [brackets]'],
      [COMMON.replace('Jan', 'Jam'), 'no time like 10/Oct/2000:13:55:36 -0700'],
      [COMMON.replace('31/Jan', '31/Feb'), 'no time like 10/Oct/2000:13:55:36 -0700'],
      [COMMON.replace('HTTP/1.1"', ''), 'no request in "quotes"'],
      [COMMON.replace('200', 'two'), 'no status and size'],
      ['{"time": 3', 'no JSON'],
      ['{}', 'no time, ts or timestamp'],
      ['{"ts": "yesterday"}', 'ts is no time'],
      ['{"ts": -5}', 'ts is no time'],
      ['{"time": "0001-01-01T00:00:00Z"}', 'time is no time'],
    ] as const)
      assert.equal(logEntry(line), why, line)
  })

  it('is read or refused, whatever it is: 10,000 lines', () => {
    const random = seeded(11)
    const pick = (length: number): number => Math.floor(random() * length)
    const json = JSON.stringify({ time: AT, duration: 5, tenant: 'a' })
    const combined = `${COMMON} "-" "curl/8" 0.125`
    const pieces = [
      '"',
      '\\',
      '[',
      ']',
      '{',
      '}',
      ' ',
      ':',
      '9',
      '\u0000',
      'é',
      'null',
      '[]',
      ' [',
      '"" ',
      '1e400',
      '-',
    ]
    const fate = { read: 0, refused: 0 }
    for (let round = 0; round < 10_000; round++) {
      let line = random() < 0.5 ? json : combined
      for (let change = pick(3); change >= 0; change--) {
        const at = pick(line.length)
        line =
          line.slice(0, at) + pieces[pick(pieces.length)]!.repeat(random() < 0.01 ? 4000 : 1) + line.slice(at + pick(5))
      }
      const entry = logEntry(line, random() < 0.5 ? 'tenant' : 'user')
      if (typeof entry === 'string') fate.refused++
      else {
        fate.read++
        assert.ok(Number.isFinite(entry.at) && (entry.took ?? 0) >= 0, line)
      }
    }
    assert.ok(fate.read > 500 && fate.refused > 500, JSON.stringify(fate))
  })
})

describe('the lines of a log', () => {
  const collected = async (text: string, length: number): Promise<string[]> => {
    const lines: string[] = []
    for await (const line of logLines(cut(text, length))) lines.push(line)
    return lines
  }

  it('are the same however the stream is cut', async () => {
    for (const length of [1, 2, 3, 100])
      assert.deepEqual(await collected('a\r\nbb\n\nccc', length), ['a', 'bb', '', 'ccc'])
  })

  it('are never held beyond what shows that one is too long', async () => {
    const [line, next] = await collected(`${'x'.repeat(10 * LONGEST_LINE)}\nb\n`, 1000)
    assert.ok(line!.length > LONGEST_LINE && line!.length <= LONGEST_LINE + 1001, String(line!.length))
    assert.equal(next, 'b')
  })
})

describe('a replay', () => {
  it('brings as many in each second as the log has, where it knows ms', async () => {
    const times = instants(5000)
    const { trace, summary } = await replay(times.map((at) => JSON.stringify({ ts: at })).join('\n'))
    const expected = perSecond(times.map((at) => at - AT))
    assert.deepEqual(perSecond(trace.map(({ at }) => at)), expected)
    assert.equal(summary.spread, false)
    const { series } = simulate(replayed(SCENARIO, { trace, summary, durations: [] }, true))
    assert.deepEqual(
      series.points.map(({ offered }) => offered),
      expected,
    )
    // Loud seconds and quiet ones, or equal counts would say little.
    assert.ok(Math.max(...expected) > 3 * Math.min(...expected.slice(0, -1)))
  })

  it('brings as many in each second where the log knows only seconds, and not all at once', async () => {
    const times = instants(5000)
    const lines = times.map((at) => COMMON.replace(/\[.*\]/, `[${commonTime(at)}]`))
    const { trace, summary } = await replay(lines.join('\n'))
    assert.equal(summary.spread, true)
    assert.deepEqual(perSecond(trace.map(({ at }) => at)), perSecond(times.map((at) => at - AT)))
    assert.equal(new Set(trace.map(({ at }) => at)).size, 5000)
    const { series } = simulate(replayed(SCENARIO, { trace, summary, durations: [] }, true))
    assert.deepEqual(
      series.points.map(({ offered }) => offered),
      perSecond(times.map((at) => at - AT)),
    )
  })

  it('runs as fast as it is told', async () => {
    const lines = [0, 500, 2000, 4100].map((after) => JSON.stringify({ ts: AT + after }))
    assert.deepEqual((await replay(lines.join('\n'), { speed: 2 })).trace, [
      { at: 0 },
      { at: 250 },
      { at: 1000 },
      { at: 2050 },
    ])
  })

  it('puts lines in order, which are written as answers end', async () => {
    const lines = [4000, 1, 2000].map((after) => JSON.stringify({ ts: AT + after }))
    assert.deepEqual((await replay(lines.join('\n'))).trace, [{ at: 1 }, { at: 2000 }, { at: 4000 }])
  })

  it('counts what it leaves out, and names the first', async () => {
    const { summary } = await replay(`\n${COMMON}\nnothing\n${'x'.repeat(40_000)}\n${COMMON}\n{"a":1}\n`)
    assert.deepEqual(
      [summary.arrivals, summary.bad, summary.firstBad],
      [2, 3, { line: 3, why: 'no time in [brackets]' }],
    )
  })

  it('is refused where no line is good, and where it is years long', async () => {
    const refused = (text: string, message: RegExp): Promise<void> =>
      assert.rejects(replay(text), (error: Error) => error instanceof InputError && message.test(error.message))
    await refused('', /^access\.log: empty$/)
    await refused('\nx\ny\n', /^access\.log:2: no time in \[brackets\], and no line of 2 is better$/)
    await refused(
      `{"ts":${AT}}\n{"ts":${AT - 4e10}}`,
      /^access\.log: from 2024-.* to 2026-.*; expected 31 days at most$/,
    )
  })

  it('reads no further than it may', async () => {
    const text = instants(100)
      .map((at) => JSON.stringify({ ts: at }))
      .join('\n')
    const { trace, summary } = await replay(text, { most: 40 })
    assert.deepEqual([trace.length, summary.more], [40, true])
    assert.equal((await replay(text, { most: 100 })).summary.more, false)
  })

  it('tells tenants apart', async () => {
    const lines = ['a', 'b', 'a'].map((who, index) => JSON.stringify({ ts: AT + index, who }))
    const { trace, summary } = await replay(lines.join('\n'), { tenant: 'who' })
    assert.deepEqual(
      trace.map(({ flow }) => flow),
      ['a', 'b', 'a'],
    )
    assert.equal(summary.tenants, 2)
  })

  it('refuses a tenant field that no line has: it would have passed for a log of one tenant', async () => {
    const lines = [JSON.stringify({ ts: AT, who: 'a' }), COMMON].join('\n')
    for (const tenant of ['nosuch', 'constructor', ''])
      await assert.rejects(replay(lines, { tenant }), {
        message: `access.log: no line has a "${tenant}" to tell tenants apart by`,
      })
    assert.equal((await replay(lines, { tenant: 'who' })).summary.tenants, 1)
  })

  it('takes service times from the log, where plant and caller allow', async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) =>
      JSON.stringify({ ts: AT + index, duration: Math.floor(index / 300) }),
    )
    const found = await replay(lines.join('\n'))
    assert.deepEqual(found.summary.durations, { count: 30_000, mean: 49.5 })
    assert.equal(found.durations.length, 10_000)
    const mean = found.durations.reduce((sum, each) => sum + each, 0) / 10_000
    assert.ok(Math.abs(mean - 49.5) < 1.5, String(mean))
    assert.deepEqual(replayed(SCENARIO, found, true).plant, {
      kind: 'workers',
      slots: 4,
      service: { kind: 'sampled', values: found.durations },
    })
    assert.equal(replayed(SCENARIO, found, false).plant, SCENARIO.plant)
    const loop = { ...SCENARIO, plant: { kind: 'event-loop', before: 1 } } as const
    assert.equal(replayed(loop, found, true).plant, loop.plant)
  })

  it('keeps the series of a long log short', async () => {
    const days = await replay(`{"ts":${AT}}\n{"ts":${AT + 10 * 86_400_000}}`)
    const { every, load } = replayed(SCENARIO, days, true)
    assert.ok(load.phases[0]!.lasts / every! <= 3601 && load.phases[0]!.lasts > 10 * 86_400_000)
  })
})
