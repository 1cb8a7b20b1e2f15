import { constants, type ClientHttp2Stream } from 'node:http2'
import { CALLED_OFF } from './called-off.ts'
import { H2Body } from './h2-body.ts'
import { h2Answer, h2Fields, type H2Request } from './h2-head.ts'
import type { H2Session } from './h2-session.ts'
import type { Patience } from './patience.ts'
import { BODY_TIMEOUT, CLOSED, CUT_OFF, HEADERS_TIMEOUT, type UpstreamFailure } from './upstream-failure.ts'
import {
  IDEMPOTENT,
  type Upstream,
  type UpstreamCall,
  type UpstreamReceiver,
  type UpstreamRequest,
} from './upstream.ts'

/** Before a final response; more is no conversation. */
const MOST_INFORMATIONAL = 32

/** So often a call may come to a session that is just being ended. */
const MOST_PASSES = 5

/** Who finds sessions for calls. */
export interface H2Switchboard {
  /** Counts up while there are sessions. */
  readonly tick: number
  readonly patience: Patience
  /** Sends it again. */
  again(call: H2Call): void
  /** Sends it over HTTP/1.1, which the other side wants. */
  overHttp1(call: H2Call): void
  /** It waits for a session no longer. */
  forget(call: H2Call): void
}

/** A request on its way over one stream, or waiting for one. */
export class H2Call implements UpstreamCall {
  readonly request: UpstreamRequest
  readonly receiver: UpstreamReceiver
  /** The tick in which its present patience began. */
  since: number
  readonly #head: H2Request
  readonly #switchboard: H2Switchboard
  readonly #body: H2Body | undefined
  #session: H2Session | undefined
  #stream: ClientHttp2Stream | undefined
  /** Where it went after all. */
  #other: UpstreamCall | undefined
  #isOver = false
  #isRetried = false
  #passes = 0
  #isPaused = false
  #isAnswered = false
  /** The end of the answer has come. */
  #isWhole = false
  /** What came while it was paused, of an answer that is whole. */
  #rest: Uint8Array[] = []
  #hasEnded = false
  /** What followed the answer. */
  #trailers: readonly string[] | undefined
  #informational = 0

  constructor(request: UpstreamRequest, head: H2Request, receiver: UpstreamReceiver, switchboard: H2Switchboard) {
    this.request = request
    this.receiver = receiver
    this.since = switchboard.tick
    this.#head = head
    this.#switchboard = switchboard
    const moved = (): void => this.#moved()
    const broken = (why: string): void =>
      this.#fail({ code: 'BAD_REQUEST', message: `the request cannot be passed on: ${why}` })
    this.#body = request.body && new H2Body(request.body, request.headers, head.length, { moved, broken })
  }

  abort(): void {
    this.#other?.abort()
    if (this.#isOver) return
    this.#isOver = true
    if (this.#stream === undefined) this.#switchboard.forget(this)
    else this.#drop()
  }

  pause(): void {
    this.#isPaused = true
    this.#other?.pause()
    if (!this.#isWhole) this.#stream?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#other?.resume()
    this.#moved()
    const rest = this.#rest
    this.#rest = []
    for (const chunk of rest) this.#data(chunk)
    if (this.#hasEnded) this.#end()
    else this.#stream?.resume()
  }

  /** Sends it over a session. */
  carry(session: H2Session): void {
    let stream
    try {
      stream = session.open(this.#head, this.#body !== undefined)
    } catch (error) {
      return this.#fail({
        code: 'BAD_REQUEST',
        message: `the request cannot be passed on: ${(error as Error).message}`,
      })
    }
    this.#session = session
    this.#stream = stream
    this.#isWhole = false
    this.#moved()
    this.#watchEnd(stream)
    stream
      // Told by its closing.
      .on('error', () => {})
      .on('response', (_headers: object, _flags: number, raw?: readonly string[]) => this.#answered(raw ?? []))
      .on('trailers', (_headers: object, _flags: number, raw?: readonly string[]) => this.#trailed(raw ?? []))
      .on('headers', () => this.#informed())
      .on('data', (chunk: Uint8Array) => this.#data(chunk))
      .on('end', () => this.#ended(stream))
      .on('close', () => this.#closed(stream))
    session.add(this)
    this.#body?.start(stream)
    if (this.#isPaused) stream.pause()
  }

  /** Gives it to somebody else. Only while it has no session. */
  handTo(upstream: Upstream): void {
    if (this.#isOver) return
    this.#isOver = true
    const { request, receiver } = this
    this.#other = upstream.send(request, receiver)
    if (this.#isPaused) this.#other.pause()
  }

  /** No session can be had. */
  lost(failure: UpstreamFailure): void {
    this.#fail(failure)
  }

  /** Called with each tick while it has a stream. */
  check(tick: number): void {
    const { head, body } = this.#switchboard.patience
    if (this.#isAnswered) {
      if (!this.#isPaused && tick - this.since > body) this.#fail(BODY_TIMEOUT)
    } else if (tick - this.since > head && this.#isWaiting()) this.#fail(HEADERS_TIMEOUT)
  }

  /** The time in which the client sends nothing is not the upstream's. */
  #isWaiting(): boolean {
    return this.#body === undefined || this.#body.done || this.#body.blocked
  }

  #moved(): void {
    this.since = this.#switchboard.tick
  }

  /**
   * A stream that is reset without an error, or cancelled, ends for node:http2 as if it were complete. But an end that was
   * sent comes before the stream is closed, and one that is made of a reset after it.
   */
  #watchEnd(stream: ClientHttp2Stream): void {
    const push = stream.push.bind(stream)
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && !stream.closed && !stream.destroyed) {
        this.#isWhole = true
        // What a slow reader has not taken yet must outlive the session.
        if (this.#isPaused) stream.resume()
      }
      return push(chunk, encoding)
    }
  }

  #answered(raw: readonly string[]): void {
    if (this.#isOver) return
    const head = h2Answer(raw)
    if (typeof head === 'string') return this.#fail(flawed(head))
    this.#isAnswered = true
    this.#moved()
    this.#body?.forget()
    this.#session?.heard()
    this.receiver.head(head.status, '', head.headers)
  }

  #trailed(raw: readonly string[]): void {
    if (this.#isOver) return
    const trailers = h2Fields(raw)
    if (typeof trailers === 'string') return this.#fail(flawed(trailers))
    this.#trailers = trailers
  }

  #informed(): void {
    if (++this.#informational <= MOST_INFORMATIONAL) return
    this.#fail(flawed('too many informational responses'))
  }

  #data(chunk: Uint8Array): void {
    if (this.#isOver) return
    if (!this.#isAnswered) return this.#fail(HEADLESS)
    this.#moved()
    if (this.#isPaused && this.#isWhole) this.#rest.push(chunk)
    else this.receiver.data(chunk)
  }

  #ended(stream: ClientHttp2Stream): void {
    // One that is reset without an error stays open as long as something of the request is unsent: for ever, if nobody
    // takes it.
    if (stream.closed) setImmediate(() => stream.destroy())
    if (this.#isOver || stream !== this.#stream || !this.#isWhole) return
    if (!this.#isAnswered) return this.#fail(HEADLESS)
    this.#hasEnded = true
    if (!this.#isPaused && this.#rest.length === 0) this.#end()
  }

  #end(): void {
    if (this.#isOver || this.#isPaused || this.#rest.length > 0) return
    this.#isOver = true
    // An answer that came before all of the request: the rest of that is for nobody.
    if (this.#body?.done === false) this.#drop()
    this.#body?.stop()
    this.receiver.end(this.#trailers)
  }

  #closed(stream: ClientHttp2Stream): void {
    const session = this.#session
    if (stream !== this.#stream || session === undefined) return
    this.#stream = undefined
    this.#session = undefined
    session.remove(this)
    this.#body?.stop()
    if (this.#isOver || this.#hasEnded) return
    const code = stream.rstCode
    if (this.#isAnswered) return this.#fail(CUT_OFF)
    const isWhole = this.#body?.isWhole !== false
    if (code === constants.NGHTTP2_HTTP_1_1_REQUIRED && this.#body === undefined)
      return this.#switchboard.overHttp1(this)
    const failure = session.failure ?? failureOf(code)
    if (!isWhole) return this.#fail(failure)
    // Neither what a GOAWAY leaves out nor what is refused was begun (RFC 9113 §6.8, §8.7), whatever it is.
    if (session.passedOver(stream) && this.#passes++ < MOST_PASSES) return this.#switchboard.again(this)
    // What was lost with its session may have been.
    const mayRepeat = this.#body === undefined && IDEMPOTENT.has(this.request.method) && session.wasLost
    if (this.#isRetried || !(code === constants.NGHTTP2_REFUSED_STREAM || mayRepeat)) return this.#fail(failure)
    this.#isRetried = true
    this.#switchboard.again(this)
  }

  #fail(failure: UpstreamFailure): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#stream === undefined) this.#switchboard.forget(this)
    else this.#drop()
    this.receiver.failed(failure)
  }

  /** To close a stream would end the request first, and half of one could be taken for a whole one. */
  #drop(): void {
    this.#body?.stop()
    this.#stream?.destroy(CALLED_OFF)
  }
}

function flawed(why: string): UpstreamFailure {
  return { code: 'UPSTREAM_FAILED', message: `the upstream did not speak HTTP/2 (${why})` }
}

const HEADLESS: UpstreamFailure = flawed('an answer without a head')

/** The names of RFC 9113 §7, by number. */
const REASONS = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

function failureOf(code: number | undefined): UpstreamFailure {
  if (code === undefined || code === constants.NGHTTP2_NO_ERROR) return CLOSED
  return { code: 'UPSTREAM_FAILED', message: `the stream to the upstream was reset (${REASONS[code] ?? code})` }
}
