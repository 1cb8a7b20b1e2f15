import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { systemClock, type Clock, type Millis, type Timer } from 'sluice'
import { isGrpc } from './grpc.ts'

/** How fast a body must move, in the direction in which the client is what is waited for. */
export interface Pace {
  /** So much must move in `over`, or within a second of it. 0: nothing need. */
  readonly bytes: number
  /** In ms, to within a second. At least 1,000. */
  readonly over: Millis
}

export interface PaceOptions {
  /** Asked each second: it may change. */
  readonly pace: () => Pace
  /** True while somebody has to wait, or is turned away, for want of a place that a slow reader has. */
  readonly crowded: () => boolean
  /** Default: the system's. */
  readonly clock?: Clock
}

/** How often it is looked, in ms. */
const LOOK: Millis = 1000
/**
 * How much longer the reader of a stream of HTTP/2 may take: what it has taken shows only when all that was handed over at
 * once is gone.
 */
const LONGER = 6

/** A connection, and what had moved on it when its present stretch of time began. */
interface Watched {
  req: IncomingMessage | undefined
  res: ServerResponse | undefined
  /** Looks since the body, and since the answer, was last waited for by others than the client. */
  body: number
  answer: number
  read: number
  sent: number
}

/**
 * Closes connections of clients who keep others waiting by being slow: a body that comes in slower than is asked for
 * (whatever else happens), an answer that is read slower than that (while others want the place it holds; else a reader
 * may take its time). Time in which the gateway or the upstream is what holds the body back does not count. The idea, and
 * the order of magnitude, are those of Kestrel's `MinRequestBodyDataRate`.
 */
export function keepPace(server: Server, options: PaceOptions): void {
  const { pace, crowded, clock = systemClock } = options
  const all = new Map<Socket, Watched>()
  let timer: Timer | undefined

  function look(): void {
    timer = undefined
    const isCrowded = crowded()
    const { bytes, over } = pace()
    const looks = Math.ceil(over / LOOK)
    for (const [socket, watched] of all) {
      const most = watched.req?.httpVersionMajor === 2 ? LONGER * looks : looks
      const isLate = noteBody(socket, watched, bytes) >= looks || noteAnswer(socket, watched, bytes, isCrowded) >= most
      if (isLate) socket.destroy()
    }
    arm()
  }

  function arm(): void {
    if (all.size > 0) timer ??= clock.after(LOOK, look, { background: true })
  }

  /** @returns for how many looks the body has been late */
  function noteBody(socket: Socket, watched: Watched, least: number): number {
    const { req, res } = watched
    // A body nobody asks for yet, or that nobody has room for, is not late. A call of gRPC that is being answered is a
    // conversation: either side may be the one that is waited for.
    const isDue =
      req !== undefined &&
      !req.complete &&
      req.readableFlowing === true &&
      req.readableLength === 0 &&
      !(res?.headersSent === true && isGrpc(req))
    const moved = socket.bytesRead - watched.read
    if (isDue && moved < least) return ++watched.body
    watched.body = 0
    watched.read = socket.bytesRead
    return 0
  }

  function noteAnswer(socket: Socket, watched: Watched, least: number, isCrowded: boolean): number {
    const sent = socket.bytesWritten - socket.writableLength
    if (isCrowded && socket.writableLength > 0 && sent - watched.sent < least) return ++watched.answer
    watched.answer = 0
    watched.sent = sent
    return 0
  }

  function asked(req: IncomingMessage, res: ServerResponse): void {
    const watched = all.get(req.socket)
    if (watched !== undefined) {
      watched.req = req
      watched.res = res
    }
    // A stream of HTTP/2 is a connection of its own, and comes with its request.
    else if (req.httpVersionMajor === 2) watch(req.socket, req, res)
  }

  function watch(socket: Socket, req?: IncomingMessage, res?: ServerResponse): void {
    // One that is read once more (see `listenForUpgrades`) comes as often as that.
    if (!all.has(socket)) socket.once('close', () => all.delete(socket))
    all.set(socket, { req, res, body: 0, answer: 0, read: 0, sent: 0 })
    arm()
  }

  // Where there is TLS requests come by the connection within it.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => watch(socket))
  server.prependListener('request', asked)
  server.prependListener('checkContinue', asked)
  // WebSockets over HTTP/2: those over HTTP/1.1 are their connections.
  server.prependListener('websocket', asked)
}
