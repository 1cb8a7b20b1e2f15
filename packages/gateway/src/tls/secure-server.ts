import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import {
  createServer as createStreams,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { answer, methodNotAllowed, type OwnAnswer } from '../proxy/index.ts'
import type { Identity } from './identity.ts'
import type { Peer } from './peer.ts'
import { LARGEST_HEAD, streamHead, type StreamFlaw } from './stream-head.ts'
import { StreamLine } from './stream-line.ts'
import { StreamRequest } from './stream-request.ts'
import { StreamResponse } from './stream-response.ts'

/** Streams open at once on a session; the client is told, and more are refused before they are requests. */
export const MOST_STREAMS = 128
/** What a session may hold, in MB: 128 answers that nobody reads are 10. Above it new streams are refused. */
const MOST_MEMORY = 32
/** More than the 200 that may be passed on: what is above those gets an answer. */
const MOST_PAIRS = 600

/**
 * HTTP/1.1 and HTTP/2 behind TLS, on one port: whichever the client chooses (ALPN). HTTP/1.1 is that of node:https, with
 * everything there is to set and to hear; streams of HTTP/2 come out of the same events as requests, each with a connection
 * of its own ({@link StreamLine}).
 *
 * A flood of streams that are reset at once (CVE-2023-44487) costs little: those that are reset in the read they came
 * with are never begun, and nghttp2 ends a session that resets more than 1,000 at once, or 33 a second.
 */
export class SecureServer extends Server {
  readonly #streams: Http2Server
  /** All that is connected, what has not said hello included. */
  readonly #connections = new Set<Socket>()
  readonly #peers = new Map<Http2Session, Peer>()
  /** Connections of HTTP/1.1 on which nothing was asked yet. */
  readonly #silent = new Set<TLSSocket>()
  #before: ReadonlySet<TLSSocket> = new Set()
  #isClosing = false

  constructor(identity: Identity, options: ServerOptions, listener: RequestListener) {
    const { cert, key, minVersion } = identity
    super({ handshakeTimeout: 10_000, ...options, cert, key, minVersion, ALPNProtocols: ['h2', 'http/1.1'] }, listener)
    this.#streams = createStreams({
      settings: { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: LARGEST_HEAD },
      maxHeaderListPairs: MOST_PAIRS,
      maxSessionMemory: MOST_MEMORY,
    })
    this.#streams.on('session', (session) => this.#opened(session))
    this.#streams.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
        // Told by its closing.
        stream.on('error', () => {})
        // Those that are reset in the same read are gone when this runs.
        setImmediate(() => this.#begin(stream, headers, raw))
      },
    )
    const [speakHttp1] = this.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
    this.removeAllListeners('secureConnection')
    this.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') this.#streams.emit('connection', socket)
      else {
        this.#silent.add(socket)
        socket.once('close', () => this.#silent.delete(socket))
        speakHttp1!.call(this, socket)
      }
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
    this.#isClosing = true
    super.close(done)
    for (const { session } of this.#peers.values()) session.close()
    return this
  }

  /** Where it is closing, also those that have not asked anything since the last time. */
  override closeIdleConnections(): void {
    super.closeIdleConnections()
    for (const { session, open } of this.#peers.values()) if (this.#isClosing || open === 0) session.close()
    for (const socket of this.#silent) if (socket.bytesRead > 0) this.#silent.delete(socket)
    if (!this.#isClosing) return
    for (const socket of this.#before) if (this.#silent.has(socket)) socket.destroy()
    this.#before = new Set(this.#silent)
  }

  override closeAllConnections(): void {
    super.closeAllConnections()
    for (const { session } of this.#peers.values()) session.destroy()
    for (const socket of this.#connections) socket.destroy()
  }

  #opened(session: Http2Session): void {
    const peer: Peer = { session, address: session.socket.remoteAddress, open: 0 }
    this.#peers.set(session, peer)
    session.on('close', () => this.#peers.delete(session))
    // One that is idle is told to go; with streams on it, each of them has a time of its own.
    const look = (): void => {
      if (peer.open === 0) session.close()
      else session.setTimeout(this.keepAliveTimeout)
    }
    session.on('timeout', look)
    session.setTimeout(this.keepAliveTimeout)
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, all: readonly string[]): void {
    const peer = stream.session && this.#peers.get(stream.session)
    if (stream.destroyed || stream.closed || peer === undefined) return
    peer.open++
    stream.once('close', () => peer.open--)
    const line = new StreamLine(stream, peer)
    if (this.timeout > 0) stream.setTimeout(this.timeout, () => line.destroy())
    const asked = new StreamRequest(stream, streamHead(headers, all, !stream.endAfterHeaders), line)
    // They have all of what is touched of a request and a response of HTTP/1.1, although their types are others.
    const req = asked as unknown as IncomingMessage
    const res = new StreamResponse(stream, asked) as unknown as ServerResponse
    const { expect } = headers
    if (asked.flaw !== undefined) answer(req, res, FLAWS[asked.flaw])
    else if (asked.method === 'CONNECT') answer(req, res, methodNotAllowed('CONNECT'))
    else if (expect === undefined) this.emit('request', req, res)
    else if (expect.toLowerCase() === '100-continue') this.emit('checkContinue', req, res)
    else answer(req, res, UNEXPECTED)
  }
}

const FLAWS: Readonly<Record<StreamFlaw, OwnAnswer>> = {
  'no host': { status: 400, code: 'BAD_REQUEST', message: 'neither :authority nor host' },
  'two hosts': { status: 400, code: 'BAD_REQUEST', message: 'host and :authority are not the same' },
  'too large': { status: 431, code: 'HEADERS_TOO_LARGE', message: `headers of more than ${LARGEST_HEAD} bytes` },
}

const UNEXPECTED: OwnAnswer = {
  status: 417,
  code: 'EXPECTATION_FAILED',
  message: 'the only expectation understood is 100-continue',
}
