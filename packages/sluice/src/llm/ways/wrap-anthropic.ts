import type { LlmPool } from '../pool.ts'
import { anthropicMiddleware, type AnthropicMiddleware } from './anthropic-middleware.ts'
import type { WayOptions } from './way-options.ts'

/** The part of a client of the package `@anthropic-ai/sdk` (or of its kin for Bedrock and Vertex) that is used. */
export interface AnthropicLike {
  readonly maxRetries: number
  readonly middleware: readonly unknown[]
  withOptions(options: { readonly middleware: never }): object
}

/**
 * The same client, whose calls of messages go through the pool, `.stream()` and the tool runner included: with
 * {@link anthropicMiddleware} as the innermost of its middleware, and its own `maxRetries`. All other requests are as before.
 * @throws TypeError where it is no such client, or one that has no middleware
 */
export function wrapAnthropic<C extends AnthropicLike>(client: C, pool: LlmPool, options: WayOptions = {}): C {
  if (typeof client.withOptions !== 'function' || !Array.isArray(client.middleware))
    throw new TypeError('wrapAnthropic: expected a client of the package @anthropic-ai/sdk that has middleware')
  const pace: AnthropicMiddleware = anthropicMiddleware(pool, { ...options, attempts: client.maxRetries + 1 })
  const wrapped = client.withOptions({ middleware: [...client.middleware, pace] as never }) as C
  const own: Pick<AnthropicLike, 'withOptions'> = {
    withOptions: (changed) => wrapAnthropic(client.withOptions(changed) as C, pool, options),
  }
  return Object.assign(wrapped, own)
}
