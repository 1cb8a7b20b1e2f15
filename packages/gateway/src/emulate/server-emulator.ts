import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SlowService, type SlowServiceOptions } from '../demo/slow-service.ts'
import { CONTROL } from './control.ts'

export interface ServerEmulatorOptions extends SlowServiceOptions {
  /** Default 0: any free one. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Bytes of every answer. Default 3. */
  readonly answerSize?: number
}

export interface ServerEmulator {
  readonly port: number
  close(): Promise<void>
}

/** An ordinary service: so many slots, so much time in each, an endless queue. Whatever is asked takes one slot. */
export async function startServerEmulator(options: ServerEmulatorOptions = {}): Promise<ServerEmulator> {
  const service = new SlowService(options)
  const answer = 'ok\n'.padEnd(options.answerSize ?? 3, '.').slice(0, options.answerSize ?? 3)
  const tally = { arrived: 0, served: 0, departed: 0 }
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    // Work nobody reads the question of still has to be taken off the wire.
    req.resume()
    if (req.url === `${CONTROL}state`) {
      const state = { ...tally, busy: service.busy, queued: service.queued }
      res.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(state)}\n`)
      return
    }
    tally.arrived++
    res.once('close', () => {
      if (!res.writableFinished) tally.departed++
    })
    service.take({
      get departed() {
        return res.destroyed
      },
      done: () => {
        if (res.destroyed) return
        tally.served++
        res.writeHead(200, { 'content-type': 'text/plain', 'content-length': answer.length }).end(answer)
      },
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, options.host ?? '127.0.0.1', () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
