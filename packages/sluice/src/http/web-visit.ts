import { FREE, isRejection, Rejection, type Arrival, type Outcome, type Permit, type Timer } from '../ground/index.ts'
import type { GateCore, Verdict } from '../gate/index.ts'
import type { Door } from './door.ts'
import { LOAD_METRICS } from './load-metrics.ts'
import { outcomeOf } from './outcome.ts'
import type { Place } from './place.ts'
import type { Outer, Presence, Watcher } from './presence.ts'
import type { RefusedResponse } from './refuse.ts'
import { visitOf } from './visit.ts'
import { waitHeaders } from './wait-time.ts'

const VISIT: unique symbol = Symbol('sluice.visit')

interface Marked {
  /** The innermost, where it passes several gates. */
  [VISIT]?: Outer
}

const controllers = new WeakMap<object, AbortController>()
/** Why the work on a request is no longer wanted: for whoever asks for its signal late. */
const over = new WeakMap<object, DOMException>()

/**
 * The signal of the work on a request: aborted when its client leaves and when its `timeout` comes. Made when first
 * asked for.
 */
export function signalOfWeb(request: Request): AbortSignal {
  let controller = controllers.get(request)
  if (controller === undefined) {
    controller = new AbortController()
    controllers.set(request, controller)
    if (over.has(request)) controller.abort(over.get(request))
  }
  return controller.signal
}

/** Statuses whose responses have no body, not even an empty one: `Response` throws. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** A refusal, or whatever else stands in for the answer of a handler. */
function webResponse({ status, headers, body }: RefusedResponse, method: string): Response {
  return new Response(method === 'HEAD' || BODILESS.has(status) ? null : body, { status, headers })
}

/** What a visit is made of. */
export interface WebVisitParts<Req> {
  readonly door: Door<Req>
  /** The request as the door knows it. */
  readonly req: Req
  readonly request: Request
  readonly presence: Presence
  /** How many requests of one connection are taken up at once. */
  readonly most: number
  /** Does the work. */
  readonly serve: () => Response | Promise<Response>
}

/**
 * One request on its way through a gate, for servers in the manner of fetch. The permit ends when the response has been
 * written out or, where nobody tells, when its body has been read to its end, failed or was cancelled; never as soon as
 * the handler has returned. And at once when the client leaves.
 */
export class WebVisit<Req> implements Watcher {
  readonly #parts: WebVisitParts<Req>
  /** The visit of this request at a gate further out. */
  readonly #outer: Outer | undefined
  /** Among the requests of its connection, where that is known … */
  #place: Place | undefined
  /** … and what is to be done when its client leaves before its turn has come. */
  #giveUp: (() => void) | undefined
  /** How long it was held back, in ms. */
  #held = 0
  #waiting: { cancel(): void } | undefined
  #permit: Permit | undefined
  #timer: Timer | undefined
  #begun = false
  /** The body on its way to the client, once there is one. */
  #sink: ReadableStreamDefaultController<Uint8Array> | undefined
  #source: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor(parts: WebVisitParts<Req>) {
    this.#parts = parts
    const request: Marked = parts.presence.request
    this.#outer = request[VISIT] ?? visitOf(request)
    request[VISIT] = this
  }

  /**
   * Asks the gate, and serves the request once it is let in; under pressure it may be answered before that.
   * @throws whatever the handler throws, and RangeError for an arrival that makes no sense
   */
  async enter(arrival: Arrival): Promise<Response> {
    const { door, req, presence, most } = this.#parts
    const instead = door.insteadOf(req)
    if (instead !== undefined)
      return isRejection(instead) ? this.#refusal(instead, 0) : this.#told(this.#own(instead), 0)
    this.#place = presence.place(most, door.clock)
    const asked = door.clock.now()
    const verdict = await (this.#place === undefined ? this.#ask(arrival) : this.#askInTurn(arrival, this.#place))
    if (!verdict.admitted) {
      this.#place?.leave()
      return verdict.code === 'cancelled' ? nobody() : this.#refusal(verdict, door.clock.now() - asked)
    }
    this.#permit = verdict
    // The client may be gone: one that leaves takes its waiters along, and the first slot it frees lets in the next of
    // them before that one hears of it.
    if (presence.gone) {
      this.left()
      return nobody()
    }
    presence.watch(this)
    const waited = verdict.waited + this.#held
    return door.timeout === undefined ? this.#serve(waited) : this.#serveWithin(door.timeout, waited)
  }

  left(): void {
    this.#giveUp?.()
    this.#waiting?.cancel()
    if (this.#permit !== undefined) this.#stop(new DOMException('the client left', 'AbortError'), 'ignored')
  }

  finished(status: number): void {
    this.#end(outcomeOf(status))
  }

  /** True where this gate has let it in already, here or at a door further out. */
  holds(core: GateCore): boolean {
    return (this.#permit !== undefined && this.#parts.door.gate.core === core) || this.#outer?.holds(core) === true
  }

  #askInTurn(arrival: Arrival, place: Place): Promise<Verdict> {
    const { door, presence } = this.#parts
    const since = door.clock.now()
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        this.#giveUp = undefined
        presence.unwatch(this)
      }
      // Asks the gate within its turn: whoever is next is taken up only if this one need not wait.
      const begin = (): void => {
        if (this.#giveUp !== undefined) forget()
        this.#held = door.clock.now() - since
        try {
          resolve(this.#ask(arrival))
        } catch (error) {
          place.leave()
          reject(error)
        }
      }
      if (place.take(begin)) return
      this.#giveUp = () => {
        forget()
        resolve(new Rejection('cancelled', door.gate.name, 1, 0))
      }
      presence.watch(this)
      if (presence.gone) this.left()
    })
  }

  /** Answers at once where the gate does: most requests do not wait. */
  #ask(arrival: Arrival): Verdict | Promise<Verdict> {
    const { door, presence } = this.#parts
    // It would wait for the slot it holds.
    if (this.#outer?.holds(door.gate.core) === true) return FREE
    let atOnce: Verdict | undefined
    let later: ((verdict: Verdict) => void) | undefined
    const waiting = door.gate.enter(arrival, (verdict) => {
      if (later === undefined) atOnce = verdict
      else later(verdict)
    })
    if (waiting === undefined) return atOnce!
    return new Promise((resolve) => {
      later = (verdict) => {
        this.#waiting = undefined
        this.#place?.waits(false)
        presence.unwatch(this)
        resolve(verdict)
      }
      this.#waiting = waiting
      this.#place?.waits(true)
      if (presence.gone) waiting.cancel()
      else presence.watch(this)
    })
  }

  #refusal(rejection: Rejection, waited: number): Response {
    const { door, req, presence } = this.#parts
    const response = this.#own(door.refusal(req, rejection))
    // Elsewhere connections are the runtime's own business.
    if (rejection.code === 'closed' && presence.tellsEnd) response.headers.set('connection', 'close')
    return this.#told(response, waited)
  }

  async #serve(waited: number): Promise<Response> {
    try {
      return this.#answer(await this.#parts.serve(), waited)
    } catch (error) {
      this.#end('failure')
      throw error
    }
  }

  /** @throws TypeError for what is no response, and for one whose body somebody else reads */
  #answer(response: Response, waited: number): Response {
    const { presence, request } = this.#parts
    // It was answered already, or nobody is there to be.
    if (this.#permit === undefined) {
      void abandon(response)
      return response
    }
    this.#begun = true
    if (presence.tellsEnd) return this.#told(response, waited)
    // Nothing follows, or nothing that could be watched: a HEAD, a 204, a switch of protocols.
    if (response.status === 101) return this.#endWith(response)
    if (response.body === null || request.method === 'HEAD') return this.#endWith(this.#told(response, waited))
    return this.#told(this.#watched(response, response.body), waited)
  }

  #serveWithin(timeout: number, waited: number): Promise<Response> {
    const { door, presence } = this.#parts
    return new Promise((resolve, reject) => {
      this.#timer = door.clock.after(timeout, () => {
        // Its handler is done, and the client is slow to read the answer.
        if (presence.written) return
        this.#stop(new DOMException('the handler took too long', 'TimeoutError'), 'dropped')
        resolve(this.#refusal(new Rejection('deadline', door.gate.name, timeout, timeout), waited))
      })
      this.#serve(waited).then(resolve, reject)
    })
  }

  #own(answer: RefusedResponse): Response {
    return webResponse(answer, this.#parts.request.method)
  }

  /** With the headers that tell how long it waited, where that is worth telling, and the load, where somebody asks. */
  #told(response: Response, waited: number): Response {
    const { door, presence } = this.#parts
    const wait = waitHeaders(waited)
    const load = door.load(presence.loadFormat)
    if (presence.begun || (wait === undefined && load === undefined)) return response
    // What comes from elsewhere, `fetch` for instance, cannot be changed.
    const own = new Response(response.body, response)
    for (const [name, value] of wait ?? []) own.headers.set(name, value)
    if (load !== undefined && !own.headers.has(LOAD_METRICS)) own.headers.set(LOAD_METRICS, load)
    return own
  }

  #endWith(response: Response): Response {
    this.#end(outcomeOf(response.status))
    return response
  }

  #watched(response: Response, body: ReadableStream<Uint8Array>): Response {
    const source = body.getReader()
    this.#source = source
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (sink) => void (this.#sink = sink),
        pull: async (sink) => {
          try {
            const { done, value } = await source.read()
            if (!done) return sink.enqueue(value)
            this.finished(response.status)
            sink.close()
          } catch (error) {
            this.#end('failure')
            sink.error(error)
          }
        },
        cancel: (reason) => {
          this.left()
          return source.cancel(reason)
        },
      },
      // Nothing is read ahead of the client.
      { highWaterMark: 0 },
    )
    return new Response(stream, response)
  }

  /** The work is no longer wanted. A body that has begun breaks off, which says that it is not whole. */
  #stop(reason: DOMException, outcome: Outcome): void {
    const { request, presence } = this.#parts
    over.set(request, reason)
    this.#end(outcome)
    controllers.get(request)?.abort(reason)
    if (!this.#begun) return
    if (reason.name === 'TimeoutError') presence.cut()
    this.#sink?.error(reason)
    void this.#source?.cancel(reason).catch(() => undefined)
  }

  #end(outcome: Outcome): void {
    const permit = this.#permit
    if (permit === undefined) return
    this.#permit = undefined
    this.#timer?.cancel()
    this.#place?.leave()
    this.#parts.presence.unwatch(this)
    permit.release(outcome)
  }
}

/** Whatever makes the body may stop. One that was read elsewhere may not even be shown. */
async function abandon(response: Response): Promise<void> {
  try {
    await response.body?.cancel()
  } catch {
    // Somebody else has it.
  }
}

/** What a client that has left is answered, since a fetch handler must answer. */
function nobody(): Response {
  return new Response(null, { status: 499 })
}

/** Path and query of a URL, without parsing all of it. */
export function targetOf(url: string): string {
  const authority = url.indexOf('//') + 2
  const path = url.indexOf('/', authority)
  return path === -1 ? '/' : url.slice(path)
}
