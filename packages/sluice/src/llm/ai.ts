/**
 * sluice/ai: a pool of sluice/llm for the language models of the AI SDK.
 * @module
 */
import type { LlmPool } from './pool.ts'
import { AiExchange } from './ways/ai-exchange.ts'
import type { AiAnswerLike, AiCallLike, AiModelLike, AiPartLike, AiStreamLike } from './ways/ai-model.ts'
import type { WayOptions } from './ways/way-options.ts'

export type {
  AiAnswerLike,
  AiCallLike,
  AiHeadLike,
  AiMessageLike,
  AiModelLike,
  AiPartLike,
  AiStreamLike,
  AiUsageLike,
} from './ways/ai-model.ts'

export type AiMiddlewareOptions = Pick<WayOptions, 'estimator' | 'unknown' | 'wall'>

/** Middleware as `wrapLanguageModel` of `ai` 6 takes it. */
export interface AiMiddleware {
  readonly specificationVersion: 'v3'
  wrapGenerate<A extends AiAnswerLike>(options: {
    readonly doGenerate: () => PromiseLike<A>
    readonly params: AiCallLike
    readonly model: AiModelLike
  }): Promise<A>
  wrapStream<P extends AiPartLike, S extends AiStreamLike<P>>(options: {
    readonly doStream: () => PromiseLike<S>
    readonly params: AiCallLike
    readonly model: AiModelLike
  }): Promise<S>
}

/**
 * Middleware for `wrapLanguageModel({ model, middleware: aiMiddleware(pool) })`: every call of the model waits for its turn
 * in the pool, whichever provider it is of. The pool knows it by its `modelId`.
 *
 * The AI SDK stays the one that repeats calls (`maxRetries`): each of its attempts is a call of its own here, and what one
 * that was refused had taken is given back before. What makes no sense to repeat is marked so (`isRetryable: false`). What
 * the pool refuses is thrown as `APICallError`, with `x-sluice-refused` in `responseHeaders` and the refusal as `cause`.
 */
export function aiMiddleware(pool: LlmPool, options: AiMiddlewareOptions = {}): AiMiddleware {
  const exchange = new AiExchange(pool, options)
  return {
    specificationVersion: 'v3',
    wrapGenerate: ({ doGenerate, params, model }) => exchange.generate(params, model, doGenerate),
    wrapStream: ({ doStream, params, model }) => exchange.stream(params, model, doStream),
  }
}
