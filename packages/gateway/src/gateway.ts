import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tally, type Gate, type Millis, type Tally } from 'sluice'
import { drain, protect, type Drained } from 'sluice/node'
import { admin, type Phase } from './admin/index.ts'
import { gateOf, plan, type Plan } from './config/index.ts'
import { proxy, screen, type ProxyOptions, type ProxyStats } from './proxy/index.ts'
import { refuseTunnels } from './tunnel.ts'

export interface GatewayOptions extends Omit<ProxyOptions, 'upstream' | 'lastCall'> {
  /** Where everything goes, for instance `http://127.0.0.1:3000`. */
  readonly upstream: string | URL
  /** Address of the data port. Default `127.0.0.1`. */
  readonly host?: string
  /** The data port; 0 takes any free one. Default 0. */
  readonly port?: number
  /** The admin port, always on loopback; 0 takes any free one. Default 0. */
  readonly adminPort?: number
  /**
   * How long nothing at all may move on a connection with a request on it, in ms; a client that stops reading keeps
   * its permit no longer. Should exceed `headersTimeout`. 0: for ever. Default 300,000, or twice `headersTimeout` where
   * that is more.
   */
  readonly clientTimeout?: Millis
  /** False: no gate, whatever the plan. Default true. */
  readonly protect?: boolean
  /** How admission is decided. Default: a limit that finds itself. */
  readonly plan?: Plan
}

/** A running gateway. */
export interface Gateway {
  readonly port: number
  readonly adminPort: number
  /** `undefined` where everybody is let in. */
  readonly gate: Gate | undefined
  readonly tally: Tally
  readonly proxy: ProxyStats
  /** Requests in progress and waiting: what would be lost by ending now. */
  readonly pending: number
  /**
   * Requirement S1.10: turns unready, takes no new connections, and serves what has come, then closes.
   * @param within in ms; what has not ended by then is cut off
   */
  drain(within: Millis): Promise<Drained>
  /** Ends everything at once. Idempotent. */
  close(): Promise<void>
}

/** A listener that cannot be had: the port is taken, or the address is not ours. */
export class ListenError extends Error {
  readonly port: number
  readonly code: string

  constructor(port: number, code: string, options: ErrorOptions) {
    super(`cannot listen on port ${port} (${code})`, options)
    this.name = 'ListenError'
    this.port = port
    this.code = code
  }
}

/**
 * Starts a gateway: a data port that passes requests through a gate to the upstream, and an admin port.
 * @throws ListenError when a port cannot be had; then nothing is left running
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  let phase: Phase = 'starting'
  const counts = tally()
  const gate = options.protect === false ? undefined : gateOf(options.plan ?? plan({}), counts)
  const proxied = proxy({ ...options, upstream: new URL(options.upstream), lastCall: () => phase === 'draining' })
  const data = dataServer()
  const control = admin({ gate, tally: counts, proxy: proxied.stats, phase: () => phase })

  function dataServer(): Server {
    const guarded = gate === undefined ? undefined : protect(proxied, { gate })
    const server = createServer(
      {
        // Half an hour for a body is honest; half a minute for headers is not.
        headersTimeout: 10_000,
        requestTimeout: 0,
        connectionsCheckingInterval: 1000,
        // Longer than the minute after which most load balancers drop an idle connection, so that it is never us.
        keepAliveTimeout: 65_000,
        highWaterMark: 65_536,
      },
      screen(guarded ?? proxied),
    )
    server.timeout = options.clientTimeout ?? Math.max(300_000, 2 * (options.headersTimeout ?? 0))
    // Counted and refused by `screen`: node would leave out what is too much and say nothing.
    server.maxHeadersCount = 0
    if (guarded !== undefined) server.on('checkContinue', screen(guarded.checkContinue))
    refuseTunnels(server)
    // Answers that do not come from the upstream end their connection too.
    server.prependListener('request', (_req, res) => {
      if (phase === 'draining') res.shouldKeepAlive = false
    })
    return server
  }

  async function close(): Promise<void> {
    phase = 'draining'
    gate?.close()
    await Promise.all([shut(data), shut(control), proxied.close()])
  }

  try {
    // Health can be asked before anything is served.
    await listen(control, options.adminPort ?? 0, '127.0.0.1')
    await listen(data, options.port ?? 0, options.host ?? '127.0.0.1')
  } catch (error) {
    await close()
    throw error
  }
  phase = 'ready'
  const pending = (): number => proxied.stats.active + (gate?.stats.queued ?? 0)

  return {
    port: portOf(data),
    adminPort: portOf(control),
    gate,
    tally: counts,
    proxy: proxied.stats,
    get pending() {
      return pending()
    },
    async drain(within) {
      phase = 'draining'
      const drained = await drain(data, gate, { within, pending })
      await close()
      return drained
    },
    close,
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(new ListenError(port, error.code ?? error.name, { cause: error }))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

async function shut(server: Server): Promise<void> {
  if (!server.listening) {
    server.closeAllConnections()
    return
  }
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
