import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { bodyFormat, type BodyFormat } from 'sluice/http'
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

/** How each server answers whoever does not say how. */
const formats = new WeakMap<object, () => BodyFormat>()

/** From now on the own answers of a server are written in this format, unless a client asks for another one. */
export function writeAnswers(server: Server, format: () => BodyFormat): void {
  formats.set(server, format)
}

/** Answers in the upstream's place: as the gates of its server do, in the envelope of requirement S3.3 or problem details. */
export function answer(req: IncomingMessage, res: ServerResponse, own: OwnAnswer): void {
  if (res.headersSent || res.destroyed) return
  const { status, code, message, retryAfter } = own
  for (const [name, value] of Object.entries(own.headers ?? {})) res.setHeader(name, value)
  if (isGrpc(req)) {
    const told = grpcAnswer(status, message, retryAfter === undefined ? undefined : retryAfter * 1000)
    res.writeHead(told.status, told.headers).end()
    return
  }
  const { server } = req.socket as { readonly server?: Server }
  const standard = server && formats.get(server)?.()
  const problem = bodyFormat(req.headers.accept, standard ?? 'envelope') === 'problem'
  const retry = retryAfter ?? null
  const body = JSON.stringify(
    problem
      ? { type: 'about:blank', title: STATUS_CODES[status] ?? code, status, detail: message, code, retry_after: retry }
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
