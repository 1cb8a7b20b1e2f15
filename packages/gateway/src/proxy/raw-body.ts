import type { Socket } from 'node:net'
import type { RawCall } from './raw-call.ts'
import { trailersOf } from './trailers.ts'
import type { UpstreamBody } from './upstream.ts'

/** A piece up to this, in bytes, goes out as text together with what stands before it: one write, nothing joined. */
const SMALL = 16_384

/** What happens to a body on its way out. */
export interface RawBodyListener {
  /** A piece of it was taken by the connection. */
  moved(): void
  /** It is not what its head says. */
  broken(why: string): void
}

/** Writes a request with a body, at the pace of the connection. The source is never destroyed: it is somebody else's. */
export class RawBody {
  /** All of it is written. */
  done = false
  /** True while the connection takes no more. */
  blocked = false
  readonly #source: UpstreamBody
  readonly #headers: readonly string[]
  readonly #socket: Socket
  readonly #length: number | undefined
  readonly #listener: RawBodyListener
  /** The head, until it goes out, if it can together with the first piece. */
  #held: string
  #sent = 0
  #stopped = false

  constructor(source: UpstreamBody, socket: Socket, { request, raw }: RawCall, listener: RawBodyListener) {
    this.#source = source
    this.#socket = socket
    this.#headers = request.headers
    this.#length = raw.length
    this.#listener = listener
    this.#held = raw.head
    source.on('data', this.#onData).on('end', this.#onEnd)
    // Somebody else may have paused it, on purpose or with an earlier attempt.
    source.resume()
    // What came along with the head is handed over before this runs.
    process.nextTick(flush, this)
  }

  /** Writes nothing more and lets the rest stay where it is. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#source.off('data', this.#onData).off('end', this.#onEnd)
    if (!this.done) this.#source.pause()
  }

  /** The connection takes more. */
  drained(): void {
    if (!this.blocked || this.#stopped) return
    this.blocked = false
    this.#listener.moved()
    this.#source.resume()
  }

  flush(): void {
    if (!this.#stopped && this.#held !== '') this.#write('')
  }

  readonly #onData = (piece: Uint8Array | string): void => {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    if (chunk.length === 0) return
    this.#sent += chunk.length
    if (this.#length === undefined) this.#writeChunk(chunk)
    else if (this.#sent > this.#length) return this.#listener.broken('more body than its content-length')
    else this.#writePiece('', chunk, '')
    this.#listener.moved()
  }

  readonly #onEnd = (): void => {
    if (this.#length === undefined) this.#writeEnd()
    else if (this.#sent < this.#length) return this.#listener.broken('less body than its content-length')
    else this.flush()
    this.done = true
    this.#listener.moved()
  }

  #writeEnd(): void {
    const trailers = trailersOf(this.#source.rawTrailers, this.#headers)
    let text = '0\r\n'
    for (let at = 0; at < trailers.length; at += 2) text += `${trailers[at]!}: ${trailers[at + 1]!}\r\n`
    this.#write(`${text}\r\n`)
  }

  #writeChunk(chunk: Uint8Array): void {
    this.#writePiece(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
  }

  #writePiece(before: string, chunk: Uint8Array, after: string): void {
    if (chunk.length <= SMALL) return this.#write(before + latin1(chunk) + after)
    const socket = this.#socket
    socket.cork()
    if (this.#held !== '' || before !== '') this.#write(before)
    this.#heed(socket.write(chunk))
    if (after !== '') this.#write(after)
    socket.uncork()
  }

  #write(text: string): void {
    const whole = this.#held + text
    this.#held = ''
    this.#heed(this.#socket.write(whole, 'latin1'))
  }

  #heed(taken: boolean): void {
    if (taken || this.blocked) return
    this.blocked = true
    this.#source.pause()
  }
}

function flush(body: RawBody): void {
  body.flush()
}

function latin1(chunk: Uint8Array): string {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
}
