import type { Profile } from '../profile.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/**
 * Gemini. No headers at all: what is known comes from its refusals. Tokens are those of the prompt alone; requests of the
 * day begin anew at midnight Pacific time. A bucket that refills all day does not know of that: one that was full then lets in more
 * than there is, and a refusal ends it.
 */
export const gemini: Profile = {
  provider: 'gemini',
  budgets: {
    requests: { per: MINUTE, window: MINUTE, modes: [], cached: 'counts', named: /requests?\w*PerMinute/i },
    tokens: { per: MINUTE, window: MINUTE, modes: ['input-only'], cached: 'counts', named: /token\w*PerMinute/i },
    requestsDaily: { per: DAY, window: DAY, modes: [], cached: 'counts', named: /requests?\w*PerDay/i },
  },
  refusals: [
    { status: 429, says: /limit: ?0\b/i, is: 'never' },
    { status: 429, says: /PerDay/i, is: 'long' },
    { status: 429, is: 'wait' },
    { status: 503, is: 'capacity' },
  ],
  failed: { requests: 'count', tokens: 'back' },
  ramp: { factor: 1.5, per: 5 * MINUTE },
}
