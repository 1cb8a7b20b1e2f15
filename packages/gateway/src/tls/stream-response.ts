import { EventEmitter } from 'node:events'
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { takesTrailers } from '../proxy/index.ts'
import type { StreamLine } from './stream-line.ts'
import type { StreamRequest } from './stream-request.ts'

type Written = (error?: Error | null) => void

/** Concern a connection of HTTP/1.1: to send one would be an error of the protocol (RFC 9113 §8.2.2). */
const OF_HTTP1: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** No statuses of HTTP, and node:http2 sends none of them. */
const ABOVE = 599

/** How often it is looked whether an answer is out, in ms. */
const LOOK = 100

/** An answer over HTTP/2, as far as the gateway touches a `ServerResponse`. */
export class StreamResponse extends EventEmitter {
  readonly req: StreamRequest
  statusCode = 200
  /** HTTP/2 has none. */
  statusMessage = ''
  /** Of no meaning here: a stream carries one request. */
  shouldKeepAlive = true
  writableEnded = false
  /** The head is settled, and goes out with what follows: an answer without a body is one frame. */
  headersSent = false
  errored: Error | null = null
  readonly #stream: ServerHttp2Stream
  readonly #line: StreamLine
  readonly #headers = new Map<string, string | string[]>()
  readonly #trailers = new Map<string, string | string[]>()
  #mayTrail = false
  /** Of the body, as far as its length is known. */
  #left: number | undefined
  #hasBegun = false
  #isClosed = false

  constructor(stream: ServerHttp2Stream, req: StreamRequest) {
    super()
    this.req = req
    this.#stream = stream
    this.#line = req.socket
    stream.on('drain', () => void this.emit('drain'))
    stream.on('wantTrailers', () => {
      if (this.#isOpen()) stream.sendTrailers(Object.fromEntries(this.#trailers))
    })
    // One that the client resets without an error would stay open as long as something of the request is unread, or of the
    // answer unsent: for ever, if it reads nothing. Later, because this is told also of one that is being reset from here.
    const gone = (): void => void setImmediate(() => stream.destroy())
    stream.on('aborted', gone).on('end', () => {
      if (stream.closed) gone()
    })
    stream.on('close', () => {
      this.#isClosed = true
      this.emit('close')
    })
  }

  /** Its connection, as long as it is on its way. */
  get socket(): StreamLine | null {
    return this.#isClosed ? null : this.#line
  }

  get writableFinished(): boolean {
    return this.writableEnded && this.#stream.writableFinished
  }

  get destroyed(): boolean {
    return this.#stream.destroyed
  }

  get writableLength(): number {
    return this.#stream.writableLength
  }

  getHeader(name: string): string | string[] | undefined {
    return this.#headers.get(name.toLowerCase())
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase())
  }

  getHeaderNames(): string[] {
    return [...this.#headers.keys()]
  }

  setHeader(name: string, value: string | number | readonly string[]): this {
    const lower = name.toLowerCase()
    if (!OF_HTTP1.has(lower)) this.#headers.set(lower, typeof value === 'object' ? [...value] : String(value))
    return this
  }

  /** Several of a name become one, but for cookies: node:http2 throws where a name may stand but once. */
  appendHeader(name: string, value: string): this {
    const lower = name.toLowerCase()
    if (!OF_HTTP1.has(lower)) append(this.#headers, lower, value)
    return this
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase())
  }

  /** They go out where the client has said that it reads them. */
  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    for (const [name, value] of trailers) append(this.#trailers, name.toLowerCase(), value)
  }

  writeContinue(): void {
    if (this.#isOpen() && !this.headersSent) this.#stream.additionalHeaders({ ':status': 100 })
  }

  flushHeaders(): void {
    this.#begin(false)
    if (this.#left === 0) this.end()
  }

  /** @param headers names and values in turn, or a table */
  writeHead(status: number, ...rest: readonly (string | readonly string[] | OutgoingHttpHeaders | undefined)[]): this {
    if (this.headersSent) return this
    this.statusCode = status
    for (const told of rest) {
      if (typeof told !== 'object') continue
      if (isList(told)) for (let i = 0; i < told.length; i += 2) this.appendHeader(told[i]!, told[i + 1]!)
      else for (const [name, value] of Object.entries(told)) if (value !== undefined) this.setHeader(name, value)
    }
    this.headersSent = true
    return this
  }

  write(chunk: Uint8Array | string, encoding?: BufferEncoding | Written, done?: Written): boolean {
    const [coding, written] = typeof encoding === 'function' ? [undefined, encoding] : [encoding, done]
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, coding) : chunk
    this.#begin(false)
    if (this.writableEnded || !this.#isOpen() || this.#stream.writableEnded) {
      if (written !== undefined) process.nextTick(written)
      return true
    }
    this.#line.bytesWritten += bytes.length
    if (this.#left !== undefined) this.#left -= bytes.length
    if (this.#left === 0 && !this.#mayTrail) {
      // Whoever ends it later would leave the client waiting for an end that is known.
      this.#endWith(bytes, written)
      return true
    }
    return this.#stream.write(bytes, written)
  }

  end(chunk?: Uint8Array | string | Written, encoding?: BufferEncoding | Written): this {
    if (this.writableEnded) return this
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.write(chunk, encoding)
    if (this.writableEnded) return this
    this.#begin(true)
    this.#endWith(undefined, undefined)
    return this
  }

  destroy(error?: Error): this {
    this.errored ??= error ?? null
    this.#line.destroy()
    return this
  }

  #isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed
  }

  #begin(isAll: boolean): void {
    if (this.#hasBegun || !this.#isOpen()) return
    this.#hasBegun = true
    this.headersSent = true
    const length = this.getHeader('content-length')
    if (length !== undefined) this.#left = Number(length)
    const status = this.statusCode > ABOVE ? 502 : this.statusCode
    const isWhole = isAll || this.#left === 0
    this.#mayTrail = !isWhole && takesTrailers(this.req.headers.te)
    this.#stream.respond(
      { ':status': status, ...Object.fromEntries(this.#headers) },
      { endStream: isWhole, waitForTrailers: this.#mayTrail },
    )
  }

  #endWith(bytes: Uint8Array | undefined, written: Written | undefined): void {
    const stream = this.#stream
    this.writableEnded = true
    this.req.dismiss()
    stream.end(bytes, written)
    if (!this.req.complete) setImmediate(() => this.#refuseRest())
  }

  /**
   * Nobody will read what is left of the request. Once all of the answer is out the client is told so, which is no error
   * (RFC 9113 §8.1); before, it would take the place of the answer.
   */
  #refuseRest(): void {
    const stream = this.#stream
    if (!this.#isOpen()) return
    if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR)
    else setTimeout(() => this.#refuseRest(), LOOK).unref()
  }
}

function append(to: Map<string, string | string[]>, name: string, value: string): void {
  const before = to.get(name)
  if (before === undefined) to.set(name, value)
  else if (name === 'set-cookie') to.set(name, [before, value].flat())
  else if (before !== value) to.set(name, `${String(before)}, ${value}`)
}

function isList(told: readonly string[] | OutgoingHttpHeaders): told is readonly string[] {
  return Array.isArray(told)
}
