import type { Asked, LlmUsage } from './request.ts'

/** How a provider counts a request against one of its token limits. A row of {@link CHARGES}. */
export type ChargeMode =
  | 'reserve-max'
  | 'reserve-sum'
  | 'reserve-refund'
  | 'actual'
  | 'input-only'
  | 'output-actual'
  | 'output-reserved'
  | 'burndown'

/** One way of counting, as data: how often each figure counts. */
export interface Charge {
  /** What is taken when the request arrives. */
  readonly start: {
    readonly input: number
    /** How often the output counts, and which: as much as it may be, as much as is expected, or not yet. */
    readonly output: 'max' | 'predicted' | 'none'
    /** The sum of both, or the larger one. */
    readonly of: 'sum' | 'larger'
  }
  /** What that becomes in the end: `kept`, or so often each figure of what was really used. */
  readonly end: 'kept' | { readonly input: number; readonly output: number }
  /** In one line, for the docs and for people. */
  readonly means: string
}

/** Every way of counting there is. The profiles name them; the conformity check tries them; docs/llm.md shows them. */
export const CHARGES: Readonly<Record<ChargeMode, Charge>> = {
  'reserve-max': {
    start: { input: 1, output: 'max', of: 'larger' },
    end: 'kept',
    means: 'the larger of prompt and `max_tokens` when it arrives; nothing comes back',
  },
  'reserve-sum': {
    start: { input: 1, output: 'max', of: 'sum' },
    end: 'kept',
    means: 'prompt and `max_tokens` when it arrives; nothing comes back',
  },
  'reserve-refund': {
    start: { input: 1, output: 'max', of: 'sum' },
    end: { input: 1, output: 1 },
    means: 'prompt and `max_tokens` when it arrives; what was not answered comes back at the end',
  },
  actual: {
    start: { input: 1, output: 'predicted', of: 'sum' },
    end: { input: 1, output: 1 },
    means: 'the prompt when it arrives, the answer as it is produced',
  },
  'input-only': {
    start: { input: 1, output: 'none', of: 'sum' },
    end: { input: 1, output: 0 },
    means: 'the prompt, and never the answer',
  },
  'output-actual': {
    start: { input: 0, output: 'predicted', of: 'sum' },
    end: { input: 0, output: 1 },
    means: 'the answer as it is produced; `max_tokens` does not matter',
  },
  'output-reserved': {
    start: { input: 0, output: 'max', of: 'sum' },
    end: { input: 0, output: 1 },
    means: '`max_tokens` when it arrives; what was not answered comes back at the end',
  },
  burndown: {
    start: { input: 1, output: 'max', of: 'sum' },
    end: { input: 1, output: 5 },
    means: 'prompt and `max_tokens` when it arrives; at the end the answer counts five times',
  },
}

/** Whether tokens of the prompt that come from the cache count: `refunded` is at first, and not in the end. */
export type Cached = 'counts' | 'exempt' | 'refunded'

/** What is taken when a request begins. */
export function chargeAtStart(mode: ChargeMode, cached: Cached, asked: Asked): number {
  const { input, output, of } = CHARGES[mode].start
  const prompt = input * (cached === 'exempt' ? asked.input - asked.cacheRead : asked.input)
  const answer = output === 'max' ? asked.reserved : output === 'predicted' ? asked.predicted : 0
  return of === 'larger' ? Math.max(prompt, answer) : prompt + answer
}

/**
 * What a request counts in the end. Where the usage does not say, what was asked for stands: what is not known is not
 * given back.
 */
export function chargeAtEnd(mode: ChargeMode, cached: Cached, asked: Asked, usage: LlmUsage): number {
  const { end } = CHARGES[mode]
  const input = usage.input ?? asked.input
  const cacheRead = Math.min(input, usage.cacheRead ?? (usage.input === undefined ? asked.cacheRead : 0))
  if (end === 'kept') return chargeAtStart(mode, cached, { ...asked, input, cacheRead })
  if (usage.output === undefined && end.output > 0) return chargeAtStart(mode, cached, { ...asked, input, cacheRead })
  return end.input * (cached === 'counts' ? input : input - cacheRead) + end.output * (usage.output ?? 0)
}
