import type { Server } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Peer } from './peer.ts'

/**
 * A stream of HTTP/2 as the connection of its request: it is reached from somewhere, bytes move on it, and it is closed by
 * itself, whatever else there is on the session.
 */
export class StreamLine {
  /** Who accepted the connection. */
  readonly server: Server
  readonly encrypted: boolean
  readonly remoteAddress: string | undefined
  /** Of the body, as far as it was read. */
  bytesRead = 0
  /** Of the body of the answer, handed over. */
  bytesWritten = 0
  readonly #stream: ServerHttp2Stream

  constructor(server: Server, stream: ServerHttp2Stream, peer: Peer) {
    this.#stream = stream
    this.server = server
    this.remoteAddress = peer.socket.remoteAddress
    this.encrypted = peer.encrypted
  }

  get destroyed(): boolean {
    return this.#stream.destroyed
  }

  /** Handed over, and not taken by the client. */
  get writableLength(): number {
    return this.#stream.writableLength
  }

  on(event: 'close', listener: () => void): void {
    this.#stream.on(event, listener)
  }

  once(event: 'close', listener: () => void): void {
    this.#stream.once(event, listener)
  }

  /** Resets it with INTERNAL_ERROR. To close it would end the answer first, and half of one could be taken for a whole. */
  destroy(): void {
    this.#stream.destroy(new Error('cut off'))
  }

  resetAndDestroy(): void {
    this.destroy()
  }
}
