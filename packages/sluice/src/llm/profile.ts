import type { Millis } from '../ground/index.ts'
import type { Cached, ChargeMode } from './charging.ts'

/** What a provider may limit. `…Daily` are the same by the day. */
export type BudgetName = 'requests' | 'requestsDaily' | 'tokens' | 'tokensDaily' | 'input' | 'output' | 'money'

/** What one limit of a provider is like. */
export interface BudgetProfile {
  /** The limit is so many in this time, in ms: 60,000 for a minute. */
  readonly per: Millis
  /** How much of that can be used at one instant, in ms of refill: `per` where the whole limit can. */
  readonly window: Millis
  /** Each way of counting it might use, the one assumed first. For requests: none, each counts one. */
  readonly modes: readonly ChargeMode[]
  /** Whether tokens from the provider's cache count. */
  readonly cached: Cached
  /** The headers that speak of it, in lower case. */
  readonly headers?: BudgetHeaders
  /** What a limit of it is called in an error message of the provider's. */
  readonly named?: RegExp
}

export interface BudgetHeaders {
  readonly limit: string
  readonly remaining: string
  readonly reset: string
  /** `remaining` is rounded to a multiple of so many. Default 1. */
  readonly rounded?: number
}

/**
 * What becomes of a request the provider refused.
 *
 * | class      | what it means                                       | what the pool does                            |
 * |------------|-----------------------------------------------------|-----------------------------------------------|
 * | `wait`     | a quota that comes back soon is spent               | nobody anywhere sends before it does          |
 * | `long`     | a quota of the day is spent                         | the same, and later requests fail over        |
 * | `never`    | too large, no credit: waiting does not help         | this request fails; the others go on          |
 * | `ramp`     | the traffic grows too fast                          | slower, and up again in small steps           |
 * | `capacity` | the provider is overloaded: not your quota          | a failure for the breaker, and a pause        |
 * | `fault`    | the provider failed                                 | a failure for the breaker                     |
 * | `request`  | the request is wrong                                | nothing: it is the caller's                   |
 */
export type RefusalClass = 'wait' | 'long' | 'never' | 'ramp' | 'capacity' | 'fault' | 'request'

/** One kind of refusal of a provider. All that is given must hold. */
export interface RefusalRule {
  readonly status?: number
  /** Looked for in `code`, `type`, `status` and `message` of the error. */
  readonly says?: RegExp
  readonly is: RefusalClass
}

/** How a provider counts, what it tells and how it refuses: data, so that it can be read, checked and replaced. */
export interface Profile {
  readonly provider: string
  readonly budgets: Readonly<Partial<Record<BudgetName, BudgetProfile>>>
  /**
   * What counts in advance of an answer of a request that does not say how long it may be: nothing, or the most there may be
   * as far as the limits know (`maxOutput`). Default `most`.
   */
  readonly unsaid?: 'nothing' | 'most'
  /** The first that fits decides. Whatever none fits is judged by its status alone. */
  readonly refusals: readonly RefusalRule[]
  /** What a request that failed has cost all the same: its place among the requests, and its tokens. */
  readonly failed: { readonly requests: 'count' | 'back'; readonly tokens: 'count' | 'back' }
  /** By how much traffic may grow once it was told to slow down: the factor, and in how many ms. */
  readonly ramp: { readonly factor: number; readonly per: Millis }
}
