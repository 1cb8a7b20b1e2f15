// Compiled, not run: `sluice/fastify` against the types of Fastify.
import { createServer } from 'node:http'
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'
import { laneBy } from '../../src/http/index.ts'
import { fixed, limiter } from '../../src/index.ts'
import sluice, { type RouteSettings, type SluiceOptions } from '../../src/servers/fastify.ts'
import { drain, signalOf } from '../../src/servers/node.ts'

const app = fastify()
void app.register(sluice)
await app.register(sluice, { limit: 10, timeout: 1000, perConnection: 16, global: false, dryRun: true })
const options: SluiceOptions = {
  gate: limiter(),
  key: ({ request }) => request.raw.headers.host,
  classify: laneBy([{ lane: 'low', path: '/export/*', when: ({ request }) => request.raw.method === 'GET' }]),
  bypass: (request) => request.raw.url === '/ping',
}
await app.register(sluice, options)
await app.register(sluice, () => options)

// The callbacks get Fastify's own request, as far as it exists in `onRequest`, with what the application adds to it.
declare module 'fastify' {
  interface FastifyRequest {
    tenant?: string
  }
}
await app.register(sluice, {
  key: ({ request }) => String(request.headers['x-tenant'] ?? request.ip),
  bypass: ({ url }) => url === '/ping',
})
await app.register(sluice<FastifyRequest>, {
  key: ({ request }) => request.tenant ?? request.ip,
  cost: ({ request }) => (request.headers['x-export'] === undefined ? 1 : 5),
  classify: ({ request }) => (request.routeOptions.url === '/export/:id' ? 'low' : undefined),
  bypass: (request: FastifyRequest) => request.url === '/ping',
  onReject: ({ code }, request) => request.log.info({ code, id: request.id }),
})
const ownRequest: SluiceOptions<FastifyRequest> = { key: ({ request }) => request.hostname }
await app.register(sluice<FastifyRequest>, ownRequest)
// @ts-expect-error: there is no such member
await app.register(sluice<FastifyRequest>, { key: ({ request }) => request.tenants })
app.get('/export/:id', { config: { sluice: { key: ({ request }) => request.tenant } } }, () => 'much')
// @ts-expect-error: there is no such member
app.get('/f', { config: { sluice: { key: ({ request }) => request.tenants } } }, () => 'f')

// Routes of every kind.
const settings: RouteSettings = { lane: 'low', limit: fixed(2) }
app.get('/a', { config: { sluice: settings } }, () => 'a')
app.get('/b', { config: { sluice: false } }, (request: FastifyRequest) => String(signalOf(request.raw).aborted))
app.get<{ readonly Params: { readonly id: string }; readonly Querystring: { readonly q?: string } }>(
  '/c/:id',
  { config: { sluice: { timeout: 100 } }, schema: { params: { type: 'object' } } },
  async ({ params, query }) => `${params.id} ${query.q ?? ''}`,
)
app.route({ method: 'GET', url: '/d', config: { sluice: { lane: 'high' } }, handler: () => 'd' })
// @ts-expect-error: there is no such lane
app.get('/e', { config: { sluice: { lane: 'urgent' } } }, () => 'e')
// @ts-expect-error: there is no such option
await app.register(sluice, { permits: 5 })

const plugin: FastifyPluginAsync = async (inner: FastifyInstance) => {
  await inner.register(sluice)
  inner.get('/', { config: { sluice: { lane: 'critical' } } }, () => inner.sluice.gate.stats)
}
await app.register(plugin)
const pressed: boolean = app.sluice.isUnderPressure()
const served: number | undefined = app.sluice.tally?.admissions
void [pressed, served]
void drain(app.server, app.sluice.gate)

// Other servers and other type providers.
const own = fastify({ serverFactory: (handler) => createServer(handler) })
await own.register(sluice)
const overHttp2 = fastify({ http2: true })
await overHttp2.register(sluice, { limit: 5 })
overHttp2.get('/', { config: { sluice: { lane: 'low' } } }, () => 'x')
interface Provider {
  readonly schema: unknown
  readonly validator: this['schema']
  readonly serializer: this['schema']
}
const provided = fastify().withTypeProvider<Provider>()
await provided.register(sluice, { limit: 5 })
provided.get('/', { config: { sluice: { lane: 'low' } } }, () => 'x')
