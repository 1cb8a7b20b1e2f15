import type { ServerHttp2Stream } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http2'
import { Readable } from 'node:stream'
import type { StreamFlaw, StreamHead } from './stream-head.ts'
import type { StreamLine } from './stream-line.ts'

const TRAILERS: unique symbol = Symbol('sluice.trailers')

interface Trailing {
  [TRAILERS]?: readonly string[]
}

/** Keeps the trailers of a stream for its request: they may come in the read it comes with, and so before that is made. */
export function keepTrailers(stream: ServerHttp2Stream): void {
  if (!stream.endAfterHeaders) stream.once('trailers', kept)
}

function kept(this: Trailing, _headers: object, _flags: number, raw: readonly string[]): void {
  this[TRAILERS] = raw
}

/**
 * A request over HTTP/2, as far as the gateway touches an `IncomingMessage`. The compatibility mode of node:http2 is not
 * used: there the body of a request that was reset ends as if it were whole, and the answer to HEAD never closes when its
 * stream does before.
 */
export class StreamRequest extends Readable {
  readonly httpVersion = '2.0'
  readonly httpVersionMajor = 2
  readonly httpVersionMinor = 0
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly flaw: StreamFlaw | undefined
  /** It asks for a WebSocket: what follows are its frames, and no body. */
  readonly tunnels: boolean
  readonly socket: StreamLine
  readonly #stream: ServerHttp2Stream
  #isRead = false
  #hasEnded: boolean

  constructor(stream: ServerHttp2Stream, head: StreamHead, line: StreamLine) {
    super({ autoDestroy: false, highWaterMark: 65_536 })
    this.method = head.method
    this.url = head.target
    this.headers = head.headers
    this.rawHeaders = head.raw
    this.flaw = head.flaw
    this.tunnels = head.tunnels
    this.socket = line
    this.#stream = stream
    this.#hasEnded = stream.endAfterHeaders
  }

  /** All of it has come. */
  get complete(): boolean {
    return this.#hasEnded
  }

  /** What followed the body, once it has ended, names and values in turn. */
  get rawTrailers(): readonly string[] {
    return (this.#stream as Trailing)[TRAILERS] ?? []
  }

  override _read(): void {
    if (this.#isRead) return void this.#stream.resume()
    this.#isRead = true
    if (this.#hasEnded) return void this.push(null)
    this.#stream.on('data', this.#onData).on('end', this.#onEnd)
  }

  /** Nobody wants the rest. */
  dismiss(): void {
    if (this.#hasEnded) return
    this.#stream.off('data', this.#onData).off('end', this.#onEnd)
    this.#stream.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.socket.bytesRead += chunk.length
    if (!this.push(chunk)) this.#stream.pause()
  }

  readonly #onEnd = (): void => {
    const { aborted, closed } = this.#stream
    // A stream that is reset ends, too.
    if (aborted || closed) return
    this.#hasEnded = true
    this.push(null)
  }
}
