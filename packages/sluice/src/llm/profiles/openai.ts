import type { Profile } from '../profile.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/**
 * OpenAI. One limit on requests and one on tokens, each a bucket that refills all the time and holds the whole limit: that
 * is what complete messages of its 429 agree with to the millisecond. `max_tokens` counts, or the prompt where that is
 * larger; whether unused `max_tokens` come back is not documented, so that is checked. Tokens from the cache count.
 */
export const openai: Profile = {
  provider: 'openai',
  budgets: {
    requests: {
      per: MINUTE,
      window: MINUTE,
      modes: [],
      cached: 'counts',
      headers: {
        limit: 'x-ratelimit-limit-requests',
        remaining: 'x-ratelimit-remaining-requests',
        reset: 'x-ratelimit-reset-requests',
      },
      named: /requests per min|\bRPM\b/i,
    },
    tokens: {
      per: MINUTE,
      window: MINUTE,
      modes: ['reserve-max', 'reserve-sum', 'reserve-refund', 'actual'],
      cached: 'counts',
      headers: {
        limit: 'x-ratelimit-limit-tokens',
        remaining: 'x-ratelimit-remaining-tokens',
        reset: 'x-ratelimit-reset-tokens',
      },
      named: /tokens per min|\bTPM\b/i,
    },
    requestsDaily: { per: DAY, window: DAY, modes: [], cached: 'counts', named: /requests per day|\bRPD\b/i },
    tokensDaily: {
      per: DAY,
      window: DAY,
      modes: ['reserve-max'],
      cached: 'counts',
      named: /tokens per day|\bTPD\b/i,
    },
  },
  refusals: [
    { status: 429, says: /insufficient_quota|credit_balance_exhausted|billing/i, is: 'never' },
    { status: 429, says: /request too large/i, is: 'never' },
    { status: 429, says: /slow_down/i, is: 'ramp' },
    { status: 429, says: /resource.unavailable/i, is: 'capacity' },
    { status: 429, says: /per day|\(RPD\)|\(TPD\)/i, is: 'long' },
    { status: 429, is: 'wait' },
    { status: 503, says: /slow_down/i, is: 'ramp' },
    { status: 503, is: 'capacity' },
  ],
  unsaid: 'nothing',
  failed: { requests: 'count', tokens: 'back' },
  ramp: { factor: 1.5, per: 15 * MINUTE },
}
