import type { BudgetHeaders, Profile } from '../profile.ts'

const MINUTE = 60_000

function headersOf(name: string, rounded: number): BudgetHeaders {
  const prefix = `anthropic-ratelimit-${name}`
  return { limit: `${prefix}-limit`, remaining: `${prefix}-remaining`, reset: `${prefix}-reset`, rounded }
}

/**
 * Anthropic. Requests, input and output each have a limit; a minute's limit of requests may be watched by the second. The
 * prompt counts without what the cache gave. The output counted as reserved in 2025 and counts as it is produced in 2026:
 * the later one is assumed, and checked. What remains is told in whole thousands.
 */
export const anthropic: Profile = {
  provider: 'anthropic',
  budgets: {
    requests: { per: MINUTE, window: 1000, modes: [], cached: 'counts', headers: headersOf('requests', 1) },
    input: {
      per: MINUTE,
      window: MINUTE,
      modes: ['input-only'],
      cached: 'exempt',
      headers: headersOf('input-tokens', 1000),
      named: /input tokens/i,
    },
    output: {
      per: MINUTE,
      window: MINUTE,
      modes: ['output-actual', 'output-reserved'],
      cached: 'counts',
      headers: headersOf('output-tokens', 1000),
      named: /output tokens/i,
    },
    tokens: {
      per: MINUTE,
      window: MINUTE,
      modes: ['actual'],
      cached: 'exempt',
      headers: headersOf('tokens', 1000),
    },
  },
  refusals: [
    { status: 429, says: /enforced_spend_limit_reached|spend limit|credit balance/i, is: 'never' },
    { status: 429, says: /acceleration|usage increase rate|gradually/i, is: 'ramp' },
    { status: 429, says: /per day/i, is: 'long' },
    { status: 429, is: 'wait' },
    { status: 529, is: 'capacity' },
    { status: 503, is: 'capacity' },
    { says: /overloaded_error/i, is: 'capacity' },
  ],
  failed: { requests: 'count', tokens: 'back' },
  ramp: { factor: 1.5, per: 5 * MINUTE },
}
