import { createServer, type Server } from 'node:http'
import { PassThrough } from 'node:stream'
import Koa from 'koa'
import { protect } from '../../src/servers/koa.ts'
import type { Gate } from '../../src/index.ts'
import type { LawExchange, LawHandler, LawServer } from '../../src/testing/http-laws.ts'
import { listen } from './loopback.ts'

/** A server whose listener returns nothing, as node:http expects of one. */
export function serverOf(app: Koa): Server {
  const listener = app.callback()
  return createServer((req, res) => void listener(req, res))
}

export function start(gate: Gate, handle: LawHandler): Promise<LawServer> {
  const app = new Koa()
  app.silent = true
  app.use(protect({ gate }))
  // As Koa's users do: a text is awaited, and what comes in parts is a stream as the body.
  app.use(
    (ctx) =>
      new Promise<void>((resolve, reject) => {
        let stream: PassThrough | undefined
        const exchange: LawExchange = {
          target: ctx.originalUrl,
          write(part) {
            if (stream === undefined) {
              stream = new PassThrough()
              ctx.body = stream
              resolve()
            }
            stream.write(part)
          },
          end(part) {
            if (stream === undefined) ctx.body = part
            else stream.end(part)
            resolve()
          },
        }
        try {
          handle(exchange)
        } catch (error) {
          stream?.destroy(error as Error)
          reject(error)
        }
      }),
  )
  return listen(serverOf(app))
}
