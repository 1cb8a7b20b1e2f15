import type { Clock } from '../ground/index.ts'
import type { GateCore } from '../gate/index.ts'
import { unwatchDeparture, watchDeparture } from './departures.ts'
import { LOAD_FORMAT, loadFormatOf } from './load-metrics.ts'
import { pipelineOf, type Connection, type Leaver } from './pipeline.ts'
import { Place } from './place.ts'
import { visitOf } from './visit.ts'

/** Who wants to know how a visit ends for its client. */
export interface Watcher extends Leaver {
  /** The whole response is written out. */
  finished(status: number): void
}

/** The visit of a request at a door further out. */
export interface Outer {
  /** True where this gate has let it in. */
  holds(core: GateCore): boolean
}

/** Whether a client is still there, as its runtime tells it. */
export interface Presence {
  /** What it came with: the same for all doors it passes, where a framework makes another `Request` of it on its way. */
  readonly request: object
  /** True when it has left already: no event will say so any more. */
  readonly gone: boolean
  /** True where `finished` will be told; else the body of the response is the only witness of its end. */
  readonly tellsEnd: boolean
  /** True when a response has been begun past the one that is answered. Where nobody tells: false. */
  readonly begun: boolean
  /** True when all of the response has been made and only has to be read. Where nobody tells: false. */
  readonly written: boolean
  /** In which format the client asks for the load, where it does. */
  readonly loadFormat: string | undefined
  /** May be called again after `unwatch`. */
  watch(watcher: Watcher): void
  unwatch(watcher: Watcher): void
  /** Where it stands among those of its connection; `undefined` where nobody knows, or where it was taken up further out. */
  place(most: number, clock: Clock): Place | undefined
  /** Breaks off a response that has begun, so that the client sees that it is not whole. */
  cut(): void
}

/** A client seen through the `signal` of its request: Bun, Deno, Cloudflare. */
export class SignalPresence implements Presence {
  readonly tellsEnd = false
  readonly begun = false
  readonly written = false
  readonly request: Request
  readonly #signal: AbortSignal
  #left: (() => void) | undefined

  constructor(request: Request) {
    this.request = request
    this.#signal = request.signal
  }

  get gone(): boolean {
    return this.#signal.aborted
  }

  get loadFormat(): string | undefined {
    return this.request.headers.get(LOAD_FORMAT) ?? undefined
  }

  watch(watcher: Watcher): void {
    this.#left = () => watcher.left()
    this.#signal.addEventListener('abort', this.#left)
  }

  unwatch(): void {
    if (this.#left !== undefined) this.#signal.removeEventListener('abort', this.#left)
    this.#left = undefined
  }

  place(): undefined {
    // Connections are the runtime's own business.
  }

  cut(): void {
    // There is no way but through the body.
  }
}

const PLACED: unique symbol = Symbol('sluice.placed')

/** The slice of `http.IncomingMessage` that is watched. */
interface Incoming {
  /** True once it has its place. A property of it: a `WeakSet` would cost much more at every request. */
  [PLACED]?: true
  readonly httpVersionMajor?: number
  readonly rawHeaders?: readonly string[]
  /** Of HTTP/2 alone. */
  readonly stream?: { on(event: 'close', listener: () => void): unknown }
  readonly socket: Connection & { readonly remoteAddress?: string }
  on(event: 'aborted', listener: () => void): unknown
}

/** The slice of `http.ServerResponse` that is watched. */
interface Outgoing {
  readonly statusCode: number
  readonly headersSent: boolean
  readonly writableEnded: boolean
  on(event: 'finish' | 'close', listener: () => void): unknown
  destroy(): unknown
}

/** A client of node:http under somebody else's fetch handler: its connection and its response tell more than a signal. */
export class NodePresence implements Presence {
  readonly tellsEnd = true
  readonly request: Incoming
  readonly #response: Outgoing
  #watcher: Watcher | undefined
  #listening = false

  constructor(request: Incoming, response: Outgoing) {
    this.request = request
    this.#response = response
  }

  get gone(): boolean {
    return this.request.socket.destroyed === true
  }

  get begun(): boolean {
    return this.#response.headersSent
  }

  get written(): boolean {
    return this.#response.writableEnded
  }

  get loadFormat(): string | undefined {
    // The request of fetch would make a table of all headers first.
    return loadFormatOf(this.request.rawHeaders ?? [])
  }

  watch(watcher: Watcher): void {
    this.#watcher = watcher
    if (this.#hasConnection) watchDeparture(this.request.socket, watcher)
    if (this.#listening) return
    this.#listening = true
    const left = (): void => this.#watcher?.left()
    this.#response.on('finish', () => this.#watcher?.finished(this.#response.statusCode))
    this.#response.on('close', left)
    this.request.on('aborted', left)
    // What is reset before a HEAD was answered is told by its stream alone.
    if (!this.#hasConnection) this.request.stream?.on('close', left)
  }

  unwatch(watcher: Watcher): void {
    this.#watcher = undefined
    if (this.#hasConnection) unwatchDeparture(this.request.socket, watcher)
  }

  place(most: number, clock: Clock): Place | undefined {
    const request = this.request
    // Whoever passes a second gate has been taken up: holding it back would wait for itself.
    if (most === Infinity || !this.#hasConnection || request[PLACED] === true || visitOf(request) !== undefined)
      return undefined
    request[PLACED] = true
    return new Place(pipelineOf(request.socket), most, clock)
  }

  /**
   * False on HTTP/2, where what looks like the connection of one stream is that of all of them: the end of one would be
   * the end of the others. There each response tells of its own end.
   */
  get #hasConnection(): boolean {
    return this.request.httpVersionMajor !== 2
  }

  cut(): void {
    this.#response.destroy()
  }
}

/** The two halves of a request of node:http. */
export interface NodeBindings {
  readonly incoming: Incoming
  readonly outgoing: Outgoing
}

/** What @hono/node-server hands on beside each request, where it does. */
export function nodeBindings(env: unknown): NodeBindings | undefined {
  const bindings = env as Partial<NodeBindings> | null | undefined
  return typeof bindings?.incoming?.on === 'function' && typeof bindings.outgoing?.on === 'function'
    ? (bindings as NodeBindings)
    : undefined
}

/** The best witness there is. */
export function presenceOf(request: Request, env: unknown): Presence {
  const node = nodeBindings(env)
  return node === undefined ? new SignalPresence(request) : new NodePresence(node.incoming, node.outgoing)
}
