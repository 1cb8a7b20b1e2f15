import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limitHeaders, retryHeaders } from '../../src/emulate/index.ts'
import { ModelWorld } from './model-world.ts'

const NOON = Date.UTC(2026, 10, 21, 12)

describe('limitHeaders', () => {
  it('OpenAI: figures and Go durations, as once logged: 4999 of 5000 left is 12ms, 24 of 160,000 used is 9ms', () => {
    const world = new ModelWorld({ limits: { requests: 5000, tokens: 160_000 } })
    world.admit({ input: 24 })
    assert.deepEqual(limitHeaders('openai', world.model.standing(), NOON), {
      'x-ratelimit-limit-requests': '5000',
      'x-ratelimit-remaining-requests': '4999',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-limit-tokens': '160000',
      'x-ratelimit-remaining-tokens': '159976',
      'x-ratelimit-reset-tokens': '9ms',
    })
  })

  it('limit − remaining is what the next message calls used', () => {
    const world = new ModelWorld({ limits: { tokens: 10_000 } })
    world.admit({ input: 7777 })
    const headers = limitHeaders('openai', world.model.standing(), NOON)
    const used = Number(headers['x-ratelimit-limit-tokens']) - Number(headers['x-ratelimit-remaining-tokens'])
    assert.equal(world.refuse({ input: 9999 }).about!.used, used)
  })

  it('Groq: requests are those of a day, tokens those of a minute', () => {
    const world = new ModelWorld({ profile: 'groq', limits: { requests: 30, 'requests-day': 14_400, tokens: 6000 } })
    world.admit({ input: 600 })
    assert.deepEqual(limitHeaders('groq', world.model.standing(), NOON), {
      'x-ratelimit-limit-requests': '14400',
      'x-ratelimit-remaining-requests': '14399',
      'x-ratelimit-reset-requests': '6s',
      'x-ratelimit-limit-tokens': '6000',
      'x-ratelimit-remaining-tokens': '5400',
      'x-ratelimit-reset-tokens': '6s',
    })
  })

  it('Anthropic: RFC 3339, tokens to the nearest thousand, requests exactly', () => {
    const world = new ModelWorld({ profile: 'anthropic', limits: { requests: 50, input: 30_000, output: 8000 } })
    world.admit({ input: 4600 }).produce(400)
    assert.deepEqual(limitHeaders('anthropic', world.model.standing(), NOON), {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-11-21T12:00:02Z',
      'anthropic-ratelimit-input-tokens-limit': '30000',
      'anthropic-ratelimit-input-tokens-remaining': '25000',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-21T12:00:10Z',
      'anthropic-ratelimit-output-tokens-limit': '8000',
      'anthropic-ratelimit-output-tokens-remaining': '8000',
      'anthropic-ratelimit-output-tokens-reset': '2026-11-21T12:00:03Z',
      'anthropic-ratelimit-tokens-limit': '38000',
      'anthropic-ratelimit-tokens-remaining': '33000',
      'anthropic-ratelimit-tokens-reset': '2026-11-21T12:00:10Z',
    })
  })

  it('a debt shows as nothing left', () => {
    const world = new ModelWorld({ limits: { tokens: 1000 }, mode: 'actual' })
    world.admit({ input: 1 }).produce(5000)
    assert.equal(limitHeaders('openai', world.model.standing(), NOON)['x-ratelimit-remaining-tokens'], '0')
  })

  it('-1 and 0 as from Azure, and nothing at all', () => {
    const { model } = new ModelWorld({ limits: { tokens: 1000 } })
    assert.deepEqual(limitHeaders('openai', model.standing(), NOON, 'minus-one'), {
      'x-ratelimit-limit-tokens': '-1',
      'x-ratelimit-remaining-tokens': '-1',
      'x-ratelimit-reset-tokens': '0',
    })
    assert.deepEqual(limitHeaders('openai', model.standing(), NOON, 'missing'), {})
    assert.deepEqual(limitHeaders('none', model.standing(), NOON), {})
  })
})

describe('retryHeaders', () => {
  const cured = { admitted: false, reason: 'tokens', wait: 1146.2 } as const
  const hopeless = { admitted: false, reason: 'spend' } as const

  it('round up, so that waiting is enough', () => {
    assert.deepEqual(retryHeaders('both', cured, false), { 'retry-after-ms': '1147', 'retry-after': '2' })
    assert.deepEqual(retryHeaders('s', { ...cured, wait: 3 }, false), { 'retry-after': '1' })
    assert.deepEqual(retryHeaders('none', cured, false), {})
  })

  it('give no time where none helps, and say whether to try again where asked to', () => {
    assert.deepEqual(retryHeaders('both', hopeless, false), {})
    assert.deepEqual(retryHeaders('s', hopeless, true), { 'x-should-retry': 'false' })
    assert.deepEqual(retryHeaders('ms', cured, true), { 'retry-after-ms': '1147', 'x-should-retry': 'true' })
  })
})
