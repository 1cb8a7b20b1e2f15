import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkFunction } from '../ground/index.ts'
import { NodeEntrance, type NodeDoorOptions, type NodeProtection } from './node-entrance.ts'
import { nodeReader } from './node-reader.ts'
import { protection } from './node-protection.ts'

export { drain, type Drained, type DrainOptions } from './node-drain.ts'
export { drainOnSignal, type DrainOnSignalOptions } from './node-shutdown.ts'
export { signalOf } from './node-signal.ts'
export type { NodeDoorOptions, NodeProtection } from './node-entrance.ts'

/** What `http.createServer` takes; an Express app is one too. A returned promise is watched for its rejection. */
export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => unknown

/** Options of {@link protect}. */
export interface ProtectOptions extends NodeDoorOptions<IncomingMessage> {}

/** A request listener with a gate in front. */
export interface Protected extends NodeProtection {
  (req: IncomingMessage, res: ServerResponse): void
  /**
   * For `server.on('checkContinue', guarded.checkContinue)`: a client that sent `expect: 100-continue` is told to go
   * on only once its request is admitted, and a refused one keeps its body. Without it node:http says 100 to
   * everybody before anybody decides.
   */
  readonly checkContinue: (req: IncomingMessage, res: ServerResponse) => void
}

/**
 * Puts a gate in front of a request handler: `createServer(protect(handler))`. Decided before the body is read.
 *
 * - An admitted request holds its permit until its response is written out or the client is gone. A handler that never
 *   ends the response holds it until the client leaves, or until the `timeout` where there is one.
 * - A client that leaves while its request waits stops waiting. One that leaves later ends its permit as `ignored`, and
 *   aborts {@link signalOf} the request.
 * - What the handler throws, or rejects with, ends the permit as `failure` and then surfaces as node:http would have
 *   it: an uncaught exception, an unhandled rejection.
 * - A refused request gets 503 (429 for a spent quota) with `retry-after` and a JSON body. Its own body is not read
 *   when it is larger than 64 KiB or of unknown length: the connection is closed instead.
 * - A handler over its `timeout` gets its request answered with 504; where the response had begun the connection is cut.
 *   Whatever the handler does to the response from then on does nothing.
 * - Work is started at once while the event loop is calm. Handlers that compute are started a few milliseconds' worth at
 *   a time, and in between the loop reads, refuses and accepts: so the limit sees what queues for the processor, too.
 * - A request that waited over 100 ms carries `x-queue-wait-time`, in seconds, on its response.
 * @throws RangeError for an option out of range, naming it
 */
export function protect(handler: RequestHandler, options: ProtectOptions = {}): Protected {
  checkFunction('protect.handler', handler)
  const entrance = new NodeEntrance<IncomingMessage>(options, nodeReader)
  const guarded = (req: IncomingMessage, res: ServerResponse): void =>
    entrance.enter({ ask: req, req, res, proceed: handler })
  const checkContinue = (req: IncomingMessage, res: ServerResponse): void =>
    entrance.enter({ ask: req, req, res, proceed: handler, expectsContinue: true })
  return protection(Object.assign(guarded, { checkContinue }), entrance)
}
