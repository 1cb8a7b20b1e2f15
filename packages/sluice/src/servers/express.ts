import type { IncomingMessage, ServerResponse } from 'node:http'
import { NodeEntrance, type NodeDoorOptions, type NodeProtection } from './node-entrance.ts'
import { protection } from './node-protection.ts'
import { nodeReader } from './node-reader.ts'

export { signalOf } from './node-signal.ts'
export type { NodeProtection } from './node-entrance.ts'

/** The slice of Express's request the middleware touches. */
export interface ExpressRequest extends IncomingMessage {
  /** The target as it came: `url` lacks what a router was mounted below. */
  readonly originalUrl: string
}

/** Options of {@link protect}. */
export interface ProtectOptions<Req extends ExpressRequest = ExpressRequest> extends NodeDoorOptions<Req> {}

/** A middleware with a gate in it. */
export interface Protected<Req extends ExpressRequest = ExpressRequest> extends NodeProtection {
  (req: Req, res: ServerResponse, next: (error?: unknown) => void): void
}

/**
 * A gate as a middleware of Express 5 or 4: `app.use(protect())` before everything else, or with a gate of its own in
 * front of one route: `app.get('/report', protect({ limit: 5 }), report)`.
 *
 * The permit is held until the response is written out or the client is gone, whatever the handlers behind do: what they
 * throw, reject with or pass to `next` is answered by Express as ever, and the status of that answer is the outcome. A
 * refusal is written here and does not go to error handlers; what `classify`, `key` and their like throw does.
 * @throws RangeError for an option out of range, naming it
 */
export function protect<Req extends ExpressRequest = ExpressRequest>(
  options: ProtectOptions<Req> = {},
): Protected<Req> {
  const entrance = new NodeEntrance<Req>(options, nodeReader)
  const middleware = (req: Req, res: ServerResponse, next: (error?: unknown) => void): void =>
    entrance.enter({ ask: req, req, res, proceed: () => next() })
  return protection(middleware, entrance)
}
