import type { IncomingMessage, ServerResponse } from 'node:http'
import { visitOf, type Reader } from '../http/index.ts'
import { NodeEntrance, type NodeDoorOptions, type NodeProtection } from './node-entrance.ts'
import { protection } from './node-protection.ts'
import { nodeReader } from './node-reader.ts'

export { signalOf } from './node-signal.ts'
export type { NodeProtection } from './node-entrance.ts'

/** The slice of Koa's context the middleware touches. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
  /** False: Koa leaves the response alone. */
  respond?: boolean | undefined
}

/** Options of {@link protect}. */
export interface ProtectOptions<Ctx extends KoaContext = KoaContext> extends NodeDoorOptions<Ctx> {}

/** A middleware with a gate in it. */
export interface Protected<Ctx extends KoaContext = KoaContext> extends NodeProtection {
  (ctx: Ctx, next: () => Promise<unknown>): Promise<unknown>
}

const reader: Reader<KoaContext> = {
  method: ({ req }) => nodeReader.method(req),
  target: ({ originalUrl }) => originalUrl,
  header: ({ req }, name) => nodeReader.header(req, name),
  peer: ({ req }) => nodeReader.peer(req),
}

/**
 * A gate as a middleware of Koa: `app.use(protect())` before everything else, or in front of one route.
 *
 * The permit is held until the response is written out, which is after `await next()`: Koa writes when all middlewares
 * are through, and a stream as a body goes on for as long as it likes. What is thrown behind the gate is answered by Koa
 * as ever, and the status of that answer is the outcome. A refusal is written here, past Koa: middlewares further out go
 * on with its status, but cannot change it. The same where the client left before its turn.
 * @throws RangeError for an option out of range, naming it
 */
export function protect<Ctx extends KoaContext = KoaContext>(options: ProtectOptions<Ctx> = {}): Protected<Ctx> {
  const entrance = new NodeEntrance<Ctx>(options, reader)
  const middleware = (ctx: Ctx, next: () => Promise<unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      entrance.enter({
        ask: ctx,
        req: ctx.req,
        res: ctx.res,
        // Also what `next` throws at once belongs to Koa, not to whoever gave the slot.
        proceed: () =>
          void Promise.resolve()
            .then(next)
            .then(resolve, (error: unknown) => {
              // Koa ends no response that somebody has begun past it: nothing else would ever tell of its end.
              if (ctx.res.headersSent) visitOf(ctx.req)?.end('failure')
              reject(error)
            }),
        turnedAway() {
          ctx.respond = false
          resolve(undefined)
        },
      })
    })
  return protection(middleware, entrance)
}
