import { Server, type RequestListener, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import type { Millis } from 'sluice'
import { STILL, StreamPort } from './stream-port.ts'

/** What whoever knows that HTTP/2 is spoken here begins with (RFC 9113 §3.4). No request of HTTP/1.1 does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'

/**
 * HTTP/1.1 and HTTP/2 without TLS, on one port: HTTP/2 for those who begin with its preface, all 24 bytes of it (h2c with
 * prior knowledge). Whatever begins otherwise, or differs later, is put back and left to node:http, which has the same to
 * say to it as ever.
 */
export class PlainServer extends Server {
  readonly #streams: StreamPort
  readonly #speakHttp1: (socket: Socket) => void
  /** Connections that have not sent enough to tell. */
  readonly #undecided = new Set<Socket>()

  /** @param silence see {@link StreamPort} */
  constructor(options: ServerOptions, listener: RequestListener, silence?: Millis) {
    super(options, listener)
    this.#streams = new StreamPort(this, silence)
    const [speakHttp1] = this.listeners('connection') as ((socket: Socket) => void)[]
    this.#speakHttp1 = speakHttp1!
    this.removeAllListeners('connection')
    this.on('connection', (socket: Socket) => this.#decide(socket))
  }

  override close(done?: (error?: Error) => void): this {
    super.close(done)
    this.#streams.close()
    for (const socket of this.#undecided) socket.setTimeout(STILL)
    return this
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections()
    this.#streams.closeIdle()
  }

  override closeAllConnections(): void {
    super.closeAllConnections()
    this.#streams.cut()
    for (const socket of this.#undecided) socket.destroy()
  }

  #decide(socket: Socket): void {
    let seen: Buffer = Buffer.alloc(0)
    const decided = (speak: (socket: Socket) => void): void => {
      clearTimeout(timer)
      this.#undecided.delete(socket)
      socket.off('readable', look).off('end', ended).off('error', gone).off('close', gone).off('timeout', gone)
      socket.setTimeout(0)
      if (seen.length > 0) socket.unshift(seen)
      speak.call(this, socket)
    }
    const look = (): void => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      const length = Math.min(seen.length, PREFACE.length)
      if (seen.compare(PREFACE, 0, length, 0, length) !== 0) decided(this.#speakHttp1)
      else if (length === PREFACE.length) decided((known) => this.#streams.take(known))
    }
    // Too late to be put back: in the words of node:http.
    const ended = (): void => void socket.end(seen.length === 0 ? '' : BAD_REQUEST)
    const gone = (): void => {
      clearTimeout(timer)
      this.#undecided.delete(socket)
      socket.destroy()
    }
    // What node:http has for a head it then has once more.
    const timer = setTimeout(gone, this.headersTimeout).unref()
    this.#undecided.add(socket)
    socket.on('readable', look).on('end', ended).on('error', gone).on('close', gone).on('timeout', gone)
  }
}
