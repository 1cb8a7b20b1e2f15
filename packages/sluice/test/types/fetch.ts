// Compiled, not run: `sluice/fetch` in the shapes Bun, Deno, Cloudflare and @hono/node-server hand a request over in.
import { serve } from '@hono/node-server'
import { protect, protectedFetch, signalOf, type Protected } from '../../src/fetch/index.ts'

const plain: Protected = protect(async (request) => new Response(await request.text()), { limit: 5 })
const answer: Promise<Response> = plain(new Request('http://here.test/'))
void answer
// @ts-expect-error: nothing beside the request
void plain(new Request('http://here.test/'), 1)

// Deno
interface Info {
  readonly remoteAddr: { readonly hostname: string }
}
declare function denoServe(handler: (request: Request, info: Info) => Response | Promise<Response>): void
denoServe(protect<[Info]>(() => new Response('x'), { peer: (_request, info) => info.remoteAddr.hostname }))
denoServe(protect((_request, info: Info) => new Response(info.remoteAddr.hostname)))
denoServe(plain)

// Bun
interface Server {
  requestIP(request: Request): { readonly address: string } | null
}
declare function bunServe(options: {
  readonly fetch: (request: Request, server: Server) => Response | undefined | Promise<Response | undefined>
}): void
bunServe({ fetch: protect<[Server]>(() => new Response(), { peer: (r, server) => server.requestIP(r)?.address }) })

// Cloudflare
interface Secrets {
  readonly KEY: string
}
interface Execution {
  waitUntil(promise: Promise<unknown>): void
}
interface Worker {
  fetch(request: Request, env: Secrets, execution: Execution): Response | Promise<Response>
}
const worker: Worker = { fetch: protect((request, env: Secrets, _execution: Execution) => reply(request, env)) }
function reply(request: Request, { KEY }: Secrets): Response {
  return new Response(KEY, { headers: { aborted: String(signalOf(request).aborted) } })
}
void worker

// Node
serve({ fetch: protect(() => new Response('x'), { timeout: 1000 }) })
serve({ fetch: protect((_request, _env: unknown) => new Response('x')) })

// A fetch goes wherever a `fetch` does.
const send: typeof fetch = protectedFetch()
void send('http://there.test/', { method: 'POST', body: 'x' })
