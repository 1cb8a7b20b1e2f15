import type { RequestListener } from 'node:http'
import { Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Identity } from './identity.ts'
import { StreamPort } from './stream-port.ts'

/**
 * HTTP/1.1 and HTTP/2 behind TLS, on one port: whichever the client chooses (ALPN). HTTP/1.1 is that of node:https, with
 * everything there is to set and to hear; for HTTP/2 see {@link StreamPort}.
 */
export class SecureServer extends Server {
  readonly #streams: StreamPort
  /** All that is connected, what has not said hello included. */
  readonly #connections = new Set<Socket>()

  constructor(identity: Identity, options: ServerOptions, listener: RequestListener) {
    const { cert, key, minVersion } = identity
    super({ handshakeTimeout: 10_000, ...options, cert, key, minVersion, ALPNProtocols: ['h2', 'http/1.1'] }, listener)
    this.#streams = new StreamPort(this)
    const [speakHttp1] = this.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
    this.removeAllListeners('secureConnection')
    this.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') this.#streams.take(socket)
      else speakHttp1!.call(this, socket)
    })
    this.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  /** Shows another certificate from now on; connections that are open stay. */
  present({ cert, key, minVersion }: Identity): void {
    this.setSecureContext({ cert, key, minVersion })
  }

  override close(done?: (error?: Error) => void): this {
    super.close(done)
    this.#streams.close()
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
