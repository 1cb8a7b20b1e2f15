import { ANY_PROVIDER } from '../dialects/refusal.ts'
import type { Profile } from '../profile.ts'
import { openai } from './openai.ts'

const MINUTE = 60_000

/**
 * A provider nobody has written a profile of: headers as OpenAI's where there are any, and the most careful way of counting
 * until its headers say which one fits.
 */
export const generic: Profile = {
  provider: 'generic',
  budgets: {
    requests: openai.budgets.requests!,
    tokens: {
      ...openai.budgets.tokens!,
      modes: ['reserve-sum', 'reserve-max', 'reserve-refund', 'actual', 'input-only'],
    },
    input: { per: MINUTE, window: MINUTE, modes: ['input-only'], cached: 'counts', named: /input tokens/i },
    output: {
      per: MINUTE,
      window: MINUTE,
      modes: ['output-reserved', 'output-actual'],
      cached: 'counts',
      named: /output tokens/i,
    },
    requestsDaily: openai.budgets.requestsDaily!,
    tokensDaily: { ...openai.budgets.tokensDaily!, modes: ['reserve-sum'] },
  },
  refusals: [{ status: 429, says: /credit/i, is: 'never' }, ...ANY_PROVIDER],
  failed: { requests: 'count', tokens: 'count' },
  ramp: { factor: 1.5, per: 15 * MINUTE },
}
