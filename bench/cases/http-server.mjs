// A hello world on one framework behind one guard: tells its port, and the processor time it has used when asked.
import { createServer } from 'node:http'

const HELLO = 'Hello, world\n'
const [framework, guard] = process.argv.slice(2)

const frameworks = {
  'node:http': async () => {
    const handler = (_request, response) => {
      response.setHeader('content-type', 'text/plain')
      response.end(HELLO)
    }
    return createServer(await nodeGuards[guard](handler))
  },
  'express 5': async () => {
    const { default: express } = await import('express')
    const app = express()
    const middleware = await expressGuards[guard]()
    if (middleware !== undefined) app.use(middleware)
    app.get('/', (_request, response) => response.type('text/plain').send(HELLO))
    return createServer(app)
  },
  fastify: async () => {
    const { default: fastify } = await import('fastify')
    const app = fastify()
    await fastifyGuards[guard](app)
    app.get('/', (_request, reply) => reply.type('text/plain').send(HELLO))
    await app.ready()
    return app.server
  },
}

const nodeGuards = {
  bare: (handler) => handler,
  counter: (handler) => (request, response) => {
    count(response)
    handler(request, response)
  },
  sluice: async (handler) => (await import('sluice/node')).protect(handler),
  'sluice, limit: 1000': async (handler) => (await import('sluice/node')).protect(handler, { limit: 1000 }),
}

const expressGuards = {
  bare: () => undefined,
  counter: () => (_request, response, next) => {
    count(response)
    next()
  },
  sluice: async () => (await import('sluice/express')).protect(),
  'sluice, limit: 1000': async () => (await import('sluice/express')).protect({ limit: 1000 }),
  'express-rate-limit': async () =>
    (await import('express-rate-limit')).rateLimit({ windowMs: 60_000, limit: 1e9, validate: false }),
}

const fastifyGuards = {
  bare: () => undefined,
  counter: (app) =>
    app.addHook('onRequest', (_request, reply, done) => {
      count(reply.raw)
      done()
    }),
  sluice: async (app) => app.register((await import('sluice/fastify')).default),
  'sluice, limit: 1000': async (app) => app.register((await import('sluice/fastify')).default, { limit: 1000 }),
  '@fastify/under-pressure': async (app) =>
    app.register((await import('@fastify/under-pressure')).default, { maxEventLoopDelay: 10_000 }),
  '@fastify/rate-limit': async (app) =>
    app.register((await import('@fastify/rate-limit')).default, { max: 1e9, timeWindow: 60_000 }),
}

/** What nobody can do without: a number that goes up, and down when the response closes. */
let inflight = 0
function count(response) {
  if (inflight >= 1e6) throw new Error('full')
  inflight++
  response.on('close', () => inflight--)
}

const server = await frameworks[framework]()
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send(process.cpuUsage()))
process.on('disconnect', () => process.exit())
