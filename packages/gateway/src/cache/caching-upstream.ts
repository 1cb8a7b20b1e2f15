import type { Upstream, UpstreamCall, UpstreamFailure, UpstreamReceiver, UpstreamRequest } from '../proxy/index.ts'
import { headersIn, keepingOf, type Keeping } from './keeping.ts'
import type { ResponseCache } from './response-cache.ts'

export interface CachingOptions {
  readonly cache: ResponseCache
  /** What the answers of this upstream are kept under, beside host and target. */
  readonly name: string
  readonly hostHeader: 'client' | 'upstream'
  /** True for a request that says who it is. */
  readonly shows: (header: (name: string) => string | undefined) => boolean
}

/** What an answer depends on besides headers that it names. */
export interface CacheKeyParts {
  /** Of the upstream. */
  readonly name: string
  /** Whose host it sees. */
  readonly hostHeader: 'client' | 'upstream'
  /** The host that was asked for, and the one and the scheme that it was forwarded for. */
  readonly host: string | undefined
  readonly forwardedHost: string | undefined
  readonly proto: string | undefined
  readonly target: string
}

/** What an answer is kept under: all of the request that an upstream may answer by without saying so. */
export function cacheKey({
  name,
  hostHeader,
  host = '',
  forwardedHost,
  proto = 'http',
  target,
}: CacheKeyParts): string {
  const seen = hostHeader === 'client' ? host.toLowerCase() : ''
  return `${name} ${seen} ${(forwardedHost ?? host).toLowerCase()} ${proto} ${target}`
}

/**
 * Keeps a copy of what may be kept on its way from the upstream. Nothing is held back for it and nobody waits for it;
 * what turns out too large, or breaks off, is dropped.
 */
export function cachingUpstream(upstream: Upstream, options: CachingOptions): Upstream {
  return {
    send(request, receiver) {
      const told = receiverFor(request, receiver, options)
      const call = upstream.send(request, told)
      return told instanceof Copying ? new Abortable(call, told) : call
    },
    close: () => upstream.close(),
  }
}

function receiverFor(request: UpstreamRequest, receiver: UpstreamReceiver, options: CachingOptions): UpstreamReceiver {
  const { method, target } = request
  if (method === 'HEAD' || method === 'OPTIONS') return receiver
  const header = headersIn(request.headers)
  const key = cacheKey({
    ...options,
    host: header('host'),
    forwardedHost: header('x-forwarded-host'),
    proto: header('x-forwarded-proto'),
    target,
  })
  if (method !== 'GET') return new Forgetting(receiver, () => options.cache.forget(key))
  if (header('range') !== undefined) return receiver
  return new Copying(receiver, key, header, options)
}

/** What changes something makes what is kept of it worthless, unless it failed. */
class Forgetting implements UpstreamReceiver {
  readonly #receiver: UpstreamReceiver
  readonly #forget: () => void

  constructor(receiver: UpstreamReceiver, forget: () => void) {
    this.#receiver = receiver
    this.#forget = forget
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    if (status < 400) this.#forget()
    this.#receiver.head(status, reason, headers)
  }

  data(chunk: Uint8Array): void {
    this.#receiver.data(chunk)
  }

  end(trailers?: readonly string[]): void {
    this.#receiver.end(trailers)
  }

  failed(failure: UpstreamFailure): void {
    this.#receiver.failed(failure)
  }
}

/** A request whose copy goes with it: nobody tells of the end of what was called off. */
class Abortable implements UpstreamCall {
  readonly #call: UpstreamCall
  readonly #copying: Copying

  constructor(call: UpstreamCall, copying: Copying) {
    this.#call = call
    this.#copying = copying
  }

  abort(): void {
    this.#copying.drop()
    this.#call.abort()
  }

  pause(): void {
    this.#call.pause()
  }

  resume(): void {
    this.#call.resume()
  }
}

class Copying implements UpstreamReceiver {
  readonly #receiver: UpstreamReceiver
  readonly #key: string
  readonly #header: (name: string) => string | undefined
  readonly #options: CachingOptions
  #keeping: Keeping | undefined
  #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(
    receiver: UpstreamReceiver,
    key: string,
    header: (name: string) => string | undefined,
    options: CachingOptions,
  ) {
    this.#receiver = receiver
    this.#key = key
    this.#header = header
    this.#options = options
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    const { cache, shows } = this.#options
    const request = this.#header
    this.#keeping = keepingOf(status, headers, {
      config: cache.config,
      request,
      shows: shows(request),
      now: Date.now(),
    })
    this.#receiver.head(status, reason, headers)
  }

  data(chunk: Uint8Array): void {
    if (this.#keeping !== undefined) this.#copy(chunk)
    this.#receiver.data(chunk)
  }

  end(trailers?: readonly string[]): void {
    const keeping = this.#keeping
    if (keeping !== undefined) {
      const body = Buffer.concat(this.#chunks, this.#bytes)
      this.drop()
      this.#options.cache.keep(this.#key, { ...keeping, body })
    }
    this.#receiver.end(trailers)
  }

  failed(failure: UpstreamFailure): void {
    this.drop()
    this.#receiver.failed(failure)
  }

  /** A copy, because the buffer is the socket's. */
  #copy(chunk: Uint8Array): void {
    const { cache } = this.#options
    const fits = this.#bytes + chunk.length <= cache.config.maxEntry
    if (!fits || !cache.reserve(chunk.length)) return this.drop()
    this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.length
  }

  drop(): void {
    this.#keeping = undefined
    this.#options.cache.release(this.#bytes)
    this.#chunks = []
    this.#bytes = 0
  }
}
