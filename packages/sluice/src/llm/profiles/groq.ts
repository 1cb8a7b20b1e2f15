import { ANY_PROVIDER } from '../dialects/refusal.ts'
import type { Profile } from '../profile.ts'
import { openai } from './openai.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const { requests, tokens } = openai.budgets

/** Groq. OpenAI's names, but the headers on requests speak of the day, those on tokens of the minute. The cache is free. */
export const groq: Profile = {
  provider: 'groq',
  budgets: {
    requests: { per: MINUTE, window: MINUTE, modes: [], cached: 'counts', named: /requests per min|\bRPM\b/i },
    requestsDaily: { ...requests!, per: DAY, window: DAY, named: /requests per day|\bRPD\b/i },
    tokens: { ...tokens!, modes: ['reserve-max', 'reserve-sum', 'reserve-refund', 'actual'], cached: 'exempt' },
    tokensDaily: {
      per: DAY,
      window: DAY,
      modes: ['actual'],
      cached: 'exempt',
      named: /tokens per day|\bTPD\b/i,
    },
  },
  refusals: [{ status: 429, says: /per day|\(RPD\)|\(TPD\)/i, is: 'long' }, ...ANY_PROVIDER],
  unsaid: 'nothing',
  failed: { requests: 'count', tokens: 'back' },
  ramp: { factor: 1.5, per: 5 * MINUTE },
}
