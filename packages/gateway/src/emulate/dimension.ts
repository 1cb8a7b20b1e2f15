import type { Millis } from 'sluice'

/** What a provider counts. */
export type DimensionName = 'requests' | 'tokens' | 'input' | 'output' | 'requests-day' | 'tokens-day'

/** One thing a provider counts, and what it calls it. */
export interface Dimension {
  /** A limit is so much in this long, in ms. */
  readonly window: Millis
  /** As in an OpenAI message: `tokens per min (TPM)`. */
  readonly title: string
  /** The same without its abbreviation, as Anthropic says it. */
  readonly plain: string
  readonly unit: 'requests' | 'tokens'
}

const MINUTE: Millis = 60_000
const DAY: Millis = 86_400_000

export const DIMENSIONS: Readonly<Record<DimensionName, Dimension>> = {
  requests: { window: MINUTE, title: 'requests per min (RPM)', plain: 'requests per minute', unit: 'requests' },
  tokens: { window: MINUTE, title: 'tokens per min (TPM)', plain: 'tokens per minute', unit: 'tokens' },
  input: { window: MINUTE, title: 'input tokens per min (ITPM)', plain: 'input tokens per minute', unit: 'tokens' },
  output: { window: MINUTE, title: 'output tokens per min (OTPM)', plain: 'output tokens per minute', unit: 'tokens' },
  'requests-day': { window: DAY, title: 'requests per day (RPD)', plain: 'requests per day', unit: 'requests' },
  'tokens-day': { window: DAY, title: 'tokens per day (TPD)', plain: 'tokens per day', unit: 'tokens' },
}

/** In the order in which a provider looks at them. */
export const DIMENSION_NAMES: readonly DimensionName[] = [
  'requests',
  'tokens',
  'input',
  'output',
  'requests-day',
  'tokens-day',
]
