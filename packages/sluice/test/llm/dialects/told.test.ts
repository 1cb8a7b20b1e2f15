import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { goDuration, readGoDuration } from '../../../src/llm/dialects/go-duration.ts'
import {
  openaiRateMessage,
  openaiTooLargeMessage,
  readOpenaiMessage,
} from '../../../src/llm/dialects/openai-message.ts'
import { refusalOf } from '../../../src/llm/dialects/refusal.ts'
import { instantText, readInstant } from '../../../src/llm/dialects/rfc3339.ts'
import { delayOf, readError } from '../../../src/llm/dialects/told-error.ts'
import { groq } from '../../../src/llm/profiles/groq.ts'
import { openai } from '../../../src/llm/profiles/openai.ts'

const none = (): undefined => undefined
const of =
  (headers: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    headers[name]

describe('durations as Go writes them', () => {
  for (const [text, ms] of Object.entries({
    '12ms': 12,
    '1s': 1000,
    '6m0s': 360_000,
    '1.146s': 1146,
    '7m12s': 432_000,
    '28m48s': 1_728_000,
    '1h2m3.5s': 3_723_500,
    '2m59.56s': 179_560,
    '250µs': 0.25,
    '0s': 0,
    '46s': 46_000,
    '7.66': 7660,
    '33011.382867': 33_011_382.867,
  }))
    it(`S2.2 ${text}`, () => assert.ok(Math.abs((readGoDuration(text) ?? Number.NaN) - ms) < 1e-6))

  it('S2.2 nothing else', () => {
    for (const text of ['', 'x', '-1s', '1', '1x', '1s1', 's', '1..5s', '9'.repeat(70), 'NaN', '1e3'])
      assert.equal(text === '1' ? undefined : readGoDuration(text), undefined, text)
  })

  it('S2.2 what is written is read again', () => {
    for (const ms of [0, 1, 9, 12, 84, 999, 1000, 1146, 59_999, 60_000, 360_000, 432_000, 3_600_000, 86_399_999])
      assert.equal(readGoDuration(goDuration(ms)), ms, goDuration(ms))
    assert.deepEqual([goDuration(360_000), goDuration(84.4), goDuration(-3)], ['6m0s', '84ms', '0s'])
  })
})

describe('instants', () => {
  it('S2.2 are written as the platform would, for any day of 400 years', () => {
    for (let day = 0; day < 146_097; day += 17) {
      const instant = day * 86_400_000 + ((day * 7919) % 86_400) * 1000
      assert.equal(instantText(instant), new Date(instant).toISOString().replace('.000Z', 'Z'))
      assert.equal(readInstant(instantText(instant)), instant)
    }
    assert.equal(instantText(1000.5), '1970-01-01T00:00:02Z')
  })

  it('S2.2 nothing else is one', () => {
    for (const text of ['', 'x', '2026-11-21', '2026-13-41T00:00:00Z', '6m0s', 'z'.repeat(99)])
      assert.equal(readInstant(text), undefined, text)
    assert.equal(readInstant('2026-11-21T15:00:00.5+01:00'), Date.parse('2026-11-21T14:00:00.500Z'))
  })
})

describe('the messages of OpenAI', () => {
  // Figures of messages users have published; the last time of each is the one the message said.
  for (const [name, limit, used, requested, wait] of [
    ['TPM', 50_000, 47_949, 3006, '1.146s'],
    ['TPM', 200_000, 195_869, 4412, '84ms'],
    ['TPM', 30_000, 22_999, 12_528, '11.054s'],
    ['TPM', 200_000, 199_821, 2295, '634ms'],
    ['RPD', 200, 200, 1, '7m12s'],
    ['RPD', 50, 50, 1, '28m48s'],
    ['RPD', 2000, 2000, 1, '43.2s'],
    ['TPM', 10_000, 8554, 3082, '9.816s'],
    ['TPM', 30_000, 14_567, 24_754, '18.642s'],
    ['TPM', 30_000, 29_937, 385, '644ms'],
    ['TPM', 30_000, 18_928, 11_159, '174ms'],
    ['TPM', 30_000, 28_039, 3906, '3.89s'],
    ['TPM', 200_000, 162_960, 42_288, '1.574s'],
  ] as const)
    it(`S2.2 ${name} ${limit}/${used}/${requested} → ${wait}`, () => {
      const message = openaiRateMessage({ model: 'gpt-x', organization: 'org-1', name, limit, used, requested })
      assert.ok(message.includes(`Please try again in ${wait}. `), message)
      assert.deepEqual(readOpenaiMessage(message), { limit, used, requested, wait: readGoDuration(wait) })
    })

  it('S2.2 others that name a time', () => {
    assert.equal(readOpenaiMessage('Please retry after 26 seconds.').wait, 26_000)
    assert.equal(readOpenaiMessage('Rate limit. Please try again in 6ms. Contact us').wait, 6)
    assert.equal(readOpenaiMessage('Please try again in 20s').wait, 20_000)
    assert.equal(readOpenaiMessage('Please try again in a while').wait, undefined)
  })
})

describe('an error of a provider', () => {
  const openaiError = (message: string, type: string, code: string | null): string =>
    JSON.stringify({ error: { message, type, param: null, code } })
  const anthropicError = (type: string, message: string, details?: object): string =>
    JSON.stringify({ type: 'error', error: { type, message, ...(details && { details }) }, request_id: 'req_1' })
  const gemini = (quotaId: string, quotaValue: string, message = 'You exceeded your current quota'): string =>
    JSON.stringify([
      {
        error: {
          code: 429,
          message,
          status: 'RESOURCE_EXHAUSTED',
          details: [
            { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId, quotaValue }] },
            { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '46s' },
          ],
        },
      },
    ])
  const spent = openaiRateMessage({
    model: 'gpt-x',
    organization: 'org-1',
    name: 'TPM',
    limit: 50_000,
    used: 47_949,
    requested: 3006,
  })
  const day = openaiRateMessage({ model: 'g', organization: 'o', name: 'RPD', limit: 200, used: 200, requested: 1 })
  const large = openaiTooLargeMessage({ model: 'g', organization: 'o', name: 'TPM', limit: 30_000, requested: 30_601 })
  for (const [what, status, body, is, delay] of [
    ['OpenAI, tokens of the minute', 429, openaiError(spent, 'tokens', 'rate_limit_exceeded'), 'wait', 1146],
    ['OpenAI, requests of the day', 429, openaiError(day, 'requests', 'rate_limit_exceeded'), 'long', 432_000],
    ['OpenAI, too large', 429, openaiError(large, 'tokens', 'rate_limit_exceeded'), 'never', undefined],
    [
      'OpenAI, no credit',
      429,
      openaiError('You exceeded your quota', 'insufficient_quota', 'insufficient_quota'),
      'never',
      undefined,
    ],
    ['OpenAI, slow down', 429, openaiError('Slow down', 'requests', 'slow_down'), 'ramp', undefined],
    ['OpenAI, slow down of old', 503, openaiError('Slow down', 'x', 'slow_down'), 'ramp', undefined],
    [
      'OpenAI, overloaded',
      503,
      openaiError('Busy', 'service_unavailable_error', 'server_is_overloaded'),
      'capacity',
      undefined,
    ],
    ['OpenAI, flex', 429, openaiError('Resource Unavailable', 'x', 'resource_unavailable'), 'capacity', undefined],
    ['OpenAI, broken', 500, openaiError('The server had an error', 'server_error', null), 'fault', undefined],
    [
      'OpenAI, wrong',
      400,
      openaiError('Unknown model', 'invalid_request_error', 'model_not_found'),
      'request',
      undefined,
    ],
    ['Azure', 429, openaiError('Please retry after 26 seconds.', 'x', '429'), 'wait', 26_000],
    [
      'Azure, high demand',
      429,
      openaiError('The system is currently experiencing high demand', 'x', '429'),
      'capacity',
      undefined,
    ],
    [
      'Anthropic',
      429,
      anthropicError('rate_limit_error', 'This request would exceed the rate limit'),
      'wait',
      undefined,
    ],
    [
      'Anthropic, spend',
      429,
      anthropicError('rate_limit_error', 'x', { error_code: 'enforced_spend_limit_reached' }),
      'never',
      undefined,
    ],
    [
      'Anthropic, ramp',
      429,
      anthropicError('rate_limit_error', 'x', { error_code: 'ramp_limit_exceeded' }),
      'ramp',
      undefined,
    ],
    [
      'Anthropic, acceleration',
      429,
      anthropicError('rate_limit_error', 'would exceed your maximum usage increase rate'),
      'ramp',
      undefined,
    ],
    ['Anthropic, overloaded', 529, anthropicError('overloaded_error', 'Overloaded'), 'capacity', undefined],
    ['Anthropic, too large', 413, anthropicError('request_too_large', 'Too large'), 'never', undefined],
    ['Anthropic in a stream', 0, anthropicError('overloaded_error', 'Overloaded'), 'capacity', undefined],
    ['Gemini, minute', 429, gemini('GenerateRequestsPerMinutePerProjectPerModel', '15'), 'wait', 46_000],
    ['Gemini, day', 429, gemini('GenerateRequestsPerDayPerProjectPerModel', '200'), 'long', 46_000],
    ['Gemini, no quota at all', 429, gemini('GenerateRequestsPerMinute', '0', 'limit: 0'), 'never', 46_000],
    ['a proxy', 502, '<html>Bad Gateway</html>', 'fault', undefined],
    ['nobody', 404, '', 'request', undefined],
  ] as const)
    it(`S2.2 ${what}: ${is}`, () => {
      const error = readError(status, none, body)
      assert.equal(refusalOf(error), is)
      assert.equal(error.delay, delay)
    })

  it('S2.2 of several quotas of Gemini the one of the day counts, wherever it stands', () => {
    const [minute, perDay] = ['RequestsPerMinute', 'RequestsPerDay'].map((quotaId) => ({ quotaId, quotaValue: '5' }))
    for (const violations of [
      [minute, perDay],
      [perDay, minute],
    ]) {
      const details = [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations }]
      assert.equal(refusalOf(readError(429, none, { error: { status: 'RESOURCE_EXHAUSTED', details } })), 'long')
    }
  })

  it('S2.2 what asks for more than the limit never passes, however it is said', () => {
    const of429 = (message: string): string => refusalOf(readError(429, none, { error: { message } }))
    assert.equal(of429('Limit 100, Requested 101'), 'never')
    assert.equal(of429('Limit 100, Requested 100'), 'wait')
  })

  it('S2.2 headers go before the body, and ms before seconds', () => {
    const body = openaiError(spent, 'tokens', 'rate_limit_exceeded')
    assert.equal(readError(429, of({ 'retry-after-ms': '250', 'retry-after': '9' }), body).delay, 250)
    assert.equal(readError(429, of({ 'retry-after': '1.5' }), body).delay, 1500)
    const date = 'Sat, 21 Nov 2026 15:00:00 GMT'
    assert.equal(delayOf(of({ date, 'retry-after': 'Sat, 21 Nov 2026 15:00:07 GMT' })), 7000)
    for (const bad of ['x', '-1', '1e3', 'Sat, 21 Nov 2025 15:00:07 GMT', '99999999999'])
      assert.equal(delayOf(of({ date, 'retry-after': bad })), undefined, bad)
    assert.equal(readError(429, of({ 'retry-after': '3600' }), body).delay, 3_600_000)
    assert.equal(
      refusalOf(readError(429, of({ 'retry-after': '3600' }), anthropicError('rate_limit_error', 'x'))),
      'long',
    )
    assert.deepEqual(
      ['true', 'false', 'maybe'].map((said) => readError(500, of({ 'x-should-retry': said }), '').mayRetry),
      [true, false, undefined],
    )
  })

  it('S2.2 goes by the rules of a profile where there is one', () => {
    const error = readError(498, none, '{"error":{"message":"Flex tier capacity exceeded"}}')
    assert.equal(refusalOf(error, groq.refusals), 'capacity')
    assert.equal(refusalOf(error, openai.refusals), 'request')
  })
})
