import { ANY_PROVIDER } from '../dialects/refusal.ts'
import type { Profile } from '../profile.ts'
import { openai } from './openai.ts'

const { requests, tokens } = openai.budgets

/**
 * Azure OpenAI. Names of headers as OpenAI's. Prompt and `max_tokens` are reserved in full and stay so; the limit on
 * requests is watched over seconds, not minutes; what is refused with 400 counts; the limit may be lowered at any time, and
 * some answers carry -1 or 0 where a figure should be.
 */
export const azure: Profile = {
  provider: 'azure',
  budgets: {
    requests: { ...requests!, window: 1000 },
    tokens: { ...tokens!, modes: ['reserve-sum', 'reserve-max', 'reserve-refund', 'actual'] },
  },
  refusals: [{ status: 429, says: /high demand/i, is: 'capacity' }, ...ANY_PROVIDER],
  unsaid: 'nothing',
  failed: { requests: 'count', tokens: 'count' },
  ramp: openai.ramp,
}
