import type { Capacity } from './bucket.ts'
import type { DimensionName } from './dimension.ts'
import type { TariffName } from './tariff.ts'

/** What is known of how a provider counts and what it says. */
export interface Profile {
  /** What each dimension takes, where it has a limit. */
  readonly tariffs: Readonly<Record<DimensionName, TariffName>>
  /** Which dimension `--mode` is about. */
  readonly moded: DimensionName
  /** Limits when none are given: those of a small account. */
  readonly limits: Readonly<Partial<Record<DimensionName, number>>>
  /** Where it is not the whole limit. */
  readonly capacity: Readonly<Partial<Record<DimensionName, Capacity>>>
  /** What `max_tokens` is taken for when the caller says nothing. */
  readonly defaultMaxTokens: number
  /** Where it is known, it is taken for what the prompt leaves of this instead. */
  readonly contextLength?: number
  /** Tokens read from the cache cost nothing. */
  readonly cachedExempt: boolean
  /** Which rate headers come with every answer. */
  readonly headers: HeaderStyle
  /** Which hints come with a refusal that waiting cures. */
  readonly retryAfter: RetryHint
  /** How it says that it has no capacity, whatever the caller's quota. */
  readonly overloaded: 'unavailable' | 'overloaded' | 'high-demand'
}

/** `groq`: OpenAI's names, with requests per day. */
export type HeaderStyle = 'openai' | 'groq' | 'anthropic' | 'none'

/** Seconds in `retry-after`, milliseconds in `retry-after-ms`. */
export type RetryHint = 'none' | 's' | 'ms' | 'both'

export type ProfileName =
  | 'openai'
  | 'azure'
  | 'groq'
  | 'cerebras'
  | 'gemini'
  | 'anthropic'
  | 'anthropic-2025'
  | 'bedrock'

const TARIFFS_OF_ALL: Profile['tariffs'] = {
  requests: 'count',
  tokens: 'reserve-max',
  input: 'input-only',
  output: 'output-produced',
  'requests-day': 'count',
  'tokens-day': 'actual',
}

const openai: Profile = {
  tariffs: TARIFFS_OF_ALL,
  moded: 'tokens',
  limits: { requests: 500, tokens: 30_000 },
  capacity: {},
  defaultMaxTokens: 0,
  cachedExempt: false,
  headers: 'openai',
  retryAfter: 'none',
  overloaded: 'unavailable',
}

const anthropic: Profile = {
  tariffs: TARIFFS_OF_ALL,
  moded: 'output',
  limits: { requests: 50, input: 30_000, output: 8000 },
  capacity: {},
  defaultMaxTokens: 0,
  cachedExempt: true,
  headers: 'anthropic',
  retryAfter: 's',
  overloaded: 'overloaded',
}

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  openai,
  azure: {
    ...openai,
    tariffs: { ...TARIFFS_OF_ALL, tokens: 'reserve-sum' },
    limits: { requests: 300, tokens: 50_000 },
    capacity: { requests: 10_000 },
    retryAfter: 'ms',
    overloaded: 'high-demand',
  },
  groq: {
    ...openai,
    // What Groq does with max_tokens is not published; that cached tokens cost nothing is.
    tariffs: { ...TARIFFS_OF_ALL, tokens: 'actual' },
    limits: { 'requests-day': 14_400, tokens: 6000 },
    cachedExempt: true,
    headers: 'groq',
    retryAfter: 's',
  },
  cerebras: { ...openai, tariffs: { ...TARIFFS_OF_ALL, tokens: 'reserve-sum' }, contextLength: 8192 },
  gemini: {
    ...openai,
    tariffs: { ...TARIFFS_OF_ALL, tokens: 'input-only' },
    limits: { requests: 15, tokens: 250_000, 'requests-day': 1000 },
    capacity: { 'requests-day': 'fixed' },
    headers: 'none',
  },
  anthropic,
  'anthropic-2025': { ...anthropic, tariffs: { ...TARIFFS_OF_ALL, output: 'output-reserved' } },
  bedrock: {
    ...anthropic,
    tariffs: { ...TARIFFS_OF_ALL, tokens: 'burndown' },
    moded: 'tokens',
    limits: { tokens: 200_000 },
    defaultMaxTokens: 4096,
    headers: 'none',
    retryAfter: 'none',
  },
}
