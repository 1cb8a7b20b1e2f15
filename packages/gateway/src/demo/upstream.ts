import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SlowService, type Job, type SlowServiceOptions } from './slow-service.ts'

export interface UpstreamOptions extends SlowServiceOptions {
  /** Loopback port. Default 0: any free one. */
  readonly port?: number
}

export interface Upstream {
  readonly port: number
  /** Slots in use, and requests waiting for one, those of departed clients included. */
  readonly load: { readonly busy: number; readonly queued: number }
  close(): void
}

/** A {@link SlowService} behind HTTP on loopback. Every request costs one slot for its time. */
export async function upstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const service = new SlowService(options)
  const server = createServer((_req, res) => service.take(new Visit(res)))
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
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

class Visit implements Job {
  readonly #res: ServerResponse

  constructor(res: ServerResponse) {
    this.#res = res
  }

  get departed(): boolean {
    return this.#res.destroyed
  }

  done(): void {
    if (!this.departed) this.#res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 3 }).end('ok\n')
  }
}
