import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Gate, Tally } from 'sluice'
import type { ProxyStats } from '../proxy/index.ts'
import { backpressureReport } from './backpressure-report.ts'
import { isLoopbackHost } from './loopback-host.ts'
import { metrics } from './metrics.ts'
import type { Phase } from './readiness.ts'

/** What the admin port tells about. */
export interface AdminOptions {
  readonly gate: Gate | undefined
  readonly tally: Tally
  readonly proxy: ProxyStats
  readonly phase: () => Phase
}

const PATHS = '/health/live, /health/ready, /metrics, /metrics/backpressure'

/** The server of the admin port: health and figures. To be bound to loopback only: it asks nobody who they are. */
export function admin({ gate, tally, proxy, phase }: AdminOptions): Server {
  const registry = metrics(gate, tally, proxy)

  function serve(req: IncomingMessage, res: ServerResponse): void {
    if (!isLoopbackHost(req.headers.host))
      return refuse(res, 403, 'FORBIDDEN_HOST', 'this port answers to localhost and IP addresses only')
    const path = (req.url ?? '').split('?', 1)[0]
    const page = pages[path ?? '']
    if (page === undefined) return refuse(res, 404, 'NOT_FOUND', `there is ${PATHS}`)
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('allow', 'GET, HEAD')
      return refuse(res, 405, 'METHOD_NOT_ALLOWED', 'only GET and HEAD are answered here')
    }
    page(res)
  }

  const pages: Readonly<Record<string, ((res: ServerResponse) => void) | undefined>> = {
    __proto__: null as never,
    '/health/live': (res) => json(res, 200, { status: 'alive' }),
    '/health/ready': (res) => json(res, phase() === 'ready' ? 200 : 503, { status: phase() }),
    '/metrics/backpressure': (res) => json(res, 200, backpressureReport(gate, tally, proxy)),
    '/metrics': (res) => {
      registry.metrics().then(
        (text) => send(res, 200, registry.contentType, text),
        (error: unknown) => refuse(res, 500, 'METRICS_FAILED', String(error)),
      )
    },
  }

  return createServer({ connectionsCheckingInterval: 1000, headersTimeout: 10_000, requestTimeout: 30_000 }, serve)
}

function refuse(res: ServerResponse, status: number, code: string, message: string): void {
  json(res, status, { success: false, error: { code, message, retry_after: null } })
}

function json(res: ServerResponse, status: number, value: unknown): void {
  send(res, status, 'application/json', JSON.stringify(value))
}

function send(res: ServerResponse, status: number, type: string, text: string): void {
  res.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  res.end(text)
}
