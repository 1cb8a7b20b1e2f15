import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { unwatchDeparture, watchDeparture, type Leaver } from 'sluice/http'
import { dismissBody } from './dismiss-body.ts'
import { endWhole } from './end-whole.ts'
import { isGrpc, statusOfGrpc } from './grpc.ts'
import { takesTrailers } from './hop-by-hop.ts'
import { answer } from './own-answer.ts'
import { responseHeaders } from './response-headers.ts'
import { trailersOf } from './trailers.ts'
import type { UpstreamFailure, UpstreamFailureCode } from './upstream-failure.ts'
import type { Upstream, UpstreamCall, UpstreamReceiver, UpstreamRequest } from './upstream.ts'

/** How an exchange ended. */
export type Ending = { readonly status: number } | { readonly failure: UpstreamFailureCode } | 'departed'

/** What an exchange needs of the proxy it belongs to. */
export interface ExchangeHost {
  /** True when this is the last answer on its connection. */
  lastCall(): boolean
  /** Called once. */
  ended(ending: Ending): void
}

/** What a failure before the head of the answer is told as. */
const STATUS: Readonly<Record<UpstreamFailureCode, { readonly status: number; readonly retryAfter?: number }>> = {
  BAD_REQUEST: { status: 400 },
  UPSTREAM_UNREACHABLE: { status: 502, retryAfter: 5 },
  UPSTREAM_FAILED: { status: 502, retryAfter: 1 },
  UPSTREAM_TIMEOUT: { status: 504, retryAfter: 5 },
}

const PLAIN_REASON = /^[\t\x20-\x7e]*$/
/** A first piece up to this, in bytes, goes out as text in one write with the head. */
const SMALL = 16_384
const ignore = (): void => {}

/** One request with its answer: the answer flows to the client at the pace the client reads. */
export class Exchange implements UpstreamReceiver, Leaver {
  readonly #host: ExchangeHost
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #socket: Socket
  #call: UpstreamCall | undefined
  #over = false
  #headFlushed = false
  /** The first piece, where it came with the head and may be all of it. */
  #first: Uint8Array | undefined
  #heedsDrain = false
  /** Its end is the end of the connection: an HTTP/1.0 client, and an answer of unknown length. */
  #endsByClosing = false

  constructor(host: ExchangeHost, req: IncomingMessage, res: ServerResponse) {
    this.#host = host
    this.#req = req
    this.#res = res
    // Kept: a response loses its socket when it is finished.
    this.#socket = req.socket
    // A connection that breaks while an answer is being written is told by its closing; nothing else may come of it.
    res.on('error', ignore)
  }

  start(upstream: Upstream, request: UpstreamRequest): void {
    if (this.#socket.destroyed) return this.left()
    watchDeparture(this.#socket, this)
    this.#call = upstream.send(request, this)
  }

  head(status: number, reason: string, raw: readonly string[]): void {
    const res = this.#res
    const headers = responseHeaders(raw, status, this.#req)
    if (this.#host.lastCall()) res.shouldKeepAlive = false
    if (this.#req.httpVersionMinor === 0)
      this.#endsByClosing = !headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length')
    writeHead(res, status, PLAIN_REASON.test(reason) ? reason : undefined, headers)
    // The head goes out with the first piece of the body when that came along with it, and else at once.
    process.nextTick(flushHead, this)
  }

  data(chunk: Uint8Array): boolean {
    if (!this.#headFlushed && this.#first === undefined && chunk.length <= SMALL) {
      this.#first = chunk
      return false
    }
    if (this.#first !== undefined) this.flush()
    return this.#write(chunk)
  }

  /** @returns true when all of it is on its way already */
  #write(chunk: Uint8Array): boolean {
    this.#headFlushed = true
    const socket = this.#direct
    const taken = this.#res.write(chunk)
    if (socket !== undefined) {
      // Now and not at the end of this turn: what the system takes at once need not be kept.
      socket.uncork()
      if (socket.writableLength === 0) return true
    }
    if (taken) return false
    this.#call?.pause()
    if (this.#heedsDrain) return false
    this.#heedsDrain = true
    this.#res.on('drain', () => this.#call?.resume())
    return false
  }

  /** The connection, where it is the turn of this answer to be written to it. */
  get #direct(): Socket | undefined {
    return this.#req.httpVersionMajor === 1 ? (this.#res.socket ?? undefined) : undefined
  }

  end(trailers?: readonly string[]): void {
    const res = this.#res
    const meant = isGrpc(this.#req) ? statusOfGrpc(grpcStatus(res, trailers)) : undefined
    this.#settle({ status: meant ?? res.statusCode })
    if (trailers !== undefined && takesTrailers(this.#req.headers.te)) addTrailers(res, trailersOf(trailers))
    if (this.#first === undefined) this.#res.end()
    else endWhole(res, this.#first)
    // Its head is out: from here on this is what limits and breakers go by.
    if (meant !== undefined) res.statusCode = meant
    dismissBody(this.#req)
  }

  failed(failure: UpstreamFailure): void {
    if (this.#over) return
    this.#settle({ failure: failure.code })
    if (!this.#res.headersSent) answer(this.#req, this.#res, { ...failure, ...STATUS[failure.code] })
    else {
      // Where closing is the way to end, only a reset says that something is missing.
      if (this.#endsByClosing) this.#socket.resetAndDestroy()
      else this.#socket.destroy()
      // With a reason: whoever else looks at the response is not to take this for a client that left.
      this.#res.destroy(new Error(failure.message))
    }
  }

  left(): void {
    if (this.#over) return
    this.#settle('departed')
    this.#call?.abort()
  }

  /** Sends the head, with the first piece where there is one, unless it went out already. */
  flush(): void {
    if (this.#headFlushed || this.#over) return
    this.#headFlushed = true
    const first = this.#first
    this.#first = undefined
    if (first !== undefined) this.#write(first)
    else this.#res.flushHeaders()
  }

  #settle(ending: Ending): void {
    this.#over = true
    unwatchDeparture(this.#socket, this)
    this.#host.ended(ending)
  }
}

/** What gRPC says behind an answer, or in its head where that is all there is. */
function grpcStatus(res: ServerResponse, trailers: readonly string[] = []): string {
  const at = trailers.indexOf('grpc-status')
  return at < 0 ? String(res.getHeader('grpc-status')) : trailers[at + 1]!
}

/** @param trailers names and values in turn */
function addTrailers(res: ServerResponse, trailers: readonly string[]): void {
  const pairs: [string, string][] = []
  for (let at = 0; at < trailers.length; at += 2) pairs.push([trailers[at]!, trailers[at + 1]!])
  res.addTrailers(pairs)
}

function writeHead(res: ServerResponse, status: number, reason: string | undefined, headers: string[]): void {
  // Whoever stands in front may have set some: the wait in a queue, for instance. Given both, node:http keeps only the
  // last of each name, and of several cookies one.
  const bare = res.getHeaderNames().length === 0
  if (!bare) for (let i = 0; i < headers.length; i += 2) res.appendHeader(headers[i]!, headers[i + 1]!)
  const rest = bare ? headers : []
  if (reason === undefined) res.writeHead(status, rest)
  else res.writeHead(status, reason, rest)
}

function flushHead(exchange: Exchange): void {
  exchange.flush()
}
