import {
  FREE,
  inThisContext,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Rejection,
} from '../ground/index.ts'
import type { Gate, GateCore, Verdict } from '../gate/index.ts'
import { Call, type CallOff } from './call.ts'
import { outcomeOf } from './outcome.ts'
import type { Paced, Pacer } from './pacer.ts'
import { Pipeline, pipelineOf, type Connection, type Piped } from './pipeline.ts'

const VISIT: unique symbol = Symbol('sluice.visit')

interface Carrier {
  [VISIT]?: Visit
}

/** Streams of HTTP/2 have nothing before or behind them, and each response tells of its own end. */
const APART: Connection = { on: () => undefined }

/** The slice of `http.IncomingMessage` a visit touches. */
export interface VisitRequest {
  readonly socket: Connection
  readonly httpVersionMajor?: number
  /** Of HTTP/2 alone. */
  readonly stream?: { on(event: 'close', listener: () => void): unknown }
  /** Of every stream of Node; read for nothing that is in it. */
  readonly _readableState?: object
}

/** The slice of `http.ServerResponse` a visit touches. */
export interface VisitResponse {
  readonly statusCode: number
  /** True once the handler has ended it. */
  readonly writableEnded: boolean
  /** True once all of it was handed to the connection. */
  readonly writableFinished: boolean
  /** The connection, until everything was written on it; a pipelined response has none before its turn either. */
  readonly socket: unknown
  /** What it was destroyed with. */
  readonly errored?: Error | null
  /** What it answers. */
  readonly req: object
  on(event: 'close', listener: (this: VisitResponse) => void): unknown
}

/** What a server does with the verdict. Made once for each protected server, not for each request. */
export interface Host<Req, Res, Task = undefined> {
  /** Who decides. */
  readonly gate: Gate
  /** Let in. What this throws surfaces as it would without a gate, and ends the visit as a `failure`. */
  admitted(visit: Visit<Req, Res, Task>): void
  /** Turned away, with the client still there. */
  refused(visit: Visit<Req, Res, Task>, rejection: Rejection): void
  /** Its client left before it was handed over. Default: nobody cares. */
  gone?(visit: Visit<Req, Res, Task>): void
  /** It was let in `timeout` ms ago and is not ended: the answer is up to the host. Must not throw. */
  late?(visit: Visit<Req, Res, Task>): void
  /** How long one may take once it was let in, in ms. Default: as long as it likes. */
  readonly timeout?: Millis | undefined
  /** How many requests of one connection are taken up at once. Default: all that come. */
  readonly most?: number
  /** Read only for requests that wait. */
  readonly clock: Clock
  /** True where it calls {@link Visit.closed} itself for each response written out on it. Default: a listener does. */
  tellsEnd?(connection: Connection): boolean
  /** Starts the work of those who are let in. Default: at once. */
  readonly pacer?: Pacer | undefined
}

/** Its connection has taken it up. */
const OPEN = 1
/** It hears when its response closes. */
const WATCHED = 2
/** Its permit has been given back, or it was turned away. */
const OVER = 4
/** The host has it. */
const BEGUN = 8
/** It waits at the gate. */
const WAITING = 16

/** The visit of a request, the innermost where it passes several gates; `undefined` where it passed none. */
export function visitOf(request: object): Visit | undefined {
  return carrierOf(request)[VISIT]
}

/**
 * What a visit is noted on. Express changes the prototype of every request, and from then on a new property of it costs far
 * more than it does elsewhere; one of a part of the request costs what it always does.
 */
function carrierOf(request: VisitRequest | object): Carrier {
  return (request as Partial<VisitRequest>)._readableState ?? request
}

/**
 * One request on its way through a gate, for servers in the manner of node:http. The permit ends on the first of:
 * the response is written out, the response closed, the connection closed, the time is up. Never when the request's own
 * stream closes: that is when its body has been read, long before the answer is out.
 */
export class Visit<Req = unknown, Res = unknown, Task = unknown> implements Piped, Paced {
  readonly request: Req & VisitRequest
  readonly response: Res & VisitResponse
  /** What the host wants to know of it. */
  readonly task: Task
  /** How long it waited, in ms; 0 when it was answered at once. */
  waited: Millis = 0
  before: Piped | undefined
  after: Piped | undefined
  readonly #host: Host<Req, Res, Task>
  // Kept, because a response loses its socket when it is finished, and so may a request.
  readonly #pipeline: Pipeline
  /** The visit of this request at a gate further out. */
  readonly #outer: Visit | undefined
  /** A set of {@link OPEN} and the others: a field less for each is felt by the garbage collector. */
  #state = 0
  #permit: Permit | undefined
  /** Where it waits, or the clock that ends it: never both. */
  #pending: { cancel(): void } | undefined
  #call: Call | undefined

  constructor(host: Host<Req, Res, Task>, request: Req & VisitRequest, response: Res & VisitResponse, task: Task) {
    this.#host = host
    this.task = task
    this.request = request
    this.response = response
    this.#pipeline = request.httpVersionMajor === 2 ? new Pipeline(APART) : pipelineOf(request.socket)
    if (host.tellsEnd?.(this.#pipeline.connection) === true) this.#state = WATCHED
    const carrier = carrierOf(request)
    this.#outer = carrier[VISIT]
    carrier[VISIT] = this
  }

  /** True once its permit has been given back, or it was turned away. */
  get over(): boolean {
    return (this.#state & OVER) !== 0
  }

  /**
   * Aborted when the client leaves and when the time is up. Made when first asked for; one for all gates the request
   * passes.
   */
  get signal(): AbortSignal {
    if (this.#outer !== undefined) return this.#outer.signal
    this.#call ??= new Call()
    return this.#call.signal
  }

  /**
   * Asks the gate. The host hears of the verdict before this returns or, after a wait, later.
   * @throws whatever the host throws when admitted at once, and RangeError for an arrival that makes no sense
   */
  enter(arrival: Arrival): void {
    const pipeline = this.#pipeline
    const { most = Infinity, clock } = this.#host
    pipeline.add(this)
    // Whoever passes a second gate has been taken up: holding it back would wait for itself.
    if (this.#outer !== undefined) return this.#ask(arrival)
    if (pipeline.takes(most)) {
      pipeline.open++
      this.#state |= OPEN
      return this.#ask(arrival)
    }
    const since = clock.now()
    this.#watch()
    pipeline.hold(() => this.#takenUp(arrival, since), most, clock)
    if (pipeline.connection.destroyed === true) this.left()
  }

  #takenUp(arrival: Arrival, since: Instant): void {
    if (this.over) return
    this.waited = this.#host.clock.now() - since
    this.#pipeline.open++
    this.#state |= OPEN
    this.#ask(arrival)
  }

  /** True where this gate has let it in already, here or at a door further out. */
  holds(core: GateCore): boolean {
    return (this.#permit !== undefined && this.#host.gate.core === core) || this.#outer?.holds(core) === true
  }

  #ask(arrival: Arrival): void {
    const { core } = this.#host.gate
    // It would wait for the slot it holds.
    if (this.#outer?.holds(core) === true) return this.#act(FREE)
    let entered
    try {
      // What `gate.enter` does, without the two functions it would take for each request.
      entered = core.enter(arrival, true)
    } catch (error) {
      this.#depart()
      throw error
    }
    if (entered.admitted !== undefined) return this.#act(entered)
    const asked = this.#host.clock.now()
    entered.answer = inThisContext((verdict: Verdict) => this.#answered(verdict, asked))
    this.#pending = entered
    this.#state |= WAITING
    if (this.#outer === undefined) this.#pipeline.waiting = true
    this.#watch()
    // Gone already: no event will say so any more.
    if (this.#pipeline.connection.destroyed === true) this.left()
  }

  #answered(verdict: Verdict, asked: Instant): void {
    const { clock } = this.#host
    this.#pending = undefined
    this.#state &= ~WAITING
    if (this.#outer === undefined) this.#pipeline.waiting = false
    this.waited += verdict.admitted ? verdict.waited : clock.now() - asked
    try {
      this.#act(verdict)
    } catch (error) {
      // This runs because somebody else released: the error must surface by itself, not in that other request.
      throwLater(clock, error)
    }
    this.#pipeline.advance()
  }

  #act(verdict: Verdict): void {
    const host = this.#host
    const gone = this.#pipeline.connection.destroyed === true
    if (!verdict.admitted) {
      try {
        if (verdict.code === 'cancelled' || gone) host.gone?.(this)
        else host.refused(this, verdict)
      } finally {
        this.#depart()
      }
      return
    }
    this.#permit = verdict
    // The client may be gone: one that leaves takes its waiters along, and the first slot it frees lets in the next
    // of them before that one hears of it.
    if (gone) return this.left()
    this.#watch()
    if (host.pacer === undefined) this.start(0)
    else host.pacer.start(this)
  }

  /** Hands it to the host, unless its client has left meanwhile. For the pacer. */
  start(waited: Millis): void {
    if (this.over) return
    const { timeout, clock } = this.#host
    this.waited += waited
    this.#state |= BEGUN
    if (timeout !== undefined) this.#pending = clock.after(timeout, () => this.#late(), { background: true })
    try {
      this.#host.admitted(this)
    } catch (error) {
      this.end('failure')
      throw error
    }
  }

  /** Gives the permit back. The first ending counts, later ones do nothing. */
  end(outcome: Outcome): void {
    const permit = this.#permit
    if (permit === undefined) return
    this.#permit = undefined
    this.#pending?.cancel()
    permit.release(outcome)
    this.#depart()
  }

  /** The client left, or its answer was destroyed: whatever waits stops waiting, whatever is held is given back. */
  left(): void {
    if (this.over) return
    if ((this.#state & WAITING) !== 0) return this.#pending!.cancel()
    const { errored, socket } = this.response
    this.#callOff('left')
    if ((this.#state & BEGUN) === 0) this.#host.gone?.(this)
    if (this.#permit === undefined) this.#depart()
    // Node 24 gives an error to those, too, whose client left before their turn.
    else this.end(errored && (socket || this.#pipeline.connection === APART) ? 'failure' : 'ignored')
  }

  #late(): void {
    // Its handler is done, and the client is slow to read the answer.
    if (this.response.writableEnded || this.over) return
    this.#host.late?.(this)
    this.#callOff('late')
    this.end('dropped')
  }

  /** Calls the work off, for every gate it passed. */
  #callOff(reason: CallOff): void {
    if (this.#outer !== undefined) return this.#outer.#callOff(reason)
    this.#call ??= new Call()
    this.#call.off(reason)
  }

  #watch(): void {
    if ((this.#state & WATCHED) !== 0) return
    this.#state |= WATCHED
    const stream = this.#pipeline.connection === APART ? this.request.stream : undefined
    // A response of HTTP/2 to HEAD whose stream is reset tells of nothing; its stream does, and after the response.
    if (stream !== undefined) stream.on('close', () => this.closed())
    else this.response.on('close', closed)
  }

  /** The response closed. @param written true where all of it was handed to a client who is there still */
  closed(written: boolean = isWritten(this.response)): void {
    if (this.#permit !== undefined && written) this.end(outcomeOf(this.response.statusCode))
    else this.left()
    this.#outer?.closed(written)
  }

  #depart(): void {
    if (this.over) return
    this.#state |= OVER
    const pipeline = this.#pipeline
    pipeline.remove(this)
    if ((this.#state & OPEN) === 0) return
    pipeline.open--
    pipeline.advance()
  }
}

/** One function for all of them: what it needs to know the response knows. */
function closed(this: VisitResponse): void {
  visitOf(this.req)?.closed()
}

/**
 * True for a response that was written out when it closed. 'finish' would say so too, but it comes just before 'close',
 * and a listener more costs as much as all the rest of a visit. Written out it has been parted from its connection; one
 * whose client left has not, or has something to write still.
 */
function isWritten(response: VisitResponse): boolean {
  const { socket } = response
  if (socket === null) return response.writableFinished
  // HTTP/2 calls a response finished that was reset before its end, and has no null.
  return socket === undefined && response.writableFinished && response.writableEnded
}
