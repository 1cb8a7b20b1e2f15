import type { Gate } from '../gate/index.ts'
import {
  Door,
  mostPerConnection,
  nodeBindings,
  presenceOf,
  signalOfWeb,
  targetOf,
  WebVisit,
  type DoorOptions,
  type PerConnection,
} from '../http/index.ts'
import type { Tally } from '../observe/index.ts'

/** The slice of Hono's `Context` the door touches. */
export interface HonoContext {
  readonly req: { readonly raw: Request; readonly path: string }
  readonly env: unknown
  get res(): Response
  set res(response: Response | undefined)
}

/**
 * Options of {@link protect}: those of every door, and how to find out who asks. `perConnection` is heeded under
 * @hono/node-server: elsewhere nobody says which connection a request came by.
 */
export interface ProtectOptions<Context extends HonoContext = HonoContext> extends DoorOptions<Context>, PerConnection {
  /**
   * The address at the other end of the connection: `(c) => getConnInfo(c).remote.address` of the runtime's own
   * `conninfo`. Default: the socket's under @hono/node-server, else nobody knows, so nobody is believed.
   */
  readonly peer?: (context: Context) => string | undefined
}

/** A middleware with a gate in front of what follows. */
export interface Protected<Context extends HonoContext = HonoContext> {
  (context: Context, next: () => Promise<void>): Promise<Response | void>
  /** The gate in front: its `stats`, and `close()` for draining. */
  readonly gate: Gate
  /** What came of the requests so far. `undefined` when a gate was given that decides. */
  readonly tally: Tally | undefined
}

/**
 * Puts a gate in front of what follows: `app.use(protect())`. Decided before the body is read.
 *
 * `await next()` ends before a streamed body does; the permit does not: it ends when the response has been written out
 * or its body has ended, and at once when the client leaves. Under @hono/node-server the connection is watched itself,
 * since `c.req.raw.signal` speaks for the first of several pipelined requests only.
 * @throws RangeError for an option out of range, naming it
 */
export function protect<Context extends HonoContext = HonoContext>(
  options: ProtectOptions<Context> = {},
): Protected<Context> {
  const peerOf = options.peer ?? ((context) => nodeBindings(context.env)?.incoming.socket.remoteAddress)
  const most = mostPerConnection(options)
  const door = new Door<Context>(options, {
    method: ({ req }) => req.raw.method,
    target: ({ req }) => targetOf(req.raw.url),
    header: ({ req }, name) => req.raw.headers.get(name) ?? undefined,
    peer: peerOf,
  })
  const guarded = async (context: Context, next: () => Promise<void>): Promise<Response | void> => {
    if (door.bypasses(context)) return next()
    const request = context.req.raw
    const arrival = door.arrivalOf(context)
    if (arrival === undefined) return next()
    let served: Response | undefined
    const serve = async (): Promise<Response> => {
      await next()
      served = context.res
      return served
    }
    const presence = presenceOf(request, context.env)
    const visit = new WebVisit({ door, req: context, request, presence, most, serve })
    const response = await visit.enter(arrival)
    if (served === undefined) return response
    if (response === served) return
    // Taken away first: Hono would copy the headers of the one onto the other.
    context.res = undefined
    context.res = response
  }
  return Object.assign(guarded, { gate: door.gate, tally: door.tally })
}

/** The signal of the work on a request: aborted when its client leaves and when its `timeout` comes. */
export function signalOf(context: HonoContext): AbortSignal {
  return signalOfWeb(context.req.raw)
}
