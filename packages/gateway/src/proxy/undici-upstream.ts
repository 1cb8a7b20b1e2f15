import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Millis } from 'sluice'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import { RequestBody } from './request-body.ts'
import { failureOf } from './upstream-failure.ts'
import {
  IDEMPOTENT,
  type Upstream,
  type UpstreamCall,
  type UpstreamReceiver,
  type UpstreamRequest,
} from './upstream.ts'

export interface UndiciUpstreamOptions {
  /** Scheme, host and port; the rest is not looked at. */
  readonly origin: URL
  /** For a connection to be accepted, in ms. Above 0. */
  readonly connectTimeout: Millis
  /** From the request to the head of the answer, in ms. Above 0. Kept to within a second. */
  readonly headersTimeout: Millis
  /** Between two pieces of the answer's body, in ms; time in which the client does not read is not counted. 0: none. */
  readonly bodyTimeout: Millis
  /** Says where a name leads, for each connection anew. Default: the system's. */
  readonly lookup?: LookupFunction | undefined
}

/**
 * The upstream through undici's dispatcher: callbacks, raw headers, and no stream between the two sockets.
 *
 * An upstream may close an idle connection just as a request goes out on it. An idempotent request without a body
 * that so dies before the first byte of an answer, on a connection that was used before, is sent once more, on a
 * connection of its own.
 */
export function undiciUpstream(options: UndiciUpstreamOptions): Upstream {
  return new UndiciUpstream(options)
}

class UndiciUpstream implements Upstream {
  readonly #pool: Pool
  /** Without keep-alive: for second attempts. */
  readonly #fresh: Pool
  readonly #reusedErrors = new WeakSet<Error>()
  readonly #serverName: string | undefined

  constructor({ origin, connectTimeout, headersTimeout, bodyTimeout, lookup }: UndiciUpstreamOptions) {
    const open = buildConnector({ timeout: connectTimeout, ...(lookup && { lookup }) })
    const connect: typeof open = (target, callback) => {
      open(target, (...result) => {
        if (result[0] === null) this.#watchReuse(result[1])
        callback(...result)
      })
    }
    const common = { connect, headersTimeout, bodyTimeout }
    this.#pool = new Pool(origin.origin, common)
    this.#fresh = new Pool(origin.origin, { ...common, pipelining: 0 })
    // The client's Host header would else choose the certificate.
    const name = origin.hostname
    this.#serverName = origin.protocol === 'https:' && isIP(name) === 0 && !name.startsWith('[') ? name : undefined
  }

  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    const call = new Call(this, request, receiver)
    this.dispatch(call, request, this.#pool)
    return call
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#fresh.destroy()])
  }

  dispatch(call: Call, { method, target, headers, body }: UpstreamRequest, pool: Pool = this.#fresh): void {
    const options = {
      method,
      path: target,
      headers: headers as string[],
      body: body === undefined ? null : (new RequestBody(body) as unknown as Readable),
      servername: this.#serverName,
    }
    pool.dispatch(options, call)
  }

  /** True when this error ended a connection that had answered before. */
  wasReused(error: Error): boolean {
    const { socket } = error as { socket?: { bytesRead?: number } }
    return this.#reusedErrors.has(error) || (socket?.bytesRead ?? 0) > 0
  }

  #watchReuse(socket: Socket): void {
    socket.on('error', (error) => {
      if (socket.bytesRead > 0) this.#reusedErrors.add(error)
    })
  }
}

const GONE = new Error('nobody waits for the answer any more')

class Call implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #upstream: UndiciUpstream
  readonly #request: UpstreamRequest
  readonly #receiver: UpstreamReceiver
  #controller: Dispatcher.DispatchController | undefined
  #aborted = false
  #answered = false
  #retried = false

  constructor(upstream: UndiciUpstream, request: UpstreamRequest, receiver: UpstreamReceiver) {
    this.#upstream = upstream
    this.#request = request
    this.#receiver = receiver
  }

  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#controller?.abort(GONE)
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Left while the connection was being made: the request is not sent at all.
    if (this.#aborted) controller.abort(GONE)
  }

  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason?: string): void {
    if (this.#aborted || status < 200) return
    this.#receiver.head(status, reason ?? '', textOf(controller.rawHeaders))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (!this.#aborted) this.#receiver.data(chunk)
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    if (!this.#aborted) this.#receiver.end(rawTrailers ? textOf(rawTrailers) : undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#aborted) return
    if (this.#mayRetry(error)) {
      this.#retried = true
      this.#upstream.dispatch(this, this.#request)
    } else this.#receiver.failed(failureOf(error))
  }

  #mayRetry(error: Error): boolean {
    if (this.#retried || this.#answered || this.#request.body !== undefined) return false
    return IDEMPOTENT.has(this.#request.method) && this.#upstream.wasReused(error)
  }
}

function textOf(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : []
}
