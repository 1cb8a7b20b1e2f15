import type { ClientOptions } from './client-options.ts'
import { FetchCall, type FetchArrival, type FetchInit, type FetchInput, type PlainFetch } from './fetch-call.ts'
import type { Origins } from './origins.ts'
import { Outbound } from './outbound.ts'

/** Any `fetch`: the platform's, undici's, one that is wrapped already. */
export type AnyFetch = (input: never, init?: never) => Promise<unknown>

/** Options of {@link protectedFetch}. */
export interface ProtectedFetchOptions<F extends AnyFetch = typeof fetch> extends ClientOptions {
  /** What sends the requests. Its responses must have web streams for bodies. Default: the platform's `fetch`. */
  readonly fetch?: F
}

/** A fetch with a gate in front of every origin. Goes wherever a `fetch` does. */
export interface ProtectedFetch<F extends AnyFetch = typeof fetch> {
  (input: Parameters<F>[0], init?: Parameters<F>[1] & FetchArrival): ReturnType<F>
  readonly origins: Origins
}

/**
 * A `fetch` that protects whatever it talks to, and whoever uses it. Each origin gets a gate that finds its limit, a
 * throttle, a retry budget, and is left alone when it asks for that. A request that is not sent rejects with a
 * `RejectedError`; everything else is as with the `fetch` it is made of.
 * @throws RangeError for an option out of range, naming it
 */
export function protectedFetch<F extends AnyFetch = typeof fetch>(
  options: ProtectedFetchOptions<F> = {},
): ProtectedFetch<F> {
  const outbound = new Outbound(options)
  const { fetch: chosen } = options
  const send = (input: FetchInput, init?: FetchInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      // The platform's is looked up each time: it may be replaced, by a test or by an agent that watches.
      const fetch = (chosen as PlainFetch | undefined) ?? globalThis.fetch
      new FetchCall(outbound, fetch, input, init, resolve, reject).begin()
    })
  return Object.assign(send, { origins: outbound.origins }) as unknown as ProtectedFetch<F>
}
