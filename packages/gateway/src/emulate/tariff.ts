import type { Ask } from './ask.ts'
import type { Profile } from './profile.ts'

/** What one dimension takes for a call, as totals: the difference to what was taken before is charged or refunded. */
export interface Tariff {
  /** At the door. */
  start(ask: Billed): number
  /** What must be there for it. Default: what is taken. */
  needs?(ask: Billed): number
  /** While it is produced, and once the prompt has been read (`produced` 0). Default: as at the start. */
  running?(ask: Billed, produced: number): number
  /** When it is over, aborted or not. Default: as at the start. */
  end?(ask: Billed, produced: number): number
}

/** An {@link Ask} with nothing left open. */
export interface Billed {
  readonly input: number
  readonly estimate: number
  readonly cached: number
  readonly cacheWrite: number
  readonly maxTokens: number
  /** Tokens of the prompt that cost nothing: the cached ones, where a provider exempts them. */
  readonly exempt: number
}

export type TariffName =
  | 'count'
  | 'reserve-max'
  | 'reserve-max-refund'
  | 'reserve-sum'
  | 'reserve-sum-refund'
  | 'actual'
  | 'input-only'
  | 'output-reserved'
  | 'output-produced'
  | 'burndown'

/** Output tokens of Claude 3.7 and later on Bedrock weigh this much in the end. */
const BURNDOWN = 5

const max = ({ maxTokens, estimate, exempt }: Billed): number => Math.max(maxTokens, estimate - exempt)
const sum = ({ maxTokens, estimate, exempt }: Billed): number => estimate - exempt + maxTokens
const used = ({ input, exempt }: Billed, produced: number): number => input - exempt + produced
const read = ({ input, exempt }: Billed): number => input - exempt

export const TARIFFS: Readonly<Record<TariffName, Tariff>> = {
  /** One for a call. */
  count: { start: () => 1 },
  /** The larger of `max_tokens` and the estimated prompt, and nothing of it comes back. */
  'reserve-max': { start: max },
  /** The same, and what was not used comes back. */
  'reserve-max-refund': { start: max, end: (ask, produced) => Math.min(max(ask), used(ask, produced)) },
  /** The estimated prompt and `max_tokens`, and nothing of it comes back. */
  'reserve-sum': { start: sum },
  'reserve-sum-refund': { start: sum, end: (ask, produced) => Math.min(sum(ask), used(ask, produced)) },
  /** The estimated prompt, corrected when it has been read; then every token as it is produced. */
  actual: { start: (ask) => ask.estimate - ask.exempt, running: used, end: used },
  /** The prompt alone: estimated, then corrected. */
  'input-only': { start: (ask) => ask.estimate - ask.exempt, running: read, end: read },
  /** Anthropic's output limit as documented in 2025: `max_tokens`, corrected at the end. */
  'output-reserved': { start: ({ maxTokens }) => maxTokens, end: (_, produced) => produced },
  /** The same as documented in 2026: what is produced, when it is; `max_tokens` is irrelevant. */
  'output-produced': {
    start: () => 0,
    needs: () => 1,
    running: (_, produced) => produced,
    end: (_, produced) => produced,
  },
  /** Bedrock: prompt with cache and `max_tokens` first; in the end the cache read is free and output weighs five times. */
  burndown: {
    start: ({ estimate, maxTokens }) => estimate + maxTokens,
    end: ({ input, cached }, produced) => input - cached + BURNDOWN * produced,
  },
}

/** @throws RangeError for amounts that are no amounts */
export function billed(ask: Ask, { defaultMaxTokens, contextLength, cachedExempt }: BillingRules): Billed {
  const { input, estimate = input, cached = 0, cacheWrite = 0 } = ask
  const unsaid = contextLength === undefined ? defaultMaxTokens : Math.max(0, contextLength - estimate)
  const { maxTokens = unsaid } = ask
  for (const [name, amount] of Object.entries({ input, estimate, cached, cacheWrite, maxTokens }))
    if (!(amount >= 0 && amount < Infinity)) throw new RangeError(`${name} must be 0 or more, not ${amount}`)
  return { input, estimate, cached, cacheWrite, maxTokens, exempt: cachedExempt ? Math.min(cached, estimate) : 0 }
}

type BillingRules = Pick<Profile, 'defaultMaxTokens' | 'contextLength' | 'cachedExempt'>
