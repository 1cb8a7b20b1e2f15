import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hub, sse, sseFormat, type SseEvent } from 'sluice/stream'
import { z } from 'zod'
import { isLoopbackHost } from '../admin/loopback-host.ts'
import { page } from '../page/index.ts'

/** What the page shows of the demo itself. */
export interface StageState {
  /** What is being done, in words. */
  readonly phase: string
  /** Offered to each side, as a multiple of what the upstream can do. */
  readonly load: number
  /** What one request takes at the upstream, in ms. */
  readonly service: number
  /** Of its answers, errors, in percent. */
  readonly errors: number
  /** Seconds left; 0 when it goes on until it is stopped. */
  readonly left: number
  readonly verdict: readonly { readonly passed: boolean; readonly says: string }[]
}

/** What somebody at the page wants changed. */
export interface Move {
  readonly load?: number | undefined
  readonly service?: number | undefined
  readonly errors?: number | undefined
}

export interface StageOptions {
  /** What is compared: the name of each side, and the admin port of its gateway. */
  readonly sides: Readonly<Record<string, number>>
  /** Told of what was moved. */
  readonly onMove: (move: Move) => void
}

export interface Stage {
  readonly url: string
  /** Tells everybody who looks. */
  show(state: StageState): void
  close(): void
}

const MOVE: z.ZodType<Move> = z.strictObject({
  load: z.number().min(0).max(10).optional(),
  service: z.number().min(5).max(500).optional(),
  errors: z.number().min(0).max(100).optional(),
})

const MOST_MOVE = 1000

/** The page of the demo on a loopback port of its own: both gateways side by side, and sliders. */
export async function stage({ sides, onMove }: StageOptions): Promise<Stage> {
  const viewers = hub<SseEvent>({ maxReaders: 100, name: 'demo' })
  const format = sseFormat<SseEvent>((event) => event)
  const { html, headers } = page(Object.keys(sides))
  let last: StageState | undefined

  function serve(req: IncomingMessage, res: ServerResponse): void {
    if (!isLoopbackHost(req.headers.host)) return end(res, 403)
    const url = new URL(req.url ?? '/', 'http://localhost')
    if (req.method === 'POST' && url.pathname === '/control/demo') return void moved(req, res)
    if (req.method !== 'GET') return end(res, 405)
    if (url.pathname === '/') return void res.writeHead(200, headers).end(html)
    if (url.pathname !== '/events') return end(res, 404)
    const side = url.searchParams.get('side') ?? ''
    if (side === 'demo') return follow(res)
    if (!Object.hasOwn(sides, side)) return end(res, 404)
    pass(sides[side]!, res)
  }

  function follow(res: ServerResponse): void {
    const reader = sse<SseEvent>(res, { policy: 'coalesce', key: () => 'demo', format })
    if (last !== undefined) reader.push({ event: 'demo', data: last })
    viewers.subscribe('demo', reader)
  }

  async function moved(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // A page from elsewhere can send a form without being asked, but no JSON.
    if (req.headers['content-type'] !== 'application/json') return end(res, 415)
    let text = ''
    for await (const chunk of req.setEncoding('utf8')) {
      text += chunk as string
      if (text.length > MOST_MOVE) return end(res, 413)
    }
    const read = MOVE.safeParse(jsonOf(text))
    if (!read.success) return end(res, 400)
    onMove(read.data)
    end(res, 204)
  }

  const server: Server = createServer(serve)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve())
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    show(state) {
      last = state
      viewers.publish('demo', { event: 'demo', data: state })
    },
    close() {
      viewers.close('the demo is over')
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Passes the events of a gateway's admin port on. */
function pass(port: number, res: ServerResponse): void {
  const events = request({ host: '127.0.0.1', port, path: '/events' }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' })
    answer.pipe(res)
  })
  events.on('error', () => (res.headersSent ? res.destroy() : end(res, 502)))
  events.end()
  res.on('close', () => events.destroy())
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function end(res: ServerResponse, status: number): void {
  res.writeHead(status).end()
}
