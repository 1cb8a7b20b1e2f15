import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { protect as protectFetch } from '../../src/fetch/index.ts'
import { protect as protectHono } from '../../src/servers/hono.ts'
import type { Gate } from '../../src/index.ts'
import type { LawHandler, LawServer } from '../../src/testing/http-laws.ts'

/** A response whose body is written as the law says. */
function answering({ url }: Request, handle: LawHandler): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const encoder = new TextEncoder()
    const write = (part: string): void => {
      resolve(new Response(readable))
      writer.write(encoder.encode(part)).catch(() => undefined)
    }
    try {
      handle({
        target: new URL(url).pathname,
        write,
        end: (part) => {
          write(part)
          writer.close().catch(() => undefined)
        },
      })
    } catch (error) {
      // What has begun breaks off, as it does when a source fails.
      writer.abort(error).catch(() => undefined)
      reject(error)
    }
  })
}

async function serve(fetch: (request: Request, env: unknown) => Response | Promise<Response>): Promise<LawServer> {
  const server = createAdaptorServer({ fetch }) as Server
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close(): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

export function startHono(gate: Gate, handle: LawHandler): Promise<LawServer> {
  const app = new Hono()
  app.use(protectHono({ gate }))
  app.all('*', (c) => answering(c.req.raw, handle))
  app.onError((_error, c) => c.text('failed', 500))
  return serve((request, env) => app.fetch(request, env))
}

export function startFetch(gate: Gate, handle: LawHandler): Promise<LawServer> {
  return serve(protectFetch<[unknown]>((request) => answering(request, handle), { gate }))
}
