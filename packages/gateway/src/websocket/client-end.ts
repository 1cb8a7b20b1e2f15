import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** The client's end of a WebSocket, over whichever version of HTTP it came. */
export interface ClientEnd {
  /** What the upstream is asked with. @param headers the client's, names and values in turn */
  asking(headers: readonly string[]): string[]
  /**
   * Tells the client that it is open.
   * @param kept the headers of the upstream's answer that are for it
   * @returns false where the upstream has not understood what it was asked; then the client is told nothing
   */
  accept(res: ServerResponse, answer: IncomingMessage, kept: readonly string[]): boolean
  /** What its frames come and go on. */
  readonly duplex: Duplex
  /** So many bytes went out to it. */
  sent(bytes: number): void
  /** Ends it, once all that was said before is out. */
  finish(): void
}

const UPGRADE = ['connection', 'Upgrade', 'upgrade', 'websocket']

/** Over HTTP/1.1: the handshakes of both sides are one (RFC 6455). */
export function http1End(socket: Socket): ClientEnd {
  // Until it is open a half-close is leaving, as it is with any request; node:http looks after that no longer.
  const left = (): void => void socket.destroy()
  socket.once('end', left)
  return {
    asking: (headers) => [...headers, ...UPGRADE],
    accept(res, _answer, kept) {
      socket.off('end', left)
      res.writeHead(101, [...kept, ...UPGRADE])
      res.flushHeaders()
      return true
    },
    duplex: socket,
    sent() {},
    finish: () => socket.destroySoon(),
  }
}

/** What every server hashes the key with (RFC 6455 §1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Over a stream of HTTP/2 (RFC 8441), where the answer is a 200 and there are no keys: the one that the upstream needs is
 * made here, and so it is here that its answer is checked.
 * @param line counts what moves
 */
export function streamEnd(stream: ServerHttp2Stream, line: { bytesWritten: number }): ClientEnd {
  const key = randomBytes(16).toString('base64')
  const expected = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  return {
    asking: (headers) => [...without(headers, 'sec-websocket-key'), ...UPGRADE, 'sec-websocket-key', key],
    accept(res, { headers }, kept) {
      if (headers['sec-websocket-accept'] !== expected) return false
      res.writeHead(200, without(kept, 'sec-websocket-accept'))
      res.flushHeaders()
      // As long as it likes, as over HTTP/1.1: an idle WebSocket is no slow answer.
      stream.setTimeout(0)
      return true
    },
    duplex: stream,
    sent: (bytes) => void (line.bytesWritten += bytes),
    finish: () => stream.close(constants.NGHTTP2_NO_ERROR),
  }
}

/** Names and values in turn, without one name. */
function without(headers: readonly string[], name: string): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)]!.toLowerCase() !== name)
}
