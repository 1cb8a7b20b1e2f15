import type { RequestListener } from 'node:http'
import { Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Identity } from './identity.ts'
import { STILL, StreamPort } from './stream-port.ts'

/**
 * HTTP/1.1 and HTTP/2 behind TLS, on one port: whichever the client chooses (ALPN). HTTP/1.1 is that of node:https, with
 * everything there is to set and to hear; for HTTP/2 see {@link StreamPort}.
 */
export class SecureServer extends Server {
  readonly #streams: StreamPort
  /** All that is connected, what has not said hello included. */
  readonly #connections = new Set<Socket>()
  /** Those whose handshake is not over, by both ends: what is read of them in the clear is another socket. */
  readonly #greeting = new Map<string, Socket>()

  constructor(identity: Identity, options: ServerOptions, listener: RequestListener) {
    const { cert, key, minVersion } = identity
    super({ handshakeTimeout: 10_000, ...options, cert, key, minVersion, ALPNProtocols: ['h2', 'http/1.1'] }, listener)
    this.#streams = new StreamPort(this)
    const [speakHttp1] = this.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
    this.removeAllListeners('secureConnection')
    this.on('secureConnection', (socket: TLSSocket) => {
      this.#greeting.delete(endsOf(socket))
      if (socket.alpnProtocol === 'h2') this.#streams.take(socket)
      else speakHttp1!.call(this, socket)
    })
    this.on('connection', (socket: Socket) => {
      const ends = endsOf(socket)
      this.#connections.add(socket)
      this.#greeting.set(ends, socket)
      socket.once('close', () => {
        this.#connections.delete(socket)
        this.#greeting.delete(ends)
      })
    })
  }

  /** Shows another certificate from now on; connections that are open stay. */
  present({ cert, key, minVersion }: Identity): void {
    this.setSecureContext({ cert, key, minVersion })
  }

  override close(done?: (error?: Error) => void): this {
    super.close(done)
    this.#streams.close()
    setTimeout(() => {
      for (const socket of this.#greeting.values()) socket.destroy()
    }, STILL).unref()
    return this
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections()
    this.#streams.closeIdle()
  }

  override closeAllConnections(): void {
    super.closeAllConnections()
    this.#streams.cut()
    for (const socket of this.#connections) socket.destroy()
  }
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
