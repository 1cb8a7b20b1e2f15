import type { Profile } from '../profile.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/**
 * Amazon Bedrock. No headers. Prompt and `max_tokens` count at the start; at the end the answer of newer Claude models counts
 * five times, that of others once (`modes: { tokens: 'reserve-refund' }`). What the cache gave counts at the start, and not in the end.
 */
export const bedrock: Profile = {
  provider: 'bedrock',
  budgets: {
    requests: { per: MINUTE, window: MINUTE, modes: [], cached: 'counts', named: /too many requests/i },
    tokens: { per: MINUTE, window: MINUTE, modes: ['burndown'], cached: 'refunded', named: /too many tokens/i },
    tokensDaily: { per: DAY, window: DAY, modes: ['burndown'], cached: 'refunded', named: /tokens per day/i },
  },
  refusals: [
    { status: 429, says: /per day/i, is: 'long' },
    { status: 429, is: 'wait' },
    { says: /ThrottlingException/, is: 'wait' },
    { status: 503, is: 'capacity' },
    { status: 529, is: 'capacity' },
  ],
  failed: { requests: 'count', tokens: 'back' },
  ramp: { factor: 1.5, per: 5 * MINUTE },
}
