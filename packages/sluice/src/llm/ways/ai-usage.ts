import type { LlmUsage } from '../request.ts'
import type { AiUsageLike } from './ai-model.ts'

/** The AI SDK's figures in ours: in both the whole prompt counts, what came from the cache included. */
export function aiUsage({ inputTokens, outputTokens }: AiUsageLike): LlmUsage {
  return {
    input: inputTokens.total,
    output: outputTokens.total,
    cacheRead: inputTokens.cacheRead,
    cacheWrite: inputTokens.cacheWrite,
  }
}
