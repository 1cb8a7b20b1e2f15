import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { checkNumber, systemClock, type Clock, type Millis, type Timer } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import { openPipelines, Visit } from '../http/index.ts'
import { silentConnections } from './node-connections.ts'
import { HalfSent } from './node-half-sent.ts'

/** Options of {@link drain}. */
export interface DrainOptions {
  /** How long what has been accepted may take to end, in ms; at least 0. Default 30,000. */
  readonly within?: Millis
  /** Called first: the place to let readiness fail, `() => ready.drain()`. Default: nothing. */
  readonly unready?: () => void
  /**
   * How long connections are still taken after that, in ms: load balancers need a probe or two to hear of it. Not part
   * of `within`. Default 0.
   */
  readonly notice?: Millis
  /** How many requests are open: for what is cut off. Default: those that passed a door of this package and are open. */
  readonly pending?: () => number
  /** Default: the system clock. */
  readonly clock?: Clock
}

/** What came of a drain. */
export interface Drained {
  /** Requests that had not ended in time: in progress, waiting, held back. 0 is a clean end. */
  readonly cutOff: number
}

/** How often connections that have become idle are looked for, in ms. */
const SWEEP: Millis = 50
/** How long the rest of a request head may stay away, in ms; the head as a whole has the server's `headersTimeout`. */
const STILL: Millis = 1000

/**
 * Ends a server without losing what it has accepted (requirement S1.10). Readiness fails first, then no new connections
 * are taken; answers carry `connection: close`, idle connections are closed, and whatever is in progress, waits or still
 * arrives on a connection that is open is served. What has not ended `within` is cut off and counted: those who wait get
 * the refusal of a closed gate, the connections of the others are closed.
 *
 * Called again for the same server it ends at once, for both callers.
 * @param gate closed at the end; `undefined` where there is none
 * @throws RangeError for an option out of range, naming it
 */
export function drain(server: Server, gate: Gate | undefined, options: DrainOptions = {}): Promise<Drained> {
  const known = drains.get(server)
  if (known !== undefined) {
    known.finish()
    return known.done
  }
  const fresh = new Drain(server, gate, options)
  drains.set(server, fresh)
  return fresh.done
}

const drains = new WeakMap<Server, Drain>()

class Drain {
  readonly done: Promise<Drained>
  readonly #server: Server
  readonly #gate: Gate | undefined
  readonly #pending: () => number
  readonly #clock: Clock
  readonly #within: Millis
  #timer: Timer | undefined
  #sweeper: Timer | undefined
  #resolve!: (drained: Drained) => void
  #over = false
  #silent: readonly Socket[] = []
  readonly #half = new HalfSent()
  /** The last answer of each connection, as far as is known. */
  readonly #last = new WeakMap<Socket, ServerResponse>()

  constructor(server: Server, gate: Gate | undefined, options: DrainOptions) {
    const { within = 30_000, notice = 0, unready, clock = systemClock } = options
    checkNumber('drain.within', within, 0)
    checkNumber('drain.notice', notice, 0)
    this.#server = server
    this.#gate = gate
    this.#within = within
    this.#clock = clock
    this.#pending = options.pending ?? ((): number => openAt(server).size)
    this.done = new Promise((resolve) => (this.#resolve = resolve))
    unready?.()
    if (notice === 0) this.#shut()
    else this.#timer = clock.after(notice, () => this.#shut())
  }

  /** Ends what is left now. */
  finish(): void {
    if (this.#over) return
    this.#ended(this.#pending())
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #shut(): void {
    const server = this.#server
    for (const response of openAt(server)) this.#letGo(response)
    const last = (_req: IncomingMessage, res: ServerResponse): void => this.#letGo(res)
    server.prependListener('request', last)
    // Not where nobody listens: node:http would then no longer say 100 by itself.
    if (server.listenerCount('checkContinue') > 0) server.prependListener('checkContinue', last)
    server.close(() => this.#ended(0))
    this.#timer = this.#clock.after(this.#within, () => this.finish())
    this.#sweep()
  }

  #sweep(): void {
    if (this.#over) return
    this.#server.closeIdleConnections()
    for (const socket of this.#silent) if (socket.bytesRead === 0) socket.destroy()
    const { headersTimeout } = this.#server
    const all = headersTimeout > 0 ? headersTimeout : Infinity
    this.#half.sweep(this.#server, { still: Math.min(STILL, all) / SWEEP, all: all / SWEEP })
    // Looked at again in the next sweep: what a new client sends is a moment behind its connection.
    this.#silent = silentConnections(this.#server)
    this.#sweeper = this.#clock.after(SWEEP, () => this.#sweep())
  }

  /** Its answer is the last on its connection, and says so unless its headers are out. */
  #letGo(res: ServerResponse): void {
    const { socket } = res.req
    const before = this.#last.get(socket)
    // Pipelined: with the answer before it, the connection would end and take this one along.
    if (before?.headersSent === false) before.shouldKeepAlive = true
    this.#last.set(socket, res)
    if (!res.headersSent) res.shouldKeepAlive = false
  }

  #ended(cutOff: number): void {
    if (this.#over) return
    this.#over = true
    // Whoever waits is told, and what he is told is on its way before the connections are gone.
    this.#gate?.close()
    this.#timer?.cancel()
    this.#sweeper?.cancel()
    this.#resolve({ cutOff })
  }
}

/** The responses of all requests that passed a door and are open on this server. */
function openAt(server: Server): ReadonlySet<ServerResponse> {
  const open = new Set<ServerResponse>()
  for (const pipeline of openPipelines()) {
    if ((pipeline.connection as { readonly server?: unknown }).server !== server) continue
    for (const visit of pipeline.visits()) if (visit instanceof Visit) open.add(visit.response as ServerResponse)
  }
  return open
}
