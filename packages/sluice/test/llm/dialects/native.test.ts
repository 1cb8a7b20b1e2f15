import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Dialect } from '../../../src/llm/dialects/dialect.ts'
import { nativeError, nativeErrorEvent } from '../../../src/llm/dialects/native-error.ts'
import { nativeBudgetHeaders, nativeRetryHeaders } from '../../../src/llm/dialects/native-headers.ts'
import { refusalOf } from '../../../src/llm/dialects/refusal.ts'
import { toldBudgets } from '../../../src/llm/dialects/told-budgets.ts'
import { readError } from '../../../src/llm/dialects/told-error.ts'
import { UsageReader } from '../../../src/llm/dialects/usage-reader.ts'
import { anthropic } from '../../../src/llm/profiles/anthropic.ts'
import { openai } from '../../../src/llm/profiles/openai.ts'
import type { RefusalClass } from '../../../src/llm/profile.ts'

const now = Date.parse('2026-11-21T15:00:00Z')
const dialects: readonly Dialect[] = ['openai-chat', 'openai-responses', 'anthropic-messages', 'generic']
const classes: readonly RefusalClass[] = ['wait', 'long', 'never', 'ramp', 'capacity', 'fault', 'request']

describe('a refusal in the words of a dialect', () => {
  for (const dialect of dialects)
    for (const is of classes)
      it(`S2.6 ${dialect}, ${is}: another Sluice understands it, in a response and in a stream`, () => {
        const refusal = {
          is,
          message: is === 'long' ? 'Limit of requests per day' : 'As it is',
          budget: is === 'never' ? undefined : ('tokens' as const),
          delay: 1500,
        }
        const { status, headers, body } = nativeError(dialect, refusal, now)
        const told = readError(status, (name) => headers.find(([key]) => key === name)?.[1], body)
        assert.equal(refusalOf(told), is)
        assert.equal(told.message, refusal.message)
        assert.equal(told.delay, is === 'never' ? undefined : 1500)
        assert.equal(told.mayRetry, is === 'never' ? false : undefined)
        const reader = new UsageReader()
        reader.feed(new TextEncoder().encode(nativeErrorEvent(dialect, refusal)))
        const failure = reader.failure
        assert.equal(failure?.message, refusal.message)
        assert.equal(reader.finished, true)
        // In a stream there is no status: what is too many requests of a day is told by its words alone.
        if (is !== 'long') assert.equal(refusalOf(failure), is)
      })

  it('S2.6 OpenAI, to the letter', () => {
    const { status, headers, body } = nativeError(
      'openai-chat',
      {
        is: 'wait',
        message: 'Rate limit reached',
        budget: 'requests',
        delay: 84,
        requestId: 'req_1',
        budgets: { requests: { limit: 5000, remaining: 0.4, full: 60_000 } },
      },
      now,
    )
    assert.equal(status, 429)
    assert.deepEqual(headers, [
      ['content-type', 'application/json'],
      ['x-request-id', 'req_1'],
      ['x-ratelimit-limit-requests', '5000'],
      ['x-ratelimit-remaining-requests', '0'],
      ['x-ratelimit-reset-requests', '1m0s'],
      ['retry-after', '1'],
      ['retry-after-ms', '84'],
    ])
    assert.equal(
      body,
      '{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}',
    )
  })

  it('S2.6 Anthropic, to the letter', () => {
    const refusal = { is: 'capacity', message: 'Overloaded', requestId: 'req_1' } as const
    const { status, headers, body } = nativeError('anthropic-messages', refusal, now)
    assert.equal(status, 529)
    assert.deepEqual(headers[1], ['request-id', 'req_1'])
    const told = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
    assert.equal(body, told)
    assert.equal(nativeErrorEvent('anthropic-messages', refusal), `event: error\ndata: ${told}\n\n`)
  })

  it('S2.6 an event of Responses has the number by which the AI SDK knows it', () => {
    const [, data] = nativeErrorEvent('openai-responses', { is: 'capacity', message: 'x' }).split('data: ')
    assert.equal((JSON.parse(data!) as { sequence_number?: unknown }).sequence_number, 0)
  })

  it('S2.6 another status where the gateway wants one', () =>
    assert.equal(
      nativeError('openai-chat', { is: 'never', message: 'x', budget: 'tokens', status: 413 }, now).status,
      413,
    ))
})

describe('the headers of a dialect', () => {
  const budgets = {
    requests: { limit: 1000, remaining: 999.5, full: 60 },
    tokens: { limit: 80_000, remaining: 41_499, full: 28_876 },
    input: { limit: 50_000, remaining: 49_501, full: 599 },
    output: { limit: 8000, remaining: -500, full: 63_750 },
    money: { limit: 5, remaining: 5, full: 0 },
  }

  it('S2.6 OpenAI: what is written is what is told', () => {
    const headers = new Map(nativeBudgetHeaders('openai-responses', budgets, now))
    assert.equal(headers.get('x-ratelimit-reset-tokens'), '28.876s')
    const told = toldBudgets((name) => headers.get(name), openai.budgets, now)
    assert.deepEqual(told.tokens, { limit: 80_000, remaining: 41_499, full: 28_876, rounded: 1 })
    assert.equal(told.requests?.remaining, 999)
    assert.equal(headers.size, 6)
  })

  it('S2.6 Anthropic: tokens in thousands, instants never early', () => {
    const headers = new Map(nativeBudgetHeaders('anthropic-messages', budgets, now))
    assert.equal(headers.get('anthropic-ratelimit-input-tokens-remaining'), '50000')
    assert.equal(headers.get('anthropic-ratelimit-output-tokens-remaining'), '0')
    assert.equal(headers.get('anthropic-ratelimit-output-tokens-reset'), '2026-11-21T15:01:04Z')
    const told = toldBudgets((name) => headers.get(name), anthropic.budgets, now)
    assert.deepEqual(told.input, { limit: 50_000, remaining: 50_000, full: 1000, rounded: 1000 })
    assert.deepEqual(told.tokens, { limit: 80_000, remaining: 41_000, full: 29_000, rounded: 1000 })
  })

  it('S2.6 Anthropic: never more left than there can be', () => {
    const small = { tokens: { limit: 2668, remaining: 2600, full: 1000 } }
    const headers = new Map(nativeBudgetHeaders('anthropic-messages', small, now))
    assert.equal(headers.get('anthropic-ratelimit-tokens-remaining'), '2668')
  })

  it('S2.6 says nothing of what has no end', () =>
    assert.deepEqual(
      nativeBudgetHeaders('openai-chat', { tokens: { limit: Infinity, remaining: 1, full: 0 } }, now),
      [],
    ))

  it('S2.6 a wait longer than clients believe forbids them to try again at once', () => {
    assert.deepEqual(nativeRetryHeaders(60_000), [
      ['retry-after', '60'],
      ['retry-after-ms', '60000'],
    ])
    assert.deepEqual(nativeRetryHeaders(60_001).at(-1), ['x-should-retry', 'false'])
    assert.deepEqual(nativeRetryHeaders(undefined), [])
    assert.deepEqual(nativeRetryHeaders(undefined, false), [['x-should-retry', 'false']])
    assert.deepEqual(nativeRetryHeaders(0.2).slice(0, 2), [
      ['retry-after', '1'],
      ['retry-after-ms', '1'],
    ])
  })
})
