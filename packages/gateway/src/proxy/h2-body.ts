import type { ClientHttp2Stream } from 'node:http2'
import { h2Trailers } from './h2-head.ts'
import type { UpstreamBody } from './upstream.ts'

/**
 * So much of a body is kept, in bytes, so that a stream that is refused can be sent once more. Four times what servers
 * usually let in before they have looked at it.
 */
const KEPT = 262_144

/** What happens to a body on its way out. */
export interface H2BodyListener {
  /** A piece of it was taken. */
  moved(): void
  /** It is not what its head says. */
  broken(why: string): void
}

/** Writes a body to a stream, at the pace of that. The source is never destroyed: it is somebody else's. */
export class H2Body {
  /** All of it is handed over. */
  done = false
  /** True while the stream takes no more. */
  blocked = false
  readonly #source: UpstreamBody
  readonly #headers: readonly string[]
  readonly #length: number | undefined
  readonly #listener: H2BodyListener
  #stream: ClientHttp2Stream | undefined
  /** All so far; `undefined` once that is too much. */
  #kept: Uint8Array[] | undefined = []
  #sent = 0
  #hasEnded = false

  /** @param length `undefined`: trailers may follow it, and the stream waits for them */
  constructor(source: UpstreamBody, headers: readonly string[], length: number | undefined, listener: H2BodyListener) {
    this.#source = source
    this.#headers = headers
    this.#length = length
    this.#listener = listener
  }

  /** True while it could be written from the beginning. */
  get isWhole(): boolean {
    return this.#kept !== undefined
  }

  /** Writes it, from the beginning. Only while it is whole. */
  start(stream: ClientHttp2Stream): void {
    this.#stream = stream
    this.done = this.blocked = false
    stream.on('drain', () => this.#drained(stream)).on('wantTrailers', () => this.#trail(stream))
    for (const piece of this.#kept ?? []) this.#write(piece)
    if (this.#hasEnded) return this.#finish()
    this.#source.on('data', this.#onData).on('end', this.#onEnd)
    // Somebody else may have paused it, on purpose or with an earlier attempt.
    if (!this.blocked) this.#source.resume()
  }

  /** Writes nothing more and lets the rest stay where it is. */
  stop(): void {
    if (this.#stream === undefined) return
    this.#stream = undefined
    this.#source.off('data', this.#onData).off('end', this.#onEnd)
    if (!this.#hasEnded) this.#source.pause()
  }

  /** It will not be wanted again. */
  forget(): void {
    this.#kept = undefined
  }

  readonly #onData = (piece: Uint8Array | string): void => {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    if (chunk.length === 0) return
    this.#sent += chunk.length
    if (this.#length !== undefined && this.#sent > this.#length)
      return this.#listener.broken('more body than its content-length')
    if (this.#sent > KEPT) this.#kept = undefined
    this.#kept?.push(chunk)
    this.#write(chunk)
    this.#listener.moved()
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true
    if (this.#length !== undefined && this.#sent < this.#length)
      return this.#listener.broken('less body than its content-length')
    this.#finish()
    this.#listener.moved()
  }

  #write(chunk: Uint8Array): void {
    if (this.#stream?.write(chunk) !== false || this.blocked) return
    this.blocked = true
    this.#source.pause()
  }

  #drained(stream: ClientHttp2Stream): void {
    if (stream !== this.#stream || !this.blocked) return
    this.blocked = false
    this.#listener.moved()
    this.#source.resume()
  }

  #trail(stream: ClientHttp2Stream): void {
    if (!stream.closed && !stream.destroyed) stream.sendTrailers(h2Trailers(this.#source.rawTrailers, this.#headers))
  }

  #finish(): void {
    this.done = true
    this.#stream?.end()
  }
}
