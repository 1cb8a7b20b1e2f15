import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import {
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Millis } from 'sluice'
import { answer, methodNotAllowed, type OwnAnswer } from '../proxy/index.ts'
import type { Peer } from './peer.ts'
import { LARGEST_HEAD, streamHead, type StreamFlaw } from './stream-head.ts'
import { StreamLine } from './stream-line.ts'
import { keepTrailers, StreamRequest } from './stream-request.ts'
import { StreamResponse } from './stream-response.ts'

/** Streams open at once on a session; the client is told, and more are refused before they are requests. */
export const MOST_STREAMS = 128
/** What a session may hold, in MB: 128 answers that nobody reads are 10. Above it new streams are refused. */
const MOST_MEMORY = 32
/** How long nothing may come of a session with streams on it, in ms; then it is pinged, and has as long again. */
const SILENCE: Millis = 15_000
/** How long, once the server is closing, those are waited for who have not said enough to be served, in ms. */
export const STILL: Millis = 1000
/** More than the 200 that may be passed on: what is above those gets an answer. */
const MOST_PAIRS = 600

/**
 * HTTP/2 on connections that are known to speak it. Streams come out of the events of a server of HTTP/1.1, `request` and
 * `checkContinue`, each with a connection of its own ({@link StreamLine}); those that ask for a WebSocket (RFC 8441) out
 * of `websocket`, as the GET they would be over HTTP/1.1, with the stream itself.
 *
 * A flood of streams that are reset at once (CVE-2023-44487) costs little: those that are reset in the read they came
 * with are never begun, and nghttp2 ends a session that resets more than 1,000 at once, or 33 a second.
 */
export class StreamPort {
  readonly #server: Server
  readonly #streams: Http2Server
  readonly #peers = new Map<Http2Session, Peer>()
  readonly #silence: Millis
  #timer: NodeJS.Timeout | undefined
  #isClosing = false
  #taken: Socket | undefined

  /** @param silence how long nothing may come of a session before it is asked for a sign of life */
  constructor(server: Server, silence: Millis = SILENCE) {
    this.#server = server
    this.#silence = silence
    this.#streams = createServer({
      settings: { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: LARGEST_HEAD, enableConnectProtocol: true },
      maxHeaderListPairs: MOST_PAIRS,
      maxSessionMemory: MOST_MEMORY,
    })
    this.#streams.on('session', (session) => this.#opened(session, this.#taken!))
    this.#streams.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
        // Told by its closing.
        stream.on('error', () => {})
        keepTrailers(stream)
        // Those that are reset in the same read are gone when this runs.
        setImmediate(() => this.#begin(stream, headers, raw))
      },
    )
  }

  /** Speaks HTTP/2 on a connection; what was read of it already is put back before. */
  take(socket: Socket): void {
    // Whoever ends a connection of HTTP/2 has left; servers of HTTP/1.1 leave the other half open.
    socket.allowHalfOpen = false
    // Told of before this returns: what a session itself has of its connection is gone when it is over.
    this.#taken = socket
    this.#streams.emit('connection', socket)
  }

  /** Tells clients to go: no stream that begins later is served. */
  close(): void {
    this.#isClosing = true
    this.closeIdle()
    // node:http2 ends its side, and waits for theirs.
    setTimeout(() => {
      for (const { socket, hasBegun } of this.#peers.values()) if (!hasBegun) socket.destroy()
    }, STILL).unref()
  }

  /** Tells those without streams to go; once it is closing everybody, for some may have come after that. */
  closeIdle(): void {
    for (const { session, open } of this.#peers.values()) if (this.#isClosing || open === 0) session.close()
  }

  cut(): void {
    for (const { session } of this.#peers.values()) session.destroy()
  }

  #opened(session: Http2Session, socket: Socket): void {
    const { encrypted = false } = session
    const peer: Peer = { session, socket, encrypted, hasBegun: false, open: 0, read: 0, isAsked: false }
    this.#peers.set(session, peer)
    this.#timer ??= setInterval(() => this.#listen(), this.#silence).unref()
    session.on('close', () => this.#closed(session))
    // One that is idle is told to go; with streams on it, each of them has a time of its own.
    const look = (): void => {
      if (peer.open === 0) session.close()
      else session.setTimeout(this.#server.keepAliveTimeout)
    }
    session.on('timeout', look)
    session.setTimeout(this.#server.keepAliveTimeout)
  }

  #closed(session: Http2Session): void {
    this.#peers.delete(session)
    if (this.#peers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * After some faults of the client's nghttp2 says GOAWAY and reads no more, and node:http2 tells of neither that nor of
   * the end of the connection: what is on its streams would keep its slots.
   */
  #listen(): void {
    for (const peer of this.#peers.values()) {
      const { session, socket } = peer
      if (session.destroyed) continue
      const read = socket.bytesRead
      if (peer.open === 0 || read !== peer.read) {
        peer.read = read
        peer.isAsked = false
      } else if (peer.isAsked) session.destroy()
      else peer.isAsked = session.ping(() => {})
    }
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, all: readonly string[]): void {
    const server = this.#server
    const peer = stream.session && this.#peers.get(stream.session)
    if (stream.destroyed || stream.closed || peer === undefined) return
    peer.open++
    peer.hasBegun = true
    stream.once('close', () => peer.open--)
    const line = new StreamLine(server, stream, peer)
    if (server.timeout > 0) stream.setTimeout(server.timeout, () => line.destroy())
    const asked = new StreamRequest(stream, streamHead(headers, all, !stream.endAfterHeaders), line)
    // They have all of what is touched of a request and a response of HTTP/1.1, although their types are others.
    const req = asked as unknown as IncomingMessage
    const res = new StreamResponse(stream, asked) as unknown as ServerResponse
    const { expect } = headers
    if (asked.flaw !== undefined) answer(req, res, FLAWS[asked.flaw])
    else if (asked.tunnels) server.emit('websocket', req, res, stream)
    else if (asked.method === 'CONNECT') answer(req, res, methodNotAllowed('CONNECT'))
    else if (expect === undefined) server.emit('request', req, res)
    else if (expect.toLowerCase() === '100-continue') server.emit('checkContinue', req, res)
    else answer(req, res, UNEXPECTED)
  }
}

const FLAWS: Readonly<Record<StreamFlaw, OwnAnswer>> = {
  'no host': { status: 400, code: 'BAD_REQUEST', message: 'neither :authority nor host' },
  'two hosts': { status: 400, code: 'BAD_REQUEST', message: 'host and :authority are not the same' },
  'too large': { status: 431, code: 'HEADERS_TOO_LARGE', message: `headers of more than ${LARGEST_HEAD} bytes` },
  'no websocket': { status: 501, code: 'NOT_IMPLEMENTED', message: 'the only :protocol understood is websocket' },
  'a body': { status: 400, code: 'BAD_REQUEST', message: 'a WebSocket begins with neither a body nor its end' },
}

const UNEXPECTED: OwnAnswer = {
  status: 417,
  code: 'EXPECTATION_FAILED',
  message: 'the only expectation understood is 100-continue',
}
