import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { systemClock, type Clock, type Millis, type Timer } from 'sluice'

export interface PaceOptions {
  /** Bytes that must move in `over`, in the direction in which the client is what is waited for. At least 1. Default 1,000. */
  readonly least?: number
  /** In ms, to within a second. At least 1,000. Default 10,000. */
  readonly over?: Millis
  /** True while somebody has to wait, or is turned away, for want of a place that a slow reader has. */
  readonly crowded: () => boolean
  /** Default: the system's. */
  readonly clock?: Clock
}

/** How often it is looked, in ms. */
const LOOK: Millis = 1000

/** A connection, and what had moved on it when its present stretch of time began. */
interface Watched {
  req: IncomingMessage | undefined
  /** Looks since the body, and since the answer, was last waited for by others than the client. */
  body: number
  answer: number
  read: number
  sent: number
}

/**
 * Closes connections of clients who keep others waiting by being slow: a body that comes in at less than 100 bytes a second
 * (whatever else happens), an answer that is read at less than that (while others want the place it holds; else a reader
 * may take its time). Time in which the gateway or the upstream is what holds the body back does not count. The idea, and
 * the order of magnitude, are those of Kestrel's `MinRequestBodyDataRate`.
 */
export function keepPace(server: Server, options: PaceOptions): void {
  const { least = 1000, over = 10_000, crowded, clock = systemClock } = options
  const looks = Math.ceil(over / LOOK)
  const all = new Map<Socket, Watched>()
  let timer: Timer | undefined

  function look(): void {
    timer = undefined
    const isCrowded = crowded()
    for (const [socket, watched] of all)
      if (isSlowBody(socket, watched) || isSlowReader(socket, watched, isCrowded)) socket.destroy()
    arm()
  }

  function arm(): void {
    if (all.size > 0) timer ??= clock.after(LOOK, look, { background: true })
  }

  function isSlowBody(socket: Socket, watched: Watched): boolean {
    const { req } = watched
    // A body nobody asks for yet, or that nobody has room for, is not late.
    const isDue = req !== undefined && !req.complete && req.readableFlowing === true && req.readableLength === 0
    const moved = socket.bytesRead - watched.read
    if (isDue && moved < least) return ++watched.body >= looks
    watched.body = 0
    watched.read = socket.bytesRead
    return false
  }

  function isSlowReader(socket: Socket, watched: Watched, isCrowded: boolean): boolean {
    const sent = socket.bytesWritten - socket.writableLength
    if (isCrowded && socket.writableLength > 0 && sent - watched.sent < least) return ++watched.answer >= looks
    watched.answer = 0
    watched.sent = sent
    return false
  }

  function asked(req: IncomingMessage): void {
    const watched = all.get(req.socket)
    if (watched !== undefined) watched.req = req
  }

  server.on('connection', (socket: Socket) => {
    all.set(socket, { req: undefined, body: 0, answer: 0, read: 0, sent: 0 })
    socket.once('close', () => all.delete(socket))
    arm()
  })
  server.prependListener('request', asked)
  server.prependListener('checkContinue', asked)
}
