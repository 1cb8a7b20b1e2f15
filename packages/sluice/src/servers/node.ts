import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemClock, type Arrival, type Clock, type Rejection } from '../ground/index.ts'
import { limiter, type Gate } from '../gate/index.ts'
import { isHealthPath, Pacer, Visit, waitHeaders, type BodyFormat, type Host } from '../http/index.ts'
import { tally, type Tally } from '../observe/index.ts'
import { nodeEventLoop } from './node-event-loop.ts'
import { writeRefusal } from './node-refusal.ts'

/** What `http.createServer` takes; an Express app is one too. A returned promise is watched for its rejection. */
export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => unknown

/** Options of {@link protect}. */
export interface ProtectOptions {
  /** Who decides. Default: `limiter({ name: 'http' })`, which finds its limit by itself. */
  readonly gate?: Gate
  /**
   * True for requests that never meet the gate. Called once for each request, before its body is read.
   * Default: `/health`, `/health/*`, `/healthz`, `/live`, `/livez`, `/ready`, `/readyz`, `/metrics`, `/metrics/*`.
   */
  readonly bypass?: (req: IncomingMessage) => boolean
  /**
   * What the request asks for: flow, priority, cost, deadline, patience. Default: an ordinary arrival.
   * What it throws surfaces like an error of the handler, with nothing taken.
   */
  readonly arrival?: (req: IncomingMessage) => Arrival
  /**
   * How a refusal is written: `envelope` is `{"success":false,"error":{"code","message","retry_after"}}`, `problem`
   * is RFC 9457. A request whose `accept` names `application/problem+json` always gets that. Default `envelope`.
   */
  readonly body?: BodyFormat
  /** Times the wait of requests that are refused after waiting, and the end of refusals. Default: the system clock. */
  readonly clock?: Clock
}

/** A request listener with a gate in front. */
export interface Protected {
  (req: IncomingMessage, res: ServerResponse): void
  /** The gate in front: its `stats`, and `close()` for draining. */
  readonly gate: Gate
  /** What came of the requests so far. `undefined` when the gate was given: then its maker chose its observer. */
  readonly tally: Tally | undefined
  /**
   * For `server.on('checkContinue', guarded.checkContinue)`: a client that sent `expect: 100-continue` is told to go
   * on only once its request is admitted, and a refused one keeps its body. Without it node:http says 100 to
   * everybody before anybody decides.
   */
  readonly checkContinue: (req: IncomingMessage, res: ServerResponse) => void
}

type NodeVisit = Visit<IncomingMessage, ServerResponse>

const ORDINARY_ARRIVAL: Arrival = {}

/**
 * Puts a gate in front of a request handler: `createServer(protect(handler))`. Decided before the body is read.
 *
 * - An admitted request holds its permit until its response is written out or the client is gone. A handler that never
 *   ends the response holds it until the client leaves.
 * - A client that leaves while its request waits stops waiting. One that leaves later ends its permit as `ignored`.
 * - What the handler throws, or rejects with, ends the permit as `failure` and then surfaces as node:http would have
 *   it: an uncaught exception, an unhandled rejection.
 * - A refused request gets 503 (429 for a spent quota) with `retry-after` and a JSON body. Its own body is not read
 *   when it is larger than 64 KiB or of unknown length: the connection is closed instead.
 * - Work is started at once while the event loop is calm. Handlers that compute are started a few milliseconds' worth at
 *   a time, and in between the loop reads, refuses and accepts: so the limit sees what queues for the processor, too.
 * - A request that waited over 100 ms carries `x-queue-wait-time`, in seconds, on its response.
 */
export function protect(handler: RequestHandler, options: ProtectOptions = {}): Protected {
  const counts = options.gate === undefined ? tally() : undefined
  const gate = options.gate ?? limiter({ name: 'http', ...(counts && { observer: counts }) })
  const bypass = options.bypass ?? ((req: IncomingMessage): boolean => isHealthPath(req.url ?? ''))
  const arrivalOf = options.arrival
  const clock = options.clock ?? systemClock
  const pacer = pacerOf(clock)
  const ordinary = new NodeHost(handler, options, { clock, pacer, expectsContinue: false })
  const expecting = new NodeHost(handler, options, { clock, pacer, expectsContinue: true })

  function enter(host: NodeHost, req: IncomingMessage, res: ServerResponse): void {
    new Visit<IncomingMessage, ServerResponse>(host, req, res).enter(gate, arrivalOf?.(req) ?? ORDINARY_ARRIVAL)
  }

  function guarded(req: IncomingMessage, res: ServerResponse): void {
    if (bypass(req)) handler(req, res)
    else enter(ordinary, req, res)
  }

  function checkContinue(req: IncomingMessage, res: ServerResponse): void {
    if (bypass(req)) {
      res.writeContinue()
      handler(req, res)
    } else enter(expecting, req, res)
  }

  return Object.assign(guarded, { gate, tally: counts, checkContinue })
}

interface HostParts {
  readonly clock: Clock
  readonly pacer: Pacer
  readonly expectsContinue: boolean
}

class NodeHost implements Host<IncomingMessage, ServerResponse> {
  readonly clock: Clock
  readonly pacer: Pacer
  readonly #handler: RequestHandler
  readonly #format: BodyFormat
  readonly #expectsContinue: boolean

  constructor(handler: RequestHandler, options: ProtectOptions, { clock, pacer, expectsContinue }: HostParts) {
    this.clock = clock
    this.pacer = pacer
    this.#handler = handler
    this.#format = options.body ?? 'envelope'
    this.#expectsContinue = expectsContinue
  }

  admitted(visit: NodeVisit): void {
    const { request, response } = visit
    const headers = waitHeaders(visit.waited)
    if (headers !== undefined) for (const [name, value] of headers) response.setHeader(name, value)
    if (this.#expectsContinue) response.writeContinue()
    const result = this.#handler(request, response)
    if (isThenable(result)) {
      // Without a second handler the derived promise rejects with the same reason: still unhandled, as it should be.
      void result.then(undefined, (error: unknown) => {
        visit.end('failure')
        throw error
      })
    }
  }

  refused(visit: NodeVisit, rejection: Rejection): void {
    writeRefusal(visit.request, visit.response, rejection, {
      format: this.#format,
      waited: visit.waited,
      unsentBody: this.#expectsContinue,
      clock: this.clock,
    })
  }
}

// Whatever is protected on this thread shares its loop: two pacers would each start work in the same turn.
const pacers = new WeakMap<Clock, Pacer>()

function pacerOf(clock: Clock): Pacer {
  let pacer = pacers.get(clock)
  if (pacer === undefined) {
    pacer = new Pacer(nodeEventLoop, clock)
    pacers.set(clock, pacer)
  }
  return pacer
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
