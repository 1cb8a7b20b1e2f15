// Certificates made when they are needed, a gateway behind TLS, and clients of HTTP/2: one of Node's and one of bare frames.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as speak, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import { connect as plain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as secure, type TLSSocket } from 'node:tls'
import { startGateway, type Gateway } from '../../src/gateway.ts'
import { planOf } from './config-rig.ts'
import type { Scene } from './proxy-rig.ts'

/** Why tests with certificates are left out, if they are. */
export const noOpenssl: string | false =
  spawnSync('openssl', ['version']).status !== 0 && 'no openssl here (apt-get install openssl): no certificate'

/** A certificate for localhost that vouches for itself. */
export interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
  /** Of the first, the text. */
  readonly ca: string
}

/** Makes one in a folder that goes with the stage, or over another one. */
export function certificate(stage: Scene, over?: Certificate): Certificate {
  const folder = over === undefined ? mkdtempSync(join(tmpdir(), 'sluice-tls-')) : undefined
  if (folder !== undefined) stage.onEnd(() => rmSync(folder, { recursive: true }))
  const [cert, key] = over === undefined ? [join(folder!, 'cert.pem'), join(folder!, 'key.pem')] : [over.cert, over.key]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const made = spawnSync('openssl', [...make, '-keyout', key, '-out', cert, ...subject])
  assert.equal(made.status, 0, String(made.stderr))
  return { cert, key, ca: readFileSync(cert, 'utf8') }
}

/** What a file says of a gateway behind TLS on free ports of loopback. */
export function listenTls({ cert, key }: Certificate, more = ''): string {
  return `listen: { host: 127.0.0.1, port: 0, adminPort: 0, tls: { cert: "${cert}", key: "${key}" }${more} }\n`
}

/** The same for one that speaks HTTP/2 without TLS, too. */
export const LISTEN_H2C = 'listen: { host: 127.0.0.1, port: 0, adminPort: 0, h2c: true }\n'

export async function plainGateway(stage: Scene, text: string): Promise<Gateway> {
  const gateway = await startGateway({ config: planOf(LISTEN_H2C + text) })
  stage.onEnd(() => gateway.close())
  return gateway
}

export async function secureGateway(stage: Scene, shown: Certificate, text: string): Promise<Gateway> {
  const gateway = await startGateway({ config: planOf(listenTls(shown) + text) })
  stage.onEnd(() => gateway.close())
  return gateway
}

/** A session of HTTP/2. */
export async function session(stage: Scene, port: number, { ca }: Certificate): Promise<ClientHttp2Session> {
  // A client that has much to send would else have no room to hear of the answer.
  const opened = speak(`https://localhost:${port}`, { ca, maxSessionMemory: 100 })
  opened.on('error', () => {})
  stage.onEnd(() => opened.destroy())
  await once(opened, 'connect')
  return opened
}

/** A connection that speaks HTTP/1.1 behind TLS, and what has come on it. */
export async function line(
  stage: Scene,
  port: number,
  { ca }: Certificate,
): Promise<{ socket: TLSSocket; text(): string }> {
  const socket = secure({ host: 'localhost', port, ca, ALPNProtocols: ['http/1.1'] })
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
  stage.onEnd(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return { socket, text: () => text }
}

export interface StreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
  /** With which the stream was closed; 0 where that was no error. */
  readonly code: number
}

/** Asks, with a body where there is one, and hears the answer to its end. */
export function askStream(
  on: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body?: Uint8Array,
): Promise<StreamAnswer> {
  const stream = on.request({ ':path': '/', ...headers }, { endStream: body === undefined })
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let told: Readonly<Record<string, unknown>> = {}
    stream.on('response', (got) => (told = got))
    stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
    stream.on('error', (error) => (told[':status'] === undefined ? reject(error) : undefined))
    stream.on('close', () =>
      resolve({
        status: Number(told[':status']),
        headers: told,
        body: Buffer.concat(chunks),
        code: stream.rstCode,
      }),
    )
    if (body !== undefined) stream.end(body)
  })
}

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

/** What a connection of HTTP/2 begins with. */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const DATA = 0
export const HEADERS = 1
export const RST = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const END_STREAM = 1
const END_HEADERS = 4
export const CONTINUATION = 9
/** As long as a frame may be without asking, in bytes. */
const FRAME = 16_384

/** A client that sends frames as they are, also such as no honest one would. */
export interface FrameClient {
  readonly socket: Socket
  readonly frames: readonly Frame[]
  readonly closed: boolean
  send(...frames: readonly Buffer[]): void
}

/** @param shown left out: without TLS */
export async function frames(stage: Scene, port: number, shown?: Certificate): Promise<FrameClient> {
  const socket =
    shown === undefined
      ? plain({ host: '127.0.0.1', port })
      : secure({ host: 'localhost', port, ca: shown.ca, ALPNProtocols: ['h2'] })
  // What is sent arrives then, not with the answer to what was sent before.
  socket.setNoDelay(true)
  socket.on('error', () => {})
  stage.onEnd(() => void socket.destroy())
  await once(socket, shown === undefined ? 'connect' : 'secureConnect')
  const heard: Frame[] = []
  let closed = false
  socket.on('close', () => (closed = true))
  socket.on(
    'data',
    frameReader((each) => heard.push(each)),
  )
  const send = (...all: readonly Buffer[]): void => void socket.write(Buffer.concat(all))
  send(PREFACE, frame(SETTINGS, 0, 0))
  return {
    socket,
    frames: heard,
    get closed() {
      return closed
    },
    send,
  }
}

/** Takes bytes, wherever they were cut into pieces, and tells of frames. */
export function frameReader(heard: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      const [type, flags, id] = [rest[3]!, rest[4]!, rest.readUInt32BE(5)]
      heard({ type, flags, id, payload: rest.subarray(9, end) })
      rest = rest.subarray(end)
    }
  }
}

export function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, payload])
}

/** A head, each field literal and not indexed (RFC 7541 §6.2.2). */
export function head(id: number, flags: number, ...fields: readonly (readonly [string, string])[]): Buffer {
  const block = fields.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)]))
  const whole = Buffer.concat(block)
  const first = frame(HEADERS, flags | (whole.length > FRAME ? 0 : END_HEADERS), id, whole.subarray(0, FRAME))
  return whole.length > FRAME
    ? Buffer.concat([first, frame(CONTINUATION, END_HEADERS, id, whole.subarray(FRAME))])
    : first
}

export const PSEUDO: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'localhost'],
]

export function reset(id: number, code = 8): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(code)
  return frame(RST, 0, id, payload)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length = [127]
  let left = bytes.length - 127
  for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128)
  return Buffer.concat([Buffer.from([...length, left]), bytes])
}
