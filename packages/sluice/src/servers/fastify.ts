import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { checkOptions } from '../ground/index.ts'
import type { Reader } from '../http/index.ts'
import { NodeEntrance, type NodeDoorOptions, type NodeProtection } from './node-entrance.ts'
import { nodeReader } from './node-reader.ts'
import { entranceBeside, type NodeSettings } from './node-settings.ts'

/** Fastify's request, as far as it exists before the body is parsed. The plugin itself touches `raw` and `routeOptions`. */
export interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly id: string
  readonly ip: string
  readonly host: string
  readonly hostname: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly params: unknown
  readonly query: unknown
  readonly routeOptions?: FastifyRoute
}

/** The slice of Fastify's reply the plugin touches. */
export interface FastifyReply {
  readonly raw: ServerResponse
  hijack(): unknown
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>
}

/** The slice of a Fastify instance the plugin touches. */
export interface FastifyInstance<Request extends FastifyRequest = FastifyRequest> {
  /** Here for what Fastify's own request is to TypeScript. */
  readonly sluice?: FastifyProtection<Request>
  addHook(name: 'onRequest', hook: (request: Request, reply: FastifyReply, done: () => void) => void): unknown
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): unknown
  decorate(name: 'sluice', value: FastifyProtection<Request>): unknown
}

/** A route as it is registered. */
export interface FastifyRoute {
  /** With {@link RouteSettings} for this kind of request in it, or `false`. */
  readonly config?: { readonly sluice?: unknown }
}

/** What a route may have of its own, in `config.sluice`; `false` takes it out. */
export interface RouteSettings<Request extends FastifyRequest = FastifyRequest> extends NodeSettings<Request> {}

/** Options of the plugin: those of every door, and one of its own. */
export interface SluiceOptions<Request extends FastifyRequest = FastifyRequest> extends NodeDoorOptions<Request> {
  /** Whether routes meet the gate that do not ask for it with `config: { sluice: {} }`. Default true. */
  readonly global?: boolean
}

/**
 * What the plugin decorates the instance with: `fastify.sluice`. Handlers that go on after their `timeout` are not
 * counted: Fastify does not say when they end.
 */
export interface FastifyProtection<Request extends FastifyRequest = FastifyRequest> extends Omit<
  NodeProtection,
  'zombies'
> {
  /** What the plugin was registered with. */
  readonly options: SluiceOptions<Request>
  /** True while requests wait or are refused. */
  isUnderPressure(): boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The gate in front of all routes, once the plugin of `sluice/fastify` is registered. */
    readonly sluice: FastifyProtection<FastifyRequest>
  }
  interface FastifyContextConfig {
    /** What the route has of its own; `false` takes it out. */
    readonly sluice?: RouteSettings<FastifyRequest> | false
  }
}

type Done = (error?: Error) => void

const reader: Reader<FastifyRequest> = {
  method: ({ raw }) => nodeReader.method(raw),
  target: ({ raw }) => nodeReader.target(raw),
  header: ({ raw }, name) => nodeReader.header(raw, name),
  peer: ({ raw }) => nodeReader.peer(raw),
}

/**
 * Puts a gate in front of every route: `app.register(sluice)`. It decides in `onRequest`, before the body is read and
 * parsed, and refuses before any later hook runs; headers that earlier hooks have set (CORS) stay on the refusal.
 *
 * A route has settings of its own in `config.sluice`: `{ lane: 'low' }`, `{ limit: 2, timeout: 1000 }` (a gate of its own
 * instead of the common one), or `false`. `fastify.sluice` shows the common gate. Callbacks get Fastify's own request; what
 * an application adds to its type they see with `app.register(sluice<FastifyRequest>, …)`.
 * @throws RangeError for an option out of range, naming it; for those of a route when the route is registered, or with
 * its first request where it is registered before the plugin has loaded
 */
export default function sluice<Request extends FastifyRequest>(
  fastify: FastifyInstance<Request>,
  options: SluiceOptions<Request>,
  done: Done,
): void
// Without a request of one's own: what stands last is what callbacks written in place are typed by.
export default function sluice(fastify: FastifyInstance, options: SluiceOptions, done: Done): void
export default function sluice(fastify: FastifyInstance, options: SluiceOptions, done: Done): void {
  try {
    install(fastify, options)
    done()
  } catch (error) {
    done(error as Error)
  }
}

// Fastify shuts what a plugin adds in with the plugin, and names it after its file, unless it says otherwise.
Object.assign(sluice, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'sluice',
  [Symbol.for('plugin-meta')]: { name: 'sluice', fastify: '5.x' },
})

function install(fastify: FastifyInstance, options: SluiceOptions): void {
  const { global = true, ...common } = options
  const entrance = new NodeEntrance<FastifyRequest>(common, reader)
  const own = new WeakMap<object, NodeEntrance<FastifyRequest>>()
  const entranceFor = (settings: RouteSettings): NodeEntrance<FastifyRequest> => {
    // Not `true`: beside `global: false` that would be a route which only looks protected.
    checkOptions('config.sluice', settings)
    let found = own.get(settings)
    if (found === undefined) {
      found = entranceBeside(common, entrance, settings, reader)
      own.set(settings, found)
    }
    return found
  }
  // So that a bad option stops the start. A route that was there first is met with its first request.
  fastify.addHook('onRoute', (route) => {
    const settings = settingsOf(route)
    if (settings !== undefined && settings !== false) entranceFor(settings)
  })
  fastify.addHook('onRequest', (request, reply, next) => {
    const settings = settingsOf(request.routeOptions)
    const usual = global ? entrance : undefined
    const chosen = settings === undefined ? usual : settings === false ? undefined : entranceFor(settings)
    if (chosen === undefined) return next()
    chosen.enter({
      ask: request,
      req: request.raw,
      res: reply.raw,
      proceed: () => next(),
      prepare: () => keepHeaders(reply),
      turnedAway: () => void reply.hijack(),
    })
  })
  fastify.decorate('sluice', {
    options,
    gate: entrance.gate,
    tally: entrance.tally,
    isUnderPressure: () => entrance.gate.stats.queued > 0 || entrance.gate.pressure.value.level > 1,
  })
}

function settingsOf({ config }: FastifyRoute = {}): RouteSettings | false | undefined {
  return config?.sluice as RouteSettings | false | undefined
}

/** What earlier hooks have set is with the reply until it is sent. */
function keepHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value)
}
