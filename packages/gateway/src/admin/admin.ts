import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Command, Controlled } from '../control/index.ts'
import type { Phase, Snapshot, Tick } from '../live/index.ts'
import { events, page as pageOf, type Page } from '../page/index.ts'
import { bearer } from './bearer.ts'
import type { BackpressureReport } from './backpressure-report.ts'
import { isLoopbackHost } from './loopback-host.ts'
import { isOwnOrigin } from './own-origin.ts'
import { peerOf, TurnedAway } from './turned-away.ts'

/** What the admin port tells about, and what can be asked of it. */
export interface AdminOptions {
  /** Figures as Prometheus has them: a text, and its type. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  /** The same in short. */
  readonly report: () => BackpressureReport | Promise<BackpressureReport>
  /** Brings figures up to date before they are told. Default: they always are. */
  readonly fresh?: () => Promise<void>
  readonly phase: () => Phase
  /** What load has against being sent requests. Default: it is not looked at. */
  readonly causes?: () => readonly string[]
  readonly snapshot: () => Snapshot
  readonly tick: () => Tick | undefined
  /** The plan in force, without secrets. */
  readonly config: () => unknown
  /** A file that makes the plan, without secrets and without what was ordered. */
  readonly file: () => string
  /** What `authorization: Bearer …` must carry; `undefined`: nothing can be controlled. */
  readonly token: () => string | undefined
  /** True where others than this machine can reach the port: then nothing but health is told without the token. */
  readonly open: boolean
  /** By path below `/control/`. */
  readonly controls: Readonly<Record<string, Command>>
  /** Told of orders that nobody was let to give, a line each. Default: nobody. */
  readonly audit?: (line: string) => void
}

/** The server of the admin port: health, figures, the plan, and control for those who have the token. */
export function admin(options: AdminOptions): Server {
  const { metrics, phase, snapshot, token, open, controls } = options
  const stream = events({ snapshot, tick: options.tick })
  const turnedAway = new TurnedAway(options.audit ?? ((): void => {}))
  // Read when somebody looks: most gateways are never looked at.
  let shown: Page | undefined

  function serve(req: IncomingMessage, res: ServerResponse): void {
    const known = bearer(req, token())
    if (!known && !isLoopbackHost(req.headers.host))
      return refuse(res, 403, 'FORBIDDEN_HOST', 'this port answers to localhost and IP addresses only')
    const path = (req.url ?? '').split('?', 1)[0] ?? ''
    const order = ORDER.exec(path)?.[1] ?? ''
    if (Object.hasOwn(controls, order)) return controlled(req, res, order, known)
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (page === undefined)
      return refuse(
        res,
        404,
        'NOT_FOUND',
        `there is ${[...Object.keys(pages), ...Object.keys(controls).map((name) => `/control/${name}`)].join(', ')}`,
      )
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('allow', 'GET, HEAD')
      return refuse(res, 405, 'METHOD_NOT_ALLOWED', 'only GET and HEAD are answered here')
    }
    // The page itself tells nothing: it asks for the token and for the figures with it.
    if (open && !known && path !== '/' && !path.startsWith('/health/')) return unknown(res)
    page(res)
  }

  function controlled(req: IncomingMessage, res: ServerResponse, order: string, known: boolean): void {
    if (req.method !== 'POST') {
      res.setHeader('allow', 'POST')
      return refuse(res, 405, 'METHOD_NOT_ALLOWED', 'only POST is answered here')
    }
    if (token() === undefined)
      return refuse(
        res,
        403,
        'NO_TOKEN',
        'nothing can be controlled without a token: SLUICE_ADMIN_TOKEN, listen.adminToken',
      )
    if (!known) {
      turnedAway.note(order, 'UNAUTHENTICATED', peerOf(req))
      return unknown(res)
    }
    if (!isOwnOrigin(req.headers)) {
      turnedAway.note(order, 'FORBIDDEN_ORIGIN', peerOf(req))
      return refuse(res, 403, 'FORBIDDEN_ORIGIN', 'orders come from the page of this port, or from no page at all')
    }
    ordered(req, controls[order]!).then(
      ({ status, body }) => json(res, status, body),
      (error: unknown) => refuse(res, 500, 'FAILED', error instanceof Error ? error.message : String(error)),
    )
  }

  /** Reads what was sent along, and has it carried out. */
  async function ordered(req: IncomingMessage, run: Command): Promise<Controlled> {
    let text = ''
    for await (const chunk of req.setEncoding('utf8')) {
      text += chunk as string
      if (text.length > MOST_ORDER) return refusal(413, 'TOO_LONG', `an order has at most ${MOST_ORDER} signs`)
    }
    try {
      return await run(text === '' ? {} : JSON.parse(text), peerOf(req))
    } catch (error) {
      if (error instanceof SyntaxError) return refusal(400, 'NO_JSON', 'an order is JSON, or nothing')
      throw error
    }
  }

  const pages: Readonly<Record<string, (res: ServerResponse) => void>> = {
    '/': (res) => {
      shown ??= pageOf()
      res.writeHead(200, { ...shown.headers, 'content-length': shown.html.length }).end(shown.html)
    },
    '/events': (res) => {
      if (stream.serve(res)) return
      res.setHeader('retry-after', '5')
      refuse(res, 503, 'TOO_MANY_READERS', 'too many follow already; /snapshot tells the same once')
    },
    '/health/live': (res) => json(res, 200, { status: 'alive' }),
    '/health/ready': ready,
    '/metrics/backpressure': (res) => figures(res, async () => json(res, 200, await options.report())),
    '/snapshot': (res) => figures(res, async () => json(res, 200, snapshot())),
    '/config': (res) => json(res, 200, options.config()),
    '/config.yaml': (res) => send(res, 200, 'application/yaml', options.file()),
    '/metrics': (res) => figures(res, async () => send(res, 200, metrics.contentType, await metrics.metrics())),
  }

  function ready(res: ServerResponse): void {
    const [now, causes] = [phase(), options.causes?.() ?? []]
    if (now !== 'ready') return json(res, 503, { status: now })
    if (causes.length > 0) return json(res, 503, { status: 'unready', causes })
    json(res, 200, { status: now })
  }

  function figures(res: ServerResponse, tell: () => Promise<void>): void {
    const told = options.fresh === undefined ? tell() : options.fresh().then(tell)
    told.catch((error: unknown) => refuse(res, 500, 'METRICS_FAILED', String(error)))
  }

  const server = createServer(
    { connectionsCheckingInterval: 1000, headersTimeout: 10_000, requestTimeout: 30_000 },
    serve,
  )
  server.once('close', () => stream.close())
  return server
}

const ORDER = /^\/control\/([a-z]+)$/

/** The longest order, in characters. */
const MOST_ORDER = 4096

function unknown(res: ServerResponse): void {
  res.setHeader('www-authenticate', 'Bearer realm="sluice-admin"')
  refuse(res, 401, 'UNAUTHENTICATED', 'authorization must carry the token of this port')
}

function refuse(res: ServerResponse, status: number, code: string, message: string): void {
  json(res, status, refusal(status, code, message).body)
}

function refusal(status: number, code: string, message: string): Controlled {
  return { status, body: { success: false, error: { code, message, retry_after: null } } }
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
