import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APIConnectionError as AnthropicConnectionError } from '@anthropic-ai/sdk'
import { APIConnectionError as OpenaiConnectionError, APIConnectionTimeoutError as OpenaiTimeoutError } from 'openai'
import { CHARGES, PROFILES, provider } from '../../src/llm/index.ts'
import { Charges } from '../../src/llm/charges.ts'
import { chargeAtEnd, chargeAtStart } from '../../src/llm/charging.ts'
import { Outage } from '../../src/llm/outage.ts'
import { OutputPrediction } from '../../src/llm/prediction.ts'
import { priceOf } from '../../src/llm/price.ts'
import { Ramp } from '../../src/llm/ramp.ts'
import { refusalOfError } from '../../src/llm/refusal-of-error.ts'
import { judge } from '../../src/llm/refused.ts'
import { Squeeze } from '../../src/llm/squeeze.ts'
import type { ChargeMode, RefusalClass } from '../../src/llm/index.ts'

const asked = { input: 1000, maxOutput: 500, reserved: 500, cacheRead: 200, predicted: 100 }
const usage = { input: 1100, output: 50, cacheRead: 300 }

describe('S2.1 charging', () => {
  const expected: Record<ChargeMode, readonly [start: number, end: number, unknown: number]> = {
    'reserve-max': [1000, 1100, 1000],
    'reserve-sum': [1500, 1600, 1500],
    'reserve-refund': [1500, 1150, 1500],
    actual: [1100, 1150, 1100],
    'input-only': [1000, 1100, 1000],
    'output-actual': [100, 50, 100],
    'output-reserved': [500, 50, 500],
    burndown: [1500, 1350, 1500],
  }
  for (const [mode, [start, end, unknown]] of Object.entries(expected) as [ChargeMode, [number, number, number]][])
    it(`S2.1 ${mode}: ${CHARGES[mode].means}`, () => {
      assert.equal(chargeAtStart(mode, 'counts', asked), start)
      assert.equal(chargeAtEnd(mode, 'counts', asked, usage), end)
      assert.equal(chargeAtEnd(mode, 'counts', asked, {}), unknown, 'what is not known is kept')
    })

  it('S2.1 what the cache gave is free where it is exempt', () => {
    assert.equal(chargeAtStart('input-only', 'exempt', asked), 800)
    assert.equal(chargeAtEnd('input-only', 'exempt', asked, usage), 800)
    assert.equal(chargeAtStart('burndown', 'refunded', asked), 1500)
    assert.equal(chargeAtEnd('burndown', 'refunded', asked, usage), 1050)
  })

  it('S2.1 a price counts the cache by its own', () => {
    const price = { input: 10, output: 20, cacheRead: 1, cacheWrite: 12 }
    assert.equal(priceOf(price, asked), 800 * 10 + 200 * 1 + 100 * 20)
    assert.equal(priceOf(price, asked, { ...usage, cacheWrite: 100 }), 700 * 10 + 300 * 1 + 100 * 12 + 50 * 20)
  })
})

/** As @google/genai throws: what the provider said is its message. */
class ApiError extends Error {
  readonly status: number

  constructor({ status, message }: { status: number; message: string }) {
    super(message)
    this.status = status
  }
}

describe('S2.2 what refusals mean', () => {
  const cases: readonly (readonly [keyof typeof PROFILES, number, string, RefusalClass])[] = [
    ['openai', 429, '{"error":{"code":"rate_limit_exceeded","message":"Rate limit reached"}}', 'wait'],
    ['openai', 429, '{"error":{"code":"insufficient_quota"}}', 'never'],
    ['openai', 429, '{"error":{"message":"Limit 100, Requested 200. Request too large"}}', 'never'],
    ['openai', 429, '{"error":{"message":"requests per day (RPD): Limit 200, Used 200, Requested 1."}}', 'long'],
    ['openai', 429, '{"error":{"code":"slow_down"}}', 'ramp'],
    ['openai', 503, '{"error":{"code":"server_is_overloaded"}}', 'capacity'],
    ['anthropic', 429, '{"error":{"type":"rate_limit_error","message":"input tokens per minute"}}', 'wait'],
    ['anthropic', 529, '{"error":{"type":"overloaded_error"}}', 'capacity'],
    ['azure', 429, '{"error":{"message":"The service is experiencing high demand"}}', 'capacity'],
    ['gemini', 429, '{"error":{"message":"quota GenerateRequestsPerDayPerProject"}}', 'long'],
    ['bedrock', 429, '{"message":"Too many tokens, please wait before trying again."}', 'wait'],
    ['groq', 413, '', 'never'],
    ['bedrock', 400, '{"__type":"ThrottlingException","message":"Too many requests"}', 'wait'],
    ['azure', 429, '{"error":{"code":"credit_balance_exhausted"}}', 'never'],
    ['groq', 429, '{"error":{"code":"insufficient_quota"}}', 'never'],
    ['groq', 498, '', 'capacity'],
    ['generic', 429, '{"error":{"code":"slow_down"}}', 'ramp'],
    ['generic', 429, '{"error":{"type":"overloaded_error"}}', 'capacity'],
    ['generic', 0, '', 'fault'],
    ['generic', 404, '', 'request'],
  ]
  for (const [name, status, body, is] of cases)
    it(`S2.2 ${name} ${status} ${body}: ${is}`, () => assert.equal(judge(PROFILES[name], { status, body }).is, is))

  it('S2.2 a message with figures says which limit it is, and how much is short', () => {
    const message =
      'Rate limit on tokens per min (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s.'
    const judged = judge(PROFILES.openai, { status: 429, body: { error: { message } } })
    assert.deepEqual([judged.budget, judged.short, judged.retryAfter], ['tokens', 955, 1146])
  })

  it('S2.2 gemini names the limit in its refusal: that is gone by', () => {
    const violation = { quotaId: 'GenerateInputTokensPerModelPerMinute', quotaValue: '100' }
    const details = [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [violation] }]
    const judged = judge(PROFILES.gemini, { status: 429, body: { error: { details } } })
    assert.deepEqual([judged.budget, judged.limit], ['tokens', 100])
    const squeeze = new Squeeze()
    assert.equal(squeeze.told(0.5, 1000), 0.5)
    assert.equal(squeeze.grow(0.5, 300_000), undefined, 'it is believed for ten minutes')
  })

  it('S2.2 errors of SDKs are read by what they have', () => {
    assert.deepEqual(refusalOfError({ status: 429, headers: { a: 'b' }, error: { code: 'x' } }), {
      status: 429,
      headers: { a: 'b' },
      body: { code: 'x' },
    })
    assert.deepEqual(refusalOfError({ statusCode: 503, responseBody: 'busy' }), { status: 503, body: 'busy' })
    assert.deepEqual(refusalOfError(Object.assign(new Error('lost'), { code: 'ECONNRESET' })), { status: 0 })
    assert.equal(refusalOfError(new TypeError('ours')), undefined)
    assert.equal(refusalOfError('text'), undefined)
    assert.equal(refusalOfError(Object.create(null)), undefined)
  })

  it('S2.2 no answer is no answer, whoever says so', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const fetched = new TypeError('fetch failed', { cause: refused })
    const unanswered = [
      fetched,
      new OpenaiConnectionError({ cause: fetched }),
      new OpenaiTimeoutError(),
      new AnthropicConnectionError({ cause: fetched }),
    ]
    for (const error of unanswered) assert.deepEqual(refusalOfError(error), { status: 0 }, error.message)
    assert.equal(refusalOfError(new TypeError('ours', { cause: new Error('as well') })), undefined)
  })

  it('S2.2 errors of the SDKs of Google and AWS keep what was wrong', () => {
    const day = new ApiError({ status: 429, message: '{"error":{"message":"GenerateRequestsPerDayPerProject"}}' })
    assert.equal(judge(PROFILES.gemini, refusalOfError(day)!).is, 'long')
    const throttled = Object.assign(new Error('Too many tokens, please wait'), {
      name: 'ThrottlingException',
      $metadata: { httpStatusCode: 400 },
    })
    const judged = judge(PROFILES.bedrock, refusalOfError(throttled)!)
    assert.deepEqual([judged.is, judged.budget], ['wait', 'tokens'])
  })

  it('S2.2 x-should-retry says of a wrong request that it was none', () => {
    const said = (told: string): RefusalClass =>
      judge(PROFILES.openai, { status: 400, headers: { 'x-should-retry': told } }).is
    assert.deepEqual([said('true'), said('false')], ['fault', 'request'])
    const spent = {
      status: 429,
      headers: { 'x-should-retry': 'true' },
      body: { error: { code: 'insufficient_quota' } },
    }
    assert.equal(judge(PROFILES.openai, spent).is, 'never')
  })
})

describe('S2.1 what is learned', () => {
  it('S2.1 nine of ten answers are no longer than predicted, for each kind of work', () => {
    const prediction = new OutputPrediction(8)
    assert.equal(prediction.predict('a', 'chat', 64_000), 1024)
    for (let tokens = 1; tokens <= 100; tokens++) prediction.learn('a', 'chat', tokens * 10)
    // Of the last 64.
    assert.ok(Math.abs(prediction.predict('a', 'chat', 64_000) - 940) <= 10)
    assert.equal(prediction.predict('a', 'chat', 300), 300)
    assert.ok(prediction.predict('b', 'chat', 64_000) < 1000, 'others go by the kind of work')
    for (let other = 0; other < 100; other++) prediction.learn(`t${other}`, `r${other}`, 1)
    assert.ok(prediction.predict('nobody', 'none', 64_000) <= 940)
  })

  it('S2.2 after slow_down it grows by half in its time, up to the limit', () => {
    const ramp = new Ramp({ factor: 1.5, per: 1000 })
    assert.equal(ramp.at(0), 1)
    ramp.slow(0.8, 0)
    assert.equal(ramp.at(0), 0.4)
    assert.ok(Math.abs(ramp.at(1000) - 0.6) < 1e-9)
    assert.equal(ramp.news(0), 0.4)
    assert.equal(ramp.news(10), undefined, 'small steps are not worth telling')
    assert.equal(ramp.at(10_000), 1)
    assert.equal(ramp.news(10_000), 1)
  })

  it('S2.2 what somebody else slowed down, and is gone, is raised from here after a minute', () => {
    const ramp = new Ramp({ factor: 1.5, per: 1000 })
    ramp.follow(0.5, 0)
    ramp.follow(0.5, 59_000)
    assert.equal(ramp.at(59_000), 1)
    ramp.follow(0.5, 60_000)
    assert.equal(ramp.at(60_000), 0.5)
    assert.ok(Math.abs(ramp.at(61_000) - 0.75) < 1e-9)
    ramp.follow(0.9, 61_000)
    assert.equal(ramp.at(61_000), 0.9, 'others have raised it')
  })

  it('S2.1 after an outage what may be told twice is known, for a while', () => {
    const outage = new Outage()
    assert.equal(outage.untold(false, 0), 0)
    assert.equal(outage.untold(true, 1000), Infinity)
    assert.equal(outage.untold(true, 11_000), Infinity)
    assert.equal(outage.untold(false, 12_000), 8000)
    assert.equal(outage.untold(false, 15_000), 0)
  })

  it('S2.2 a budget of money that stops takes half at once, and pays answers in advance', () => {
    const money = { usd: 2, per: 1000, stop: true }
    const limits = provider.openai({ model: 'm', price: { input: 1, output: 10, cacheRead: 0 }, money })
    assert.equal(limits.budgets.find(({ name }) => name === 'money')!.limit, 1e6)
    const charges = new Charges(limits)
    assert.equal(charges.atStart(asked).money, 1000 + 500 * 10)
    assert.equal(charges.atEnd(asked, usage).money, 800 + 50 * 10)
  })

  it('S2.2 refusals without figures say by how much the rate was too high', () => {
    const squeeze = new Squeeze()
    assert.ok(Math.abs(squeeze.refused(0.1, 60_000, 1, 100_000)! - 0.895) < 1e-9)
    assert.equal(squeeze.refused(0.1, 60_000, 0.895, 101_000), undefined, 'one event')
    assert.ok(Math.abs(squeeze.refused(0.1, 60_000, 0.895, 130_000)! - 0.685) < 1e-9)
    assert.equal(squeeze.grow(0.685, 140_000), undefined)
    assert.ok(Math.abs(squeeze.grow(0.5, 190_000)! - 0.52) < 1e-9, 'others found that there is less')
    assert.ok(Math.abs(squeeze.tooClose(0.5, 200_000)! - 0.45) < 1e-9)
    assert.equal(squeeze.tooClose(0.45, 201_000), undefined)
    assert.equal(squeeze.follow(0.4, 210_000), 0.4)
    assert.equal(squeeze.refused(0.1, 60_000, 0.4, 211_000), undefined, 'what another process was refused is one event')
    assert.ok(Math.abs(squeeze.refused(0.02, 60_000, 0.4, 240_000)! - 0.358) < 1e-9, 'and the time since then counts')
  })
})
