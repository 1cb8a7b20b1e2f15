import { provider, type ModelLimits } from '../../src/llm/index.ts'
import type { Call, Counting, LimitModel } from './provider-model.ts'

/** A provider as it is, what the pool is told of it, and which limit is the tight one. */
export interface Scene {
  readonly limits: () => ModelLimits
  readonly truth: () => Record<string, LimitModel>
  readonly tight: string
  /** What a per-process bucket and the cookbook's script take a request for. */
  readonly naive: (call: Call) => number
}

const RPM = 20_000
const TPM = 400_000
/** The model of every scene. */
export const MODEL = 'm'

function openaiLike(counts: Counting): () => Record<string, LimitModel> {
  return () => ({
    requests: { limit: RPM, counts: 'one', header: 'requests', named: 'requests per min (RPM)' },
    tokens: { limit: TPM, counts, header: 'tokens', named: 'tokens per min (TPM)' },
  })
}

/** A provider that says nothing but 429, and has so many tokens a minute where 400,000 were declared. */
export function silent(limit: number = TPM): Scene {
  return {
    limits: () => provider.generic({ model: MODEL, tpm: TPM }),
    truth: () => ({ tokens: { limit, counts: 'sum', silent: true } }),
    tight: 'tokens',
    naive: sum,
  }
}

const sum = ({ input, maxOutput }: Call): number => input + maxOutput

/** Every profile against a provider that is as the profile says. */
export const SCENES: Readonly<Record<string, Scene>> = {
  openai: {
    limits: () => provider.openai({ model: MODEL, rpm: RPM, tpm: TPM }),
    truth: openaiLike('max'),
    tight: 'tokens',
    naive: ({ input, maxOutput }) => Math.max(input, maxOutput),
  },
  azure: {
    limits: () => provider.azure({ model: MODEL, rpm: RPM, tpm: TPM }),
    truth: () => ({
      ...openaiLike('sum')(),
      requests: { limit: RPM, window: 1000, counts: 'one', header: 'requests', named: 'RPM' },
    }),
    tight: 'tokens',
    naive: sum,
  },
  anthropic: {
    limits: () => provider.anthropic({ model: MODEL, rpm: 4000, itpm: 2e6, otpm: 80_000 }),
    truth: () => ({
      requests: { limit: 4000, window: 1000, counts: 'one', header: 'requests', dialect: 'anthropic' },
      input: { limit: 2e6, counts: 'prompt', header: 'input-tokens', dialect: 'anthropic', named: 'input tokens' },
      output: {
        limit: 80_000,
        counts: 'answer',
        header: 'output-tokens',
        dialect: 'anthropic',
        named: 'output tokens',
      },
    }),
    tight: 'output',
    naive: ({ output }) => output,
  },
  'anthropic 2025': {
    limits: () =>
      provider.anthropic({ model: MODEL, rpm: 4000, itpm: 2e6, otpm: 80_000, modes: { output: 'output-reserved' } }),
    truth: () => ({
      requests: { limit: 4000, window: 1000, counts: 'one', header: 'requests', dialect: 'anthropic' },
      input: { limit: 2e6, counts: 'prompt', header: 'input-tokens', dialect: 'anthropic', named: 'input tokens' },
      output: {
        limit: 80_000,
        counts: 'answer-reserved',
        header: 'output-tokens',
        dialect: 'anthropic',
        named: 'output tokens',
      },
    }),
    tight: 'output',
    naive: ({ maxOutput }) => maxOutput,
  },
  gemini: {
    limits: () => provider.gemini({ model: MODEL, rpm: 2000, tpm: TPM }),
    truth: () => ({
      requests: { limit: 2000, counts: 'one', named: 'GenerateRequestsPerMinute' },
      tokens: { limit: TPM, counts: 'prompt', named: 'GenerateContentInputTokensPerMinute' },
    }),
    tight: 'tokens',
    naive: ({ input }) => input,
  },
  groq: {
    limits: () => provider.groq({ model: MODEL, rpd: 500_000, tpm: TPM }),
    truth: () => ({
      requests: { limit: 500_000, per: 86_400_000, window: 86_400_000, counts: 'one', header: 'requests' },
      tokens: { limit: TPM, counts: 'max', header: 'tokens', named: 'tokens per minute (TPM)' },
    }),
    tight: 'tokens',
    naive: ({ input, maxOutput }) => Math.max(input, maxOutput),
  },
  bedrock: {
    limits: () => provider.bedrock({ model: MODEL, tpm: TPM }),
    truth: () => ({ tokens: { limit: TPM, counts: 'times-five', named: 'Too many tokens' } }),
    tight: 'tokens',
    naive: sum,
  },
  generic: {
    limits: () => provider.generic({ model: MODEL, rpm: RPM, tpm: TPM }),
    truth: openaiLike('sum'),
    tight: 'tokens',
    naive: sum,
  },
}

/** Anthropic, where prompts are what is limited. */
export function promptBound(): Scene {
  const { truth, ...rest } = SCENES['anthropic']!
  return {
    ...rest,
    tight: 'input',
    limits: () => provider.anthropic({ model: MODEL, rpm: 4000, itpm: TPM, otpm: 10 * TPM }),
    truth: () => {
      const { requests, input, output } = truth()
      return { requests: requests!, input: { ...input!, limit: TPM }, output: { ...output!, limit: 10 * TPM } }
    },
  }
}
