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
  /** It was answered with something else: whatever it sends is for nobody. */
  refused(): void
  /** What its frames come and go on. */
  readonly duplex: Duplex
  /** So many bytes went out to it. */
  sent(bytes: number): void
  /** Ends it, once all that was said before is out. */
  finish(): void
}

const UPGRADE = ['connection', 'Upgrade', 'upgrade', 'websocket']

/** Frames of a client that does not wait until it is open, as it must (RFC 6455 §4.1): so much is kept, in bytes. */
const MOST_EARLY = 65_536

/** Over HTTP/1.1: the handshakes of both sides are one (RFC 6455). */
export function http1End(socket: Socket): ClientEnd {
  const early: Buffer[] = []
  let size = 0
  // Until it is open a half-close is leaving, as it is with any request; node:http looks after that no longer.
  const left = (): void => void socket.destroy()
  // Read and kept: behind what is not read nobody sees that it has left.
  const came = (chunk: Buffer): void => {
    early.push(chunk)
    size += chunk.length
    if (size > MOST_EARLY) left()
  }
  socket.once('end', left).on('data', came)
  return {
    asking: (headers) => [...headers, ...UPGRADE],
    accept(res, _answer, kept) {
      socket.off('end', left).off('data', came).pause()
      if (size > 0) socket.unshift(Buffer.concat(early))
      res.writeHead(101, [...kept, ...UPGRADE])
      res.flushHeaders()
      return true
    },
    // Unread they would reset the connection, and the answer with it.
    refused: () => void socket.off('data', came).resume(),
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
    refused() {},
    duplex: stream,
    sent: (bytes) => void (line.bytesWritten += bytes),
    finish: () => stream.close(constants.NGHTTP2_NO_ERROR),
  }
}

/** Names and values in turn, without one name. */
function without(headers: readonly string[], name: string): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)]!.toLowerCase() !== name)
}
