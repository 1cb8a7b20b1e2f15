import type { ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Millis } from 'sluice'

/** What node:http hangs on a connection: its parser while it speaks HTTP, and the response under way on it. */
interface HttpSocket extends TLSSocket {
  readonly parser?: object | null
  readonly _httpMessage?: ServerResponse | null
}

/** Sweeps in which nothing came of a connection, and all since the first. */
interface Seen {
  bytes: number
  still: number
  all: number
}

/** How often a server that is drained is swept, in ms. */
const SWEEP: Millis = 50
/** How long the rest of a head may stay away, in sweeps. */
const STILL = 20

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'

/**
 * Connections of HTTP/1.1 behind TLS that hold up a drain although nothing was asked on them: to node:http neither one
 * that never said a word nor one with half a head is idle, and `drain` of sluice/node sees only what is encrypted.
 */
export class Unasked {
  readonly #connections = new Map<HttpSocket, Seen>()

  add(socket: TLSSocket): void {
    // One that is read once more after an upgrade that is ignored comes as often as that.
    if (!this.#connections.has(socket)) socket.once('close', () => this.#connections.delete(socket))
    this.#connections.set(socket, { bytes: 0, still: -1, all: -1 })
  }

  /**
   * Ends those who have had their time. Counts sweeps, for after each of them what lay at the door has been read.
   * @param headersTimeout for a head as a whole; 0: as long as it likes
   */
  sweep(headersTimeout: Millis): void {
    const most = headersTimeout > 0 ? headersTimeout / SWEEP : Infinity
    for (const [socket, seen] of this.#connections) {
      const { bytesRead: bytes, destroyed, parser, _httpMessage: response } = socket
      if (destroyed || parser == null || response != null) {
        Object.assign(seen, { bytes, still: -1, all: -1 })
        continue
      }
      seen.still = bytes === seen.bytes ? seen.still + 1 : 0
      seen.bytes = bytes
      seen.all++
      if (bytes === 0 && seen.still > 0) socket.destroy()
      else if (bytes > 0 && (seen.still >= STILL || seen.all >= most)) {
        socket.write(TOO_LATE)
        socket.destroySoon()
      }
    }
  }
}
