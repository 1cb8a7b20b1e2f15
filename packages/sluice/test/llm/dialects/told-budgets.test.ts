import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toldBudgets } from '../../../src/llm/dialects/told-budgets.ts'
import { anthropic } from '../../../src/llm/profiles/anthropic.ts'
import { groq } from '../../../src/llm/profiles/groq.ts'
import { openai } from '../../../src/llm/profiles/openai.ts'

const of =
  (headers: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    headers[name]

describe('what headers tell about the limits', () => {
  const now = Date.parse('2026-11-21T15:00:00Z')

  it('S2.2 of OpenAI; the tighter of organization and project', () => {
    const headers = {
      'x-ratelimit-limit-requests': '5000',
      'x-ratelimit-remaining-requests': '4999',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-limit-tokens': '160000',
      'x-ratelimit-remaining-tokens': '159976',
      'x-ratelimit-reset-tokens': '9ms',
    }
    const told = toldBudgets(of(headers), openai.budgets, now)
    assert.deepEqual(told.requests, { limit: 5000, remaining: 4999, full: 12, rounded: 1 })
    assert.deepEqual(told.tokens, { limit: 160_000, remaining: 159_976, full: 9, rounded: 1 })
    const project = {
      'x-ratelimit-limit-project-tokens': '1000',
      'x-ratelimit-remaining-project-tokens': '10',
      'x-ratelimit-reset-project-tokens': '59.4s',
    }
    assert.deepEqual(toldBudgets(of({ ...headers, ...project }), openai.budgets, now).tokens, {
      limit: 1000,
      remaining: 10,
      full: 59_400,
      rounded: 1,
    })
  })

  it('S2.2 of Anthropic: instants, by the clock of the response, in thousands', () => {
    const headers = {
      date: 'Sat, 21 Nov 2026 14:00:00 GMT',
      'anthropic-ratelimit-input-tokens-limit': '50000',
      'anthropic-ratelimit-input-tokens-remaining': '49000',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-21T14:00:02Z',
      'anthropic-ratelimit-requests-remaining': '7',
    }
    const told = toldBudgets(of(headers), anthropic.budgets, now)
    assert.deepEqual(told.input, { limit: 50_000, remaining: 49_000, full: 2000, rounded: 1000 })
    assert.deepEqual(told.requests, { limit: undefined, remaining: 7, full: undefined, rounded: 1 })
    assert.equal(told.output, undefined)
  })

  it('S2.2 of Groq: its requests are those of the day', () => {
    const told = toldBudgets(
      of({
        'x-ratelimit-limit-requests': '14400',
        'x-ratelimit-remaining-requests': '14370',
        'x-ratelimit-reset-requests': '2m59.56s',
      }),
      groq.budgets,
      now,
    )
    assert.deepEqual(Object.keys(told), ['requestsDaily'])
    assert.equal(told.requestsDaily?.full, 179_560)
  })

  it('S2.2 figures that cannot be are as if they were not there (Azure)', () => {
    for (const [limit, remaining] of [
      ['-1', '-1'],
      ['0', '0'],
      ['-1', '0'],
      ['x', '-1'],
      ['', ''],
    ] as const) {
      const headers = { 'x-ratelimit-limit-tokens': limit, 'x-ratelimit-remaining-tokens': remaining }
      assert.deepEqual(toldBudgets(of(headers), openai.budgets, now), {}, `${limit} ${remaining}`)
    }
    const told = toldBudgets(of({ 'x-ratelimit-remaining-tokens': '0' }), openai.budgets, now)
    assert.equal(told.tokens?.remaining, 0)
  })
})
