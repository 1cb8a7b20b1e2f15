import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as always, constantFrom, oneof, property, string } from 'fast-check'
import { loadTold } from '../../src/clients/load-told.ts'
import { parseList } from '../../src/clients/structured-list.ts'
import { quotaSpentFor, retryAfterTold } from '../../src/clients/told.ts'

type Headers = Readonly<Record<string, string>>

const of =
  (headers: Headers) =>
  (name: string): string | undefined =>
    headers[name]

describe('what a response says of when to come back', () => {
  const retry = (headers: Headers): number | undefined => retryAfterTold(of(headers))
  const date = 'Sat, 21 Nov 2026 12:00:00 GMT'

  it('is read from retry-after: seconds, a date, milliseconds', () => {
    assert.equal(retry({ 'retry-after': '3' }), 3000)
    assert.equal(retry({ 'retry-after': '0' }), 0)
    assert.equal(retry({ 'retry-after': 'Sat, 21 Nov 2026 12:00:07 GMT', date }), 7000)
    assert.equal(retry({ 'retry-after-ms': '250' }), 250)
    assert.equal(retry({ 'retry-after-ms': '250.5', 'retry-after': '1' }), 250.5)
    assert.equal(retry({ 'retry-after-ms': 'soon', 'retry-after': '1' }), 1000)
  })

  const HOSTILE: readonly Headers[] = [
    {},
    { 'retry-after': '' },
    { 'retry-after': '-1' },
    { 'retry-after': '1e3' },
    { 'retry-after': '0x10' },
    { 'retry-after': '3.5' },
    { 'retry-after': ' 3' },
    { 'retry-after': '3, 4' },
    { 'retry-after': 'Infinity' },
    { 'retry-after': '99999999999999999999' },
    { 'retry-after': '86401' },
    { 'retry-after': 'tomorrow', date },
    { 'retry-after': 'Sat, 21 Nov 2026 12:00:07 GMT' },
    { 'retry-after': 'Sat, 21 Nov 2026 11:59:07 GMT', date },
    { 'retry-after': 'Sat, 21 Nov 2027 12:00:07 GMT', date },
    { 'retry-after': '2026-11-21T12:00:07Z', date },
    { 'retry-after': 'Sat, 99 Nov 2026 99:00:07 GMT', date },
    { 'retry-after-ms': '-5' },
    { 'retry-after-ms': '99999999999' },
    { 'retry-after-ms': '1,5' },
  ]
  for (const headers of HOSTILE)
    it(`is not read from ${JSON.stringify(headers)}`, () => assert.equal(retry(headers), undefined))

  const quota = (ratelimit: string, policy?: string): number | undefined =>
    quotaSpentFor(of({ ratelimit, ...(policy !== undefined && { 'ratelimit-policy': policy }) }))

  it('is read from RateLimit where the quota is spent', () => {
    assert.equal(quota('"api";r=0;t=3'), 3000)
    assert.equal(quota('"api"; r=0; t=3;pk=:aGVsbG8=:'), 3000)
    assert.equal(quota('"burst";r=0;t=1, "daily";r=0;t=60'), 60_000)
    assert.equal(quota('"burst";r=0;t=1, "daily";r=7;t=60'), 1000)
    assert.equal(quota('"api";r=1;t=3'), undefined)
    assert.equal(quota('"api";r=0'), undefined)
  })

  it('not where something else than requests is counted', () => {
    assert.equal(quota('"api";r=0;t=3', '"api";q=100;w=60'), 3000)
    assert.equal(quota('"api";r=0;t=3', '"api";q=100;qu="requests"'), 3000)
    assert.equal(quota('"api";r=0;t=3', '"api";q=100;qu="concurrent-requests"'), undefined)
    assert.equal(quota('"a";r=0;t=3, "b";r=0;t=1', '"a";q=9;qu="content-bytes", "b";q=1;w=1'), 1000)
  })

  for (const text of [
    '"api";r=0;t=3,',
    '"api";r=0;t=3 x',
    '"api;r=0;t=3',
    'api"";r=0',
    '"api";r=0;t=-3',
    '"api";r=0;t=1.5',
    '"api";r=0;t=9999999999999999999',
    '"api";r=0;t=100000',
    '"api";R=0;t=3',
    '"api";r="0";t=3',
    '("api");r=0;t=3',
    '1;r=0;t=3',
    'limit=100, remaining=0, reset=3',
    `"${'a'.repeat(3000)}";r=0;t=3`,
  ])
    it(`not from ${text.slice(0, 40)}`, () => assert.equal(quota(text), undefined))

  it('never throws, and never says anything but a time of up to a day, whatever it is fed', () => {
    const pieces = constantFrom('"api"', ';', 'r=0', 't=3', '=', ',', ' ', '-1', '1e9', ':YQ==:', '?1', '\\', '"', '(')
    const text = oneof(
      string({ unit: 'binary' }),
      array(pieces).map((parts) => parts.join('')),
    )
    always(
      property(text, text, (a, b) => {
        for (const told of [
          retryAfterTold(of({ 'retry-after': a, 'retry-after-ms': b, date: b })),
          quotaSpentFor(of({ ratelimit: a, 'ratelimit-policy': b })),
        ])
          assert.ok(told === undefined || (told >= 0 && told <= 86_400_000))
        loadTold(of({ 'endpoint-load-metrics': `JSON ${a}`, 'sluice-pressure': b }))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a structured list', () => {
  it('is read as RFC 9651 has it', () => {
    const items = parseList('a;x;y=?0, "q\\"s";n=-1.5 ,12, *t/x:y;b=:YQ==:')
    assert.deepEqual(
      items?.map(({ value, parameters }) => [value, ...parameters]),
      [['a', ['x', true], ['y', false]], ['q"s', ['n', -1.5]], [12], ['*t/x:y', ['b', ':YQ==:']]],
    )
    assert.deepEqual(parseList(''), [])
    assert.deepEqual(parseList('  '), [])
    for (const text of ['a,', ',a', 'a b', 'a;', 'a;=1', 'a;x=', '"\u00e4"', '1.2345', '1.', 'a;X=1'])
      assert.equal(parseList(text), undefined, text)
  })
})

describe('what a response says of its load', () => {
  const told = (headers: Headers): unknown => loadTold(of(headers))
  const report = (metrics: string): unknown => told({ 'endpoint-load-metrics': metrics })

  it('is read from ORCA, as text and as JSON', () => {
    assert.deepEqual(report('TEXT cpu_utilization=0.3,mem_utilization=0.8,rps_fractional=10.0'), { utilization: 0.3 })
    assert.deepEqual(report('TEXT cpu_utilization=0.3, application_utilization=1.4'), { utilization: 1.4 })
    assert.deepEqual(report('TEXT application_utilization=0,cpu_utilization=0.5'), { utilization: 0.5 })
    assert.deepEqual(report('JSON {"cpu_utilization":0.75,"named_metrics":{"kv":1}}'), { utilization: 0.75 })
  })

  it('and from sluice-pressure', () => {
    assert.deepEqual(told({ 'sluice-pressure': '0.92;queue' }), { pressure: 0.92 })
    assert.deepEqual(told({ 'sluice-pressure': '1.5;cause="queue"' }), { pressure: 1.5 })
    assert.equal(told({}), undefined)
  })

  for (const metrics of [
    '',
    'BIN AAAA',
    'constructor x',
    'TEXT',
    'TEXT cpu_utilization=-1',
    'TEXT cpu_utilization=1e9',
    'TEXT cpu_utilization=NaN',
    'TEXT cpu_utilization=5000',
    'JSON',
    'JSON null',
    'JSON {"cpu_utilization":"0.5"}',
    'JSON {"__proto__":{"cpu_utilization":0.5}}',
    `JSON {"x":"${'a'.repeat(5000)}","cpu_utilization":0.5}`,
  ])
    it(`not from ${metrics.slice(0, 40) || 'nothing'}`, () => assert.deepEqual(report(metrics) ?? {}, {}))
})
