import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Millis } from 'sluice'
import { Exchange, type Ending, type ExchangeHost } from './exchange.ts'
import { answer } from './own-answer.ts'
import { requestHeaders, type ForwardingRules } from './request-headers.ts'
import { flawOf } from './screen.ts'
import { upstreamClient } from './upstream-client.ts'
import type { UpstreamFailureCode } from './upstream-failure.ts'
import type { Upstream } from './upstream.ts'

export interface ProxyOptions {
  /** Where everything goes: scheme, host and port. `http:` or `https:`. */
  readonly upstream: URL
  /** Whose `host` the upstream sees. Default `client`: the one that was asked for. */
  readonly hostHeader?: 'client' | 'upstream'
  /**
   * Believe what clients say in `forwarded` and `x-forwarded-*` and add to it: right only where every client is a
   * proxy of one's own. A function is asked about the address of the peer. Default false: their words are dropped.
   */
  readonly trustForwarded?: boolean | ((peer: string | undefined) => boolean)
  /** For the upstream to accept a connection, in ms. Above 0. Default 5,000. */
  readonly connectTimeout?: Millis
  /** From a request to the head of its answer, in ms. Above 0. Default 60,000. Kept to within a second. */
  readonly headersTimeout?: Millis
  /** Between two pieces of an answer, in ms; waiting for the client is not counted. 0: no bound. Default 300,000. */
  readonly bodyTimeout?: Millis
  /** Asked when an answer begins: true makes it the last one on its connection. Default: never. */
  readonly lastCall?: () => boolean
  /**
   * What calls a request off before its client leaves: `signalOf`, where a gate in front has a `timeout`. Asked for each
   * request, so only where there is one. Default: nothing.
   */
  readonly callOff?: (req: IncomingMessage) => AbortSignal
  /** Counts of several proxies together; then `lastCall` is theirs. Default: of its own. */
  readonly counts?: ProxyCounts
}

/** What has come of the requests so far. */
export interface ProxyStats {
  /** On their way now. */
  readonly active: number
  /** Answered by the upstream, by class of status: `2xx`. */
  readonly answered: Readonly<Record<string, number>>
  /** Not answered by it, by reason, cut-off answers included. */
  readonly failed: Readonly<Record<UpstreamFailureCode, number>>
  /** Given up because the client had left. */
  readonly departed: number
}

/** A request handler that passes requests on: `createServer(screen(protect(proxy({ upstream }))))`. */
export interface ProxyHandler {
  (req: IncomingMessage, res: ServerResponse): void
  readonly stats: ProxyStats
  /** Closes every connection to the upstream; requests on their way fail. */
  close(): Promise<void>
}

/**
 * A streaming reverse proxy. Bodies flow both ways at the pace of whoever is slower and are never held; a client that
 * leaves, at any point, ends its request to the upstream at once. It decides nothing about admission: put a gate in
 * front, so that a refused request never gets here.
 *
 * An upstream that fails before its answer is a 502 or 504 with a reason; one that fails in the middle of it breaks
 * the client's connection, so that half an answer cannot be taken for a whole one. `Upgrade` is ignored (RFC 9110
 * §7.8): the request goes on as the ordinary one it also is. Trailers go both ways, to clients that say they read them
 * (`te: trailers`); informational responses are not passed on.
 */
export function proxy(options: ProxyOptions): ProxyHandler {
  const { upstream: origin, connectTimeout = 5000, headersTimeout = 60_000, bodyTimeout = 300_000 } = options
  const upstream = upstreamClient({ origin, connectTimeout, headersTimeout, bodyTimeout })
  return forward(upstream, options)
}

/** The same over any upstream client. */
export function forward(upstream: Upstream, options: Omit<ProxyOptions, 'upstream'> & { upstream: URL }): ProxyHandler {
  const { hostHeader = 'client', trustForwarded = false } = options
  const common = { host: hostHeader, upstreamHost: options.upstream.host }
  const believing: ForwardingRules = { ...common, trustForwarded: true }
  const doubting: ForwardingRules = { ...common, trustForwarded: false }
  const rulesFor =
    typeof trustForwarded === 'function'
      ? (peer: string | undefined): ForwardingRules => (trustForwarded(peer) ? believing : doubting)
      : (): ForwardingRules => (trustForwarded ? believing : doubting)
  const { callOff } = options
  const host = options.counts ?? new ProxyCounts(options.lastCall)

  function handle(req: IncomingMessage, res: ServerResponse): void {
    // Nothing else keeps `GET http://elsewhere/` from being sent on as it is.
    if (req.url?.charCodeAt(0) !== 47) {
      const flaw = flawOf(req)
      if (flaw !== undefined) return answer(req, res, flaw)
    }
    host.active++
    const exchange = new Exchange(host, req, res)
    callOff?.(req).addEventListener('abort', () => exchange.left(), { once: true })
    exchange.start(upstream, {
      method: req.method ?? 'GET',
      target: req.url ?? '/',
      headers: requestHeaders(req, rulesFor(req.socket.remoteAddress)),
      body: hasBody(req) ? req : undefined,
      client: req,
    })
  }

  return Object.assign(handle, { stats: host, close: () => upstream.close() })
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}

/** What one or several proxies count. */
export class ProxyCounts implements ExchangeHost, ProxyStats {
  active = 0
  departed = 0
  readonly answered: Record<string, number> = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 }
  readonly failed: Record<UpstreamFailureCode, number> = {
    BAD_REQUEST: 0,
    UPSTREAM_UNREACHABLE: 0,
    UPSTREAM_FAILED: 0,
    UPSTREAM_TIMEOUT: 0,
  }
  readonly lastCall: () => boolean

  constructor(lastCall: () => boolean = (): boolean => false) {
    this.lastCall = lastCall
  }

  ended(ending: Ending): void {
    this.active--
    if (ending === 'departed') this.departed++
    else if ('failure' in ending) this.failed[ending.failure]++
    else {
      const kind = `${Math.floor(ending.status / 100)}xx`
      this.answered[kind] = (this.answered[kind] ?? 0) + 1
    }
  }
}
