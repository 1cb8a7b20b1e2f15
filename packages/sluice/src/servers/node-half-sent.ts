import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { openConnections } from './node-connections.ts'

/** Sweeps without another byte, or in all, after which the rest of a request head is not waited for any more. */
export interface HalfSentPatience {
  readonly still: number
  readonly all: number
}

/** What node:http hangs on a connection: its parser while it speaks HTTP, and the response under way on it. */
interface HttpSocket extends Socket {
  readonly parser?: object | null
  readonly _httpMessage?: ServerResponse | null
}

interface Seen {
  bytes: number
  still: number
  all: number
}

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'

/**
 * Ends connections on which the head of a request has begun and does not go on: once a server is closed, node:http looks
 * at its header timeout no more, and such a connection is not idle to it. Counts sweeps, not time: after each of them
 * what lay at the door has been read, however long the loop was busy.
 */
export class HalfSent {
  #seen = new Map<Socket, Seen>()

  sweep(server: object, patience: HalfSentPatience): void {
    const seen = new Map<Socket, Seen>()
    for (const socket of openConnections(server)) {
      if (!isHalfSent(socket)) continue
      const { bytesRead: bytes } = socket
      const before = this.#seen.get(socket) ?? { bytes, still: -1, all: -1 }
      const now = { bytes, still: before.bytes === bytes ? before.still + 1 : 0, all: before.all + 1 }
      if (now.still < patience.still && now.all < patience.all) seen.set(socket, now)
      else {
        socket.write(TOO_LATE)
        socket.destroySoon()
      }
    }
    this.#seen = seen
  }
}

/** Of a connection that is not idle: something has come, it speaks HTTP still, and no request of it is open. */
function isHalfSent({ bytesRead, destroyed, parser, _httpMessage: response }: HttpSocket): boolean {
  return bytesRead > 0 && !destroyed && parser != null && response == null
}
