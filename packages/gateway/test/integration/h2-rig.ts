// Upstreams that speak HTTP/2: of Node's, and of bare frames; and one who asks a client for them.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { h2Upstream } from '../../src/proxy/h2-upstream.ts'
import type { RawUpstreamOptions } from '../../src/proxy/raw-upstream.ts'
import type { Upstream, UpstreamCall, UpstreamFailure, UpstreamRequest } from '../../src/proxy/index.ts'
import type { Scene } from './proxy-rig.ts'
import {
  DATA,
  END_STREAM,
  frame,
  frameReader,
  GOAWAY,
  head,
  HEADERS,
  PREFACE,
  SETTINGS,
  WINDOW_UPDATE,
  type Certificate,
  type Frame,
} from './tls-rig.ts'

export interface H2Server {
  readonly port: number
  /** All that were ever opened. */
  readonly sessions: readonly ServerHttp2Session[]
  readonly sockets: readonly Socket[]
  /** Streams open now, and the most there were at once on one session. */
  readonly open: number
  readonly most: number
}

/** A server of Node's: with prior knowledge, or behind TLS where there is a certificate. */
export async function h2Server(
  stage: Scene,
  serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  { settings = {}, shown }: { readonly settings?: Settings; readonly shown?: Certificate } = {},
): Promise<H2Server> {
  const server: Http2Server =
    shown === undefined
      ? createServer({ settings })
      : createSecureServer({ settings, cert: shown.ca, key: readFileSync(shown.key) })
  const sessions: ServerHttp2Session[] = []
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => void sockets.push(socket))
  let [open, most] = [0, 0]
  server.on('session', (session) => {
    session.on('error', () => {})
    sessions.push(session)
    let here = 0
    session.on('stream', (stream) => {
      open++
      most = Math.max(most, ++here)
      stream.on('close', () => {
        open--
        here--
      })
    })
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    serve(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.onEnd(async () => {
    for (const session of sessions) session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    sessions,
    sockets,
    get open() {
      return open
    },
    get most() {
      return most
    },
  }
}

/** One connection to an upstream of bare frames. */
export interface FramePeer {
  readonly socket: Socket
  readonly frames: readonly Frame[]
  send(...frames: readonly Buffer[]): void
}

/** An upstream that says what it is told to, after its settings. */
export async function frameUpstream(
  stage: Scene,
  heard: (frame: Frame, peer: FramePeer, nth: number) => void,
): Promise<number> {
  let nth = 0
  return await stage.rawUpstream((socket) => {
    const mine = nth++
    const frames: Frame[] = []
    const peer: FramePeer = { socket, frames, send: (...all) => void socket.write(Buffer.concat(all)) }
    // Windows of 1 MiB, for each stream and for all.
    peer.send(
      frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 16, 0, 0])),
      frame(WINDOW_UPDATE, 0, 0, Buffer.from([0, 16, 0, 0])),
    )
    const read = frameReader((each) => {
      frames.push(each)
      heard(each, peer, mine)
    })
    let left = PREFACE.length
    socket.on('data', (chunk: Buffer) => {
      const skip = Math.min(left, chunk.length)
      left -= skip
      if (chunk.length > skip) read(chunk.subarray(skip))
    })
  })
}

export function h2Client(
  stage: Scene,
  port: number,
  { shown, ...more }: Partial<RawUpstreamOptions> & { readonly shown?: Certificate } = {},
): Upstream {
  const origin = new URL(shown === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`)
  const timeouts = { connectTimeout: 2000, headersTimeout: 2000, bodyTimeout: 2000 }
  const upstream = h2Upstream({ origin, ...timeouts, ...(shown && { ca: shown.ca }), ...more })
  stage.onEnd(() => upstream.close())
  return upstream
}

/** What was told of an answer. */
export interface Told {
  status: number
  headers: readonly string[]
  body: Buffer
  failure: UpstreamFailure | undefined
}

export interface Asked {
  readonly call: UpstreamCall
  readonly told: Told
  readonly over: Promise<Told>
}

export function ask(upstream: Upstream, more: Partial<UpstreamRequest> = {}): Asked {
  const told: Told = { status: 0, headers: [], body: Buffer.alloc(0), failure: undefined }
  const chunks: Uint8Array[] = []
  let over: (told: Told) => void
  const done = new Promise<Told>((resolve) => (over = resolve))
  const end = (): void => {
    told.body = Buffer.concat(chunks)
    over(told)
  }
  const request = { method: 'GET', target: '/', headers: ['host', 'client.example'], body: undefined, ...more }
  const call = upstream.send(request, {
    head(status, _reason, headers) {
      Object.assign(told, { status, headers })
    },
    data: (chunk) => void chunks.push(chunk),
    end,
    failed(failure) {
      told.failure = failure
      end()
    },
  })
  return { call, told, over: done }
}

/** The first field of most answers. */
export const OK: readonly [string, string] = [':status', '200']

/** @param last the last stream that is served */
export function goaway(last: number, code = 0): Buffer {
  const payload = Buffer.alloc(8)
  payload.writeUInt32BE(last)
  payload.writeUInt32BE(code, 4)
  return frame(GOAWAY, 0, 0, payload)
}

/** A whole one. */
export const answer = (id: number, text = 'x'): Buffer =>
  Buffer.concat([head(id, 0, OK), frame(DATA, END_STREAM, id, Buffer.from(text))])
export const post = (text = 'abc'): { method: string; body: Readable } => ({
  method: 'POST',
  body: Readable.from([Buffer.from(text)]),
})
export const isRequest = ({ type }: Frame): boolean => type === HEADERS
export const isEnd = ({ type, flags }: Frame): boolean =>
  (type === DATA || type === HEADERS) && flags % 2 === END_STREAM
