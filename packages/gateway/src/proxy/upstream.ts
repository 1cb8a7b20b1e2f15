import type { Readable } from 'node:stream'
import type { UpstreamFailure } from './upstream-failure.ts'

/** Requests that may be sent twice (RFC 9110 §9.2.2). */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** A body, and what follows it. */
export interface UpstreamBody extends Readable {
  /** Names and values in turn; whole when it has ended. Default: none. */
  readonly rawTrailers?: readonly string[]
}

/** A request as it goes out: target in origin form, framing left to the upstream client. */
export interface UpstreamRequest {
  readonly method: string
  /** Path and query, beginning with `/`. */
  readonly target: string
  /** Names and values in turn. Without framing headers but `content-length`, which must be true where it is there. */
  readonly headers: readonly string[]
  /** Read with backpressure, and never destroyed: it belongs to the caller. */
  readonly body: UpstreamBody | undefined
  /** On whose behalf; `undefined`: the gateway's own. */
  readonly client?: object
}

/** Hears of the answer: `head` once, `data` any number of times, then `end`; or `failed` at any point, and no more. */
export interface UpstreamReceiver {
  /** The final response; informational ones (100 to 199) are not told. Names and values in turn. */
  head(status: number, reason: string, headers: readonly string[]): void
  /** @returns true when it has done with the memory of `chunk`, which is then used again; else it may keep it */
  data(chunk: Uint8Array): boolean | void
  /** @param trailers names and values in turn; `undefined`: none */
  end(trailers?: readonly string[]): void
  failed(failure: UpstreamFailure): void
}

/** A request on its way. */
export interface UpstreamCall {
  /** Gives up: closes the connection at once, or never opens it. Nothing is told any more. Idempotent. */
  abort(): void
  /** No more data until `resume`; what was read from the socket already may still come. */
  pause(): void
  resume(): void
}

/** Whoever is behind the gateway, and the connections to it. Another HTTP client only has to be this. */
export interface Upstream {
  /** The receiver may be told before this returns only of a failure. */
  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall
  /** Closes every connection; requests on their way fail. */
  close(): Promise<void>
}

const nothing = (): void => {}

/** Of a request that was never sent. */
export const NO_CALL: UpstreamCall = { abort: nothing, pause: nothing, resume: nothing }
