import { checkFunction } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import {
  Door,
  mostPerConnection,
  nodeBindings,
  presenceOf,
  targetOf,
  WebVisit,
  type DoorOptions,
  type PerConnection,
} from '../http/index.ts'
import type { Tally } from '../observe/index.ts'

/** A handler in the manner of fetch, with whatever else the runtime hands it: `env`, `ctx`, `info`, `server`. */
export type FetchHandler<Rest extends readonly unknown[] = []> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>

/**
 * Options of {@link protect}: those of every door, and how to find out who asks. `perConnection` is heeded under
 * @hono/node-server: elsewhere nobody says which connection a request came by.
 */
export interface ProtectOptions<Rest extends readonly unknown[] = []> extends DoorOptions<Request>, PerConnection {
  /**
   * The address at the other end of the connection: `(_, info) => info.remoteAddr.hostname` on Deno,
   * `(request, server) => server.requestIP(request)?.address` on Bun, the `cf-connecting-ip` header on Cloudflare.
   * Default: the socket's under @hono/node-server, else nobody knows, so nobody is believed.
   */
  readonly peer?: (request: Request, ...rest: Rest) => string | undefined
}

/** A fetch handler with a gate in front. */
export interface Protected<Rest extends readonly unknown[] = []> {
  (request: Request, ...rest: Rest): Promise<Response>
  /** The gate in front: its `stats`, and `close()` for draining. */
  readonly gate: Gate
  /** What came of the requests so far. `undefined` when a gate was given that decides. */
  readonly tally: Tally | undefined
}

/** Cloudflare ends a request that waits for another one to wake it, taking it for hung; there nobody waits. */
const mayWait = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent !== 'Cloudflare-Workers'

/**
 * Puts a gate in front of a fetch handler: `export default { fetch: protect(handler) }` on Bun, Deno, Cloudflare and
 * whatever else speaks fetch. Decided before the body is read.
 *
 * - The permit ends when the body of the response has ended, failed or been cancelled, or when `request.signal` says that
 *   the client left; a handler that throws ends it as `failure` and the error surfaces.
 * - On Cloudflare nobody waits: a request that finds no slot is refused at once.
 * - A refused request gets 503 (429 for a spent quota) with `retry-after` and a JSON body.
 * @throws RangeError for an option out of range, naming it
 */
export function protect<Rest extends readonly unknown[] = []>(
  handler: FetchHandler<Rest>,
  options: ProtectOptions<Rest> = {},
): Protected<Rest> {
  checkFunction('protect.handler', handler)
  const peerOf = options.peer ?? ((_request, ...rest) => nodeBindings(rest[0])?.incoming.socket.remoteAddress)
  const most = mostPerConnection(options)
  const peers = new WeakMap<Request, Rest>()
  const door = new Door<Request>(options, {
    method: ({ method }) => method,
    target: ({ url }) => targetOf(url),
    header: ({ headers }, name) => headers.get(name) ?? undefined,
    peer: (request) => peerOf(request, ...peers.get(request)!),
  })
  const guarded = async (request: Request, ...rest: Rest): Promise<Response> => {
    if (door.bypasses(request)) return handler(request, ...rest)
    peers.set(request, rest)
    const asked = door.arrivalOf(request)
    if (asked === undefined) return handler(request, ...rest)
    const arrival = mayWait ? asked : { ...asked, maxWait: 0 }
    const presence = presenceOf(request, rest[0])
    const serve = (): Response | Promise<Response> => handler(request, ...rest)
    return new WebVisit({ door, req: request, request, presence, most, serve }).enter(arrival)
  }
  return Object.assign(guarded, { gate: door.gate, tally: door.tally })
}
