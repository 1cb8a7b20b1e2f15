import type { IncomingMessage, ServerResponse } from 'node:http'
import { waitHeaders } from 'sluice/http'
import {
  nativeError,
  nativeErrorEvent,
  readError,
  refusalOf,
  type Dialect,
  type NativeRefusal,
  type ToldError,
} from 'sluice/llm'
import type { Millis } from 'sluice'
import { dismissBody, responseHeaders } from '../proxy/index.ts'
import { headerOf, headersByName, writeHead } from './answer-head.ts'
import type { CallSite } from './call-site.ts'
import { EarlyStream } from './early-stream.ts'

/** A head as the upstream sent it. */
export interface Head {
  readonly status: number
  readonly reason: string
  /** Names and values in turn. */
  readonly raw: readonly string[]
}

/** What a client is told: the head of its answer, a refusal, or, where a stream has begun already, an event of it. */
export class Reply {
  readonly #site: CallSite
  readonly #dialect: Dialect
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  #early: EarlyStream | undefined

  constructor(site: CallSite, dialect: Dialect, req: IncomingMessage, res: ServerResponse) {
    this.#site = site
    this.#dialect = dialect
    this.#req = req
    this.#res = res
  }

  /** Begins a stream although nothing has come yet. */
  beginEarly(): void {
    if (this.#res.headersSent) return
    this.#early = new EarlyStream(this.#res, this.#site.clock, 'queued')
    this.#early.begin(this.#site.headers())
  }

  /** No comments any more. */
  stop(): void {
    this.#early?.stop()
  }

  /** The head of an answer. */
  begin({ status, reason, raw }: Head, waited: Millis): void {
    if (this.#early !== undefined) return
    const own = [...(waitHeaders(waited) ?? []), ...this.#site.budgets(this.#dialect, raw)]
    if (this.#site.isLastCall()) this.#res.shouldKeepAlive = false
    writeHead(this.#res, status, reason, [...responseHeaders(raw, status), ...own.flat()])
  }

  /** The whole of an error as the upstream told it. */
  passError({ status, reason, raw }: Head, body: Buffer): void {
    const res = this.#res
    if (this.#early !== undefined) {
      const told: ToldError = readError(status, (name) => headersByName(raw)[name], body.toString())
      res.end(nativeErrorEvent(this.#dialect, { is: refusalOf(told), message: told.message }))
      return
    }
    const isOurs = !this.#site.mayRetry && headerOf(raw, 'x-should-retry') === undefined
    const own = isOurs ? ['x-should-retry', 'false'] : []
    writeHead(res, status, reason, [...responseHeaders(raw, status), ...own])
    res.end(body)
    dismissBody(this.#req)
  }

  /** An answer of our own. @returns its status */
  refuse(refusal: NativeRefusal): number {
    const res = this.#res
    const budgets = refusal.status === 429 || refusal.status === 503 ? this.#site.standing() : undefined
    // Where this gateway is the one who tries again nobody else should.
    const mayRetry = refusal.mayRetry ?? (this.#site.mayRetry ? undefined : false)
    const { status, headers, body } = nativeError(this.#dialect, { ...refusal, mayRetry, budgets }, Date.now())
    if (res.headersSent) {
      res.end(nativeErrorEvent(this.#dialect, refusal))
      return status
    }
    if (!this.#req.complete || this.#site.isLastCall()) res.shouldKeepAlive = false
    const length = String(Buffer.byteLength(body))
    writeHead(res, status, '', [...headers.flat(), 'content-length', length, 'cache-control', 'no-store'])
    res.end(body)
    dismissBody(this.#req)
    return status
  }

  /**
   * Half an answer must not be taken for a whole one: a stream is told of it, and the connection breaks. In the middle of a
   * line nothing can be told: it would be read as the rest of that line.
   * @param isTold whether it is a stream that stands between two lines
   */
  breakOff(message: string, isTold: boolean): void {
    const { socket } = this.#req
    if (!isTold) socket.destroy()
    // Ends the event whose lines have come; an empty line more is nothing.
    else this.#res.write(`\n\n${nativeErrorEvent(this.#dialect, { is: 'fault', message })}`, () => socket.destroy())
  }
}
