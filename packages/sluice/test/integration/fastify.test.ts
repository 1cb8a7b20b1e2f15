import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import { fifo, semaphore } from '../../src/index.ts'
import sluice, { type SluiceOptions } from '../../src/servers/fastify.ts'
import { until } from './waiting.ts'

interface Started {
  readonly url: string
  readonly port: number
  readonly close: () => Promise<void>
}

/** A request on which a hook left who is asking. */
type Tenanted = FastifyRequest & { readonly tenant?: string }

async function listen(app: FastifyInstance): Promise<Started> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

async function serving(
  options: SluiceOptions,
  routes: (app: FastifyInstance) => void,
  prove: (url: string, app: FastifyInstance) => Promise<void>,
  server: FastifyServerOptions = {},
): Promise<void> {
  const app = fastify(server)
  await app.register(sluice, options)
  routes(app)
  const { url, close } = await listen(app)
  try {
    await prove(url, app)
  } finally {
    await close()
  }
}

describe('sluice/fastify', () => {
  it('the callbacks see Fastify’s own request, with what hooks before the gate left on it', async () => {
    const seen: unknown[] = []
    const look = ({ ip, routeOptions, params, headers, tenant }: Tenanted): unknown =>
      seen.push([ip, routeOptions.url, (params as { id?: string }).id, headers['x-export'], tenant])
    const options: SluiceOptions<Tenanted> = {
      gate: semaphore({ permits: 1 }),
      key: ({ request }) => (look(request), request.tenant),
      cost: ({ request }) => (look(request), 1),
      classify: ({ request }) => (look(request), 'normal'),
      onReject: (_rejection, request) => void look(request),
    }
    const app = fastify()
    app.decorateRequest('tenant', '')
    app.addHook('onRequest', (request, _reply, done) => {
      ;(request as { tenant?: string }).tenant = 'ann'
      done()
    })
    await app.register(sluice<Tenanted>, options)
    app.get('/orders/:id', () => 'ok')
    const { url, close } = await listen(app)
    try {
      assert.equal(app.sluice.options, options)
      const { gate } = app.sluice
      assert.ok(gate.tryEnter().admitted)
      assert.equal((await fetch(`${url}/orders/7`, { headers: { 'x-export': 'yes' } })).status, 503)
    } finally {
      await close()
    }
    const same = ['127.0.0.1', '/orders/:id', '7', 'yes', 'ann']
    assert.deepEqual(seen, [same, same, same, same])
  })

  it('decides before the body is parsed, and hooks that follow do not run for who is refused', async () => {
    const gate = semaphore({ permits: 1, name: 'api' })
    const seen: string[] = []
    const routes = (app: FastifyInstance): void => {
      app.addHook('preParsing', (_request, _reply, _payload, done) => {
        seen.push('preParsing')
        done()
      })
      app.post('/', (request) => request.body)
    }
    await serving({ gate }, routes, async (url) => {
      const held = gate.tryEnter()
      assert.ok(held.admitted)
      const headers = { 'content-type': 'application/json' }
      const refused = await fetch(url, { method: 'POST', body: '{"a":1}', headers })
      assert.deepEqual([refused.status, seen], [503, []])
      assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'LIMIT_EXCEEDED')
      held.release('success')
      const served = await fetch(url, { method: 'POST', body: '{"a":1}', headers })
      assert.deepEqual([served.status, await served.json(), seen], [200, { a: 1 }, ['preParsing']])
      await until('the end of the permit', () => gate.stats.inflight === 0)
    })
  })

  it('headers of earlier hooks stay on a refusal', async () => {
    const gate = semaphore({ permits: 1 })
    const app = fastify()
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header('access-control-allow-origin', '*')
      done()
    })
    await app.register(sluice, { gate })
    app.get('/', () => 'ok')
    const { url, close } = await listen(app)
    try {
      gate.tryEnter()
      const refused = await fetch(url)
      assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [503, '*'])
    } finally {
      await close()
    }
  })

  it('hears of refusals in onResponse, as of every response', async () => {
    const gate = semaphore({ permits: 1 })
    const statuses: number[] = []
    const routes = (app: FastifyInstance): void => {
      app.addHook('onResponse', (_request, reply, done) => {
        statuses.push(reply.raw.statusCode)
        done()
      })
      app.get('/', () => 'ok')
    }
    await serving({ gate }, routes, async (url) => {
      await (await fetch(url)).text()
      gate.tryEnter()
      await (await fetch(url)).text()
      await until('both', () => statuses.length === 2)
      assert.deepEqual(statuses, [200, 503])
    })
  })

  it('a route has settings of its own, a gate of its own, or nothing to do with it', async () => {
    const gate = semaphore({ permits: 1, name: 'common' })
    const routes = (app: FastifyInstance): void => {
      app.get('/', () => 'ok')
      app.get('/free', { config: { sluice: false } }, () => 'ok')
      app.get('/own', { config: { sluice: { limit: 1 } } }, () => 'ok')
      app.get(
        '/slow',
        { config: { sluice: { gate: semaphore({ permits: 1 }), timeout: 30 } } },
        () => new Promise(() => undefined),
      )
      app.get('/critical', { config: { sluice: { lane: 'critical' } } }, () => 'ok')
    }
    await serving({ gate }, routes, async (url, app) => {
      const status = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status
      const held = gate.tryEnter()
      assert.ok(held.admitted)
      assert.deepEqual(
        await Promise.all(['/', '/free', '/own', '/critical', '/health', '/nowhere'].map(status)),
        [503, 200, 200, 200, 404, 503],
      )
      assert.equal(await status('/slow'), 504)
      assert.equal(app.sluice.gate, gate)
      assert.equal(app.sluice.isUnderPressure(), false)
      held.release('success')
    })
  })

  it('global: false leaves alone whoever does not ask', async () => {
    const gate = semaphore({ permits: 1 })
    const routes = (app: FastifyInstance): void => {
      app.get('/', () => 'ok')
      app.get('/asks', { config: { sluice: {} } }, () => 'ok')
    }
    await serving({ gate, global: false }, routes, async (url) => {
      gate.tryEnter()
      assert.deepEqual([(await fetch(url)).status, (await fetch(`${url}/asks`)).status], [200, 503])
    })
  })

  it('S1.6 a handler over its time gets 504, and what it answers later harms nobody', async () => {
    const gate = semaphore({ permits: 1, queue: fifo({ maxWait: 20_000 }) })
    let late: (() => void) | undefined
    const answered: unknown[] = []
    const routes = (app: FastifyInstance): void => {
      app.get('/', async (_request, reply) => {
        await new Promise<void>((resolve) => (late = resolve))
        reply.header('x-late', '1')
        return { late: true }
      })
      app.setErrorHandler((error, _request, reply) => {
        answered.push(error)
        return reply.code(500).send('error')
      })
    }
    await serving({ gate, timeout: 50 }, routes, async (url) => {
      const refused = await fetch(url)
      assert.equal(refused.status, 504)
      assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'DEADLINE_EXCEEDED')
      assert.equal(gate.stats.inflight, 0)
      late!()
      await (await fetch(`${url}/nowhere`)).text()
      assert.deepEqual(answered, [])
    })
  })

  it('an option out of range stops the start with one line that names it', async () => {
    const app = fastify()
    await app.register(sluice)
    assert.throws(() => app.get('/', { config: { sluice: { limit: 0 } } }, () => 'ok'), {
      name: 'RangeError',
      message: /^limit: .* got 0/,
    })
    await app.close()
    const wrong = fastify()
    void wrong.register(sluice, { timeout: -1 })
    await assert.rejects(async () => wrong.ready(), { name: 'RangeError', message: /^timeout: .* got -1/ })
  })
})
