import { checkWhole } from '../../ground/index.ts'
import type { LlmPool } from '../pool.ts'
import { Exchange } from './exchange.ts'
import { PacedCall, paces, type SdkRequest } from './paced-call.ts'
import type { WayOptions } from './way-options.ts'

export interface AnthropicMiddlewareOptions extends WayOptions {
  /**
   * How often a call is sent in all, where the call itself says nothing by `maxRetries`. A whole number of at least 1.
   * Default 3, as the SDK's own default.
   */
  readonly attempts?: number
}

/** The part of a request that is used. */
export interface AnthropicRequestLike {
  readonly signal?: AbortSignal | null | undefined
  readonly headers?: { get(name: string): string | null } | undefined
}

/** The part of a middleware's context that is used. */
export interface AnthropicContextLike {
  readonly options?:
    | (SdkRequest & { readonly maxRetries?: number | undefined; readonly signal?: AbortSignal | null | undefined })
    | undefined
}

export type AnthropicMiddleware = <R extends AnthropicRequestLike>(
  request: R,
  next: (request: R) => Promise<Response>,
  context: AnthropicContextLike,
) => Promise<Response>

/**
 * Middleware for `new Anthropic({ middleware: [anthropicMiddleware(pool)] })`: calls of messages, beta ones included, go
 * through the pool. Waiting here does not use up the SDK's `timeout`, which begins when a request is really sent.
 *
 * An attempt that the provider refuses is repeated by the pool; one that got no answer by the SDK, which comes through here
 * again. Both together send a call no more often than `attempts`.
 * @throws RangeError for an option out of range
 */
export function anthropicMiddleware(pool: LlmPool, options: AnthropicMiddlewareOptions = {}): AnthropicMiddleware {
  const attempts = checkWhole('anthropicMiddleware.attempts', options.attempts ?? 3, 1)
  const exchange = new Exchange(pool, options)
  // The SDK hands the same options to each of its attempts.
  const calls = new WeakMap<object, PacedCall>()
  return (request, next, { options: asked }) => {
    const send = (): Promise<Response> => next(request)
    const dialect = asked === undefined ? undefined : paces(asked)
    if (asked === undefined || dialect === undefined) return send()
    const { maxRetries } = asked
    const most = maxRetries === undefined ? attempts : maxRetries + 1
    const isNew = request.headers?.get('x-stainless-retry-count') === '0'
    const call = (isNew ? undefined : calls.get(asked)) ?? new PacedCall(dialect, asked.body, most)
    calls.set(asked, call)
    return exchange.run(call, {
      signal: request.signal ?? undefined,
      // The SDK aborts the same signal when an attempt takes too long.
      hasLeft: () => asked.signal?.aborted === true,
      callsAgain: true,
      send,
    })
  }
}
