/**
 * sluice/undici: a gate in front of every origin that an undici dispatcher talks to.
 * @module
 */
import type { ClientOptions } from './client-options.ts'
import { Exchange, type Dispatch, type DispatchHandler } from './exchange.ts'
import type { Origins } from './origins.ts'
import { Outbound } from './outbound.ts'

export type { ClientOptions, Outgoing } from './client-options.ts'
export type { Dispatch, DispatchHandler, DispatchOptions, ResponseHeaders } from './exchange.ts'
export type { HeaderList } from './header-list.ts'
export { loadTold, type LoadTold } from './load-told.ts'
export type { OriginReading } from './origin.ts'
export type { Origins } from './origins.ts'
export type { DispatchController } from './reins.ts'
export type { ThrottleOptions } from './throttle.ts'
export { quotaSpentFor, retryAfterTold, type HeaderOf } from './told.ts'

/** The `dispatch` of some undici: {@link Dispatch} is what is touched of it. */
export type AnyDispatch = (options: never, handler: never) => boolean

/** For `dispatcher.compose(…)`. May be composed into several dispatchers: they then share what stands before each origin. */
export interface Interceptor {
  <D extends AnyDispatch>(dispatch: D): D
  readonly origins: Origins
}

/**
 * Protects whatever a dispatcher talks to, and whoever uses it: `new Agent().compose(sluice())`. Each origin gets a gate
 * that finds its limit, a throttle, a retry budget, and is left alone when it asks for that. A request that is not sent
 * fails with a `RejectedError`.
 *
 * Compose it after what handles one response (`cache`, `dns`, `decompress`) and before what sends several requests
 * (`redirect`, `retry`): then each of those goes through the gate, and a retry is known for one.
 * @throws RangeError for an option out of range, naming it
 */
export function sluice(options: ClientOptions = {}): Interceptor {
  const outbound = new Outbound(options)
  const intercept = (dispatch: Dispatch): Dispatch => {
    // Whoever sends a request again does so with the same handler.
    const sent = new WeakMap<DispatchHandler, string>()
    return (request, handler) => {
      const exchange = new Exchange(outbound, dispatch, request, handler)
      const what = `${request.method} ${exchange.origin}${request.path}`
      const again = sent.get(handler) === what
      if (!again) sent.set(handler, what)
      return exchange.begin(again)
    }
  }
  return Object.assign(intercept as unknown as <D extends AnyDispatch>(dispatch: D) => D, { origins: outbound.origins })
}
