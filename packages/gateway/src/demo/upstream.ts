import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemRandom } from 'sluice'
import type { ChildOrder } from './child-message.ts'
import { SlowService, type Job, type SlowServiceOptions } from './slow-service.ts'

export interface UpstreamOptions extends SlowServiceOptions {
  /** Loopback port. Default 0: any free one. */
  readonly port?: number
}

export interface Upstream {
  readonly port: number
  /** Slots in use, and requests waiting for one, those of departed clients included. */
  readonly load: { readonly busy: number; readonly queued: number }
  /** Is like that from now on, for what has not been begun. */
  change(order: ChildOrder): void
  close(): void
}

/** A {@link SlowService} behind HTTP on loopback. Every request costs one slot for its time. */
export async function upstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const service = new SlowService(options)
  let errors = 0
  const fails = (): boolean => errors > 0 && systemRandom() * 100 < errors
  const server = createServer((_req, res) => service.take(new Visit(res, fails)))
  // A gateway keeps its connections; closing them between two requests would only make noise.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    get load() {
      return { busy: service.busy, queued: service.queued }
    },
    change(order) {
      service.service = order.service
      errors = order.errors
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

class Visit implements Job {
  readonly #res: ServerResponse

  readonly #fails: () => boolean

  constructor(res: ServerResponse, fails: () => boolean) {
    this.#res = res
    this.#fails = fails
  }

  get departed(): boolean {
    return this.#res.destroyed
  }

  done(): void {
    if (this.departed) return
    const text = this.#fails() ? 'no\n' : 'ok\n'
    this.#res.writeHead(text === 'ok\n' ? 200 : 500, { 'content-type': 'text/plain', 'content-length': 3 }).end(text)
  }
}
