import {
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Rejection,
} from '../ground/index.ts'
import type { Gate, Verdict } from '../gate/index.ts'
import { unwatchDeparture, watchDeparture, type Connection, type Leaver } from './departures.ts'
import { outcomeOf } from './outcome.ts'
import type { Paced, Pacer } from './pacer.ts'

/** The slice of `http.IncomingMessage` a visit touches. */
export interface VisitRequest {
  readonly socket: Connection
  on(event: 'aborted', listener: () => void): unknown
}

/** The slice of `http.ServerResponse` a visit touches. */
export interface VisitResponse {
  readonly statusCode: number
  on(event: 'finish' | 'close', listener: () => void): unknown
}

/** What an adapter does with the verdict. Made once for each protected server, not for each request. */
export interface Host<Req, Res> {
  /** Let in. What this throws surfaces as it would without a gate, and ends the visit as a `failure`. */
  admitted(visit: Visit<Req, Res>): void
  /** Turned away, with the client still there. */
  refused(visit: Visit<Req, Res>, rejection: Rejection): void
  /** Read only for requests that wait. */
  readonly clock: Clock
  /** Starts the work of those who are let in. Default: at once. */
  readonly pacer?: Pacer
}

/**
 * One request on its way through a gate, for servers in the manner of node:http. The permit ends on the first of:
 * the response is written out, the response closed, the request aborted, the connection closed. Never when the
 * request's own stream closes: that is when its body has been read, long before the answer is out.
 */
export class Visit<Req = unknown, Res = unknown> implements Leaver, Paced {
  readonly request: Req & VisitRequest
  readonly response: Res & VisitResponse
  /** How long it waited, in ms; 0 when it was answered at once. */
  waited: Millis = 0
  readonly #host: Host<Req, Res>
  readonly #connection: Connection
  #verdict: Verdict | undefined
  #asking = false
  #waiting: { cancel(): void } | undefined
  #since: Instant = 0
  #permit: Permit | undefined
  #watched = false

  constructor(host: Host<Req, Res>, request: Req & VisitRequest, response: Res & VisitResponse) {
    this.#host = host
    this.request = request
    this.response = response
    // Kept, because a response loses its socket when it is finished, and so may a request.
    this.#connection = request.socket
  }

  /**
   * Asks the gate. The host hears of the verdict before this returns or, after a wait, later.
   * @throws whatever the host throws when admitted at once, and RangeError for an arrival that makes no sense
   */
  enter(gate: Gate, arrival: Arrival): void {
    this.#asking = true
    const waiting = gate.enter(arrival, this.#answer)
    this.#asking = false
    const verdict = this.#verdict
    // Acted upon out here, so that an error of the handler meets node:http, not the gate.
    if (verdict !== undefined) {
      this.#verdict = undefined
      return this.#act(verdict)
    }
    this.#waiting = waiting
    // Gone already: no event will say so any more.
    if (this.#connection.destroyed === true) return this.left()
    this.#since = this.#host.clock.now()
    this.#watch()
  }

  readonly #answer = (verdict: Verdict): void => {
    if (this.#asking) {
      this.#verdict = verdict
      return
    }
    this.#waiting = undefined
    this.waited = verdict.admitted ? verdict.waited : this.#host.clock.now() - this.#since
    try {
      this.#act(verdict)
    } catch (error) {
      // This runs because somebody else released: the error must surface by itself, not in that other request.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #act(verdict: Verdict): void {
    if (!verdict.admitted) {
      if (this.#watched) this.#unwatch()
      if (verdict.code !== 'cancelled' && this.#connection.destroyed !== true) this.#host.refused(this, verdict)
      return
    }
    this.#permit = verdict
    // The client may be gone: one that leaves takes its waiters along, and the first slot it frees lets in the next
    // of them before that one hears of it.
    if (this.#connection.destroyed === true) return this.end('ignored')
    if (!this.#watched) this.#watch()
    const { pacer } = this.#host
    if (pacer === undefined) this.start(0)
    else pacer.start(this)
  }

  /** Hands it to the host, unless its client has left meanwhile. For the pacer. */
  start(waited: Millis): void {
    if (this.#permit === undefined) return
    this.waited += waited
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
    this.#unwatch()
    permit.release(outcome)
  }

  /** The client left: whatever waits stops waiting, whatever is held is given back. */
  left(): void {
    if (this.#waiting === undefined) this.end('ignored')
    else this.#waiting.cancel()
  }

  #watch(): void {
    this.#watched = true
    const left = (): void => this.left()
    this.response.on('finish', () => this.end(outcomeOf(this.response.statusCode)))
    this.response.on('close', left)
    this.request.on('aborted', left)
    watchDeparture(this.#connection, this)
  }

  #unwatch(): void {
    unwatchDeparture(this.#connection, this)
  }
}
