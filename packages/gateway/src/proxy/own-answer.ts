import type { IncomingMessage, ServerResponse } from 'node:http'
import { bodyFormat } from 'sluice/http'
import { dismissBody } from './dismiss-body.ts'
import { grpcAnswer, isGrpc } from './grpc.ts'

/** An answer the gateway gives itself, in the form every refusal has. */
export interface OwnAnswer {
  readonly status: number
  /** Upper-case, for machines. */
  readonly code: string
  /** For people. */
  readonly message: string
  /** In whole seconds; left out where coming back is pointless. */
  readonly retryAfter?: number
  readonly headers?: Readonly<Record<string, string>>
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/** Answers in the upstream's place: the envelope of requirement S3.3, or problem details where those are asked for. */
export function answer(req: IncomingMessage, res: ServerResponse, own: OwnAnswer): void {
  if (res.headersSent || res.destroyed) return
  const { status, code, message, retryAfter } = own
  for (const [name, value] of Object.entries(own.headers ?? {})) res.setHeader(name, value)
  if (isGrpc(req)) {
    const told = grpcAnswer(status, message, retryAfter === undefined ? undefined : retryAfter * 1000)
    res.writeHead(told.status, told.headers).end()
    return
  }
  const problem = bodyFormat(req.headers.accept, 'envelope') === 'problem'
  const retry = retryAfter ?? null
  const body = JSON.stringify(
    problem
      ? { type: 'about:blank', title: TITLES[status] ?? code, status, detail: message, code, retry_after: retry }
      : { success: false, error: { code, message, retry_after: retry } },
  )
  if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter))
  res.writeHead(status, {
    'content-type': problem ? 'application/problem+json' : 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
  })
  res.end(req.method === 'HEAD' ? undefined : body)
  dismissBody(req)
}
