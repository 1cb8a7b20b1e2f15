import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fastify, { type FastifyInstance } from 'fastify'
import { openPipelines } from '../../src/http/index.ts'
import { fifo, semaphore, type Gate } from '../../src/index.ts'
import sluice, { type RouteSettings } from '../../src/servers/fastify.ts'
import { until } from './waiting.ts'

/** Handlers that end when told to, and how many of them run. */
class Work {
  running = 0
  most = 0
  #ends: (() => void)[] = []

  readonly handler = async (): Promise<string> => {
    this.most = Math.max(this.most, ++this.running)
    await new Promise<void>((resolve) => void this.#ends.push(resolve))
    this.running--
    return 'done'
  }

  endAll(): void {
    for (const end of this.#ends.splice(0)) end()
  }
}

/** The statuses of so many requests at once, none of which ends before all are in. */
async function together(app: FastifyInstance, url: string, work: Work, count: number): Promise<number[]> {
  let answered = 0
  const asked = Array.from({ length: count }, async () => {
    const { statusCode } = await app.inject(url)
    answered++
    return statusCode
  })
  await until('all requests in', () => work.running + answered === count)
  work.endAll()
  return Promise.all(asked)
}

const ascending = (a: number, b: number): number => a - b

const cramped = (permits: number): Gate => semaphore({ permits, name: 'cramped' })

describe('sluice/fastify, in every order', () => {
  it('a route that is there before the plugin has loaded has its own gate all the same', async () => {
    const app = fastify()
    const work = new Work()
    // Not awaited, as plugins often are: it loads when the application starts, after the routes below.
    void app.register(sluice)
    const settings: RouteSettings = { gate: cramped(2) }
    app.get('/own', { config: { sluice: settings } }, work.handler)
    app.get('/free', { config: { sluice: false } }, work.handler)
    await app.ready()
    assert.deepEqual((await together(app, '/own', work, 5)).toSorted(ascending), [200, 200, 503, 503, 503])
    assert.equal(work.most, 2)
    assert.deepEqual(await together(app, '/free', work, 5), [200, 200, 200, 200, 200])
    await app.close()
  })

  it('an option of such a route that is out of range is an error of its requests, not a way round the gate', async () => {
    const app = fastify()
    void app.register(sluice)
    app.get('/own', { config: { sluice: { timeout: -1 } } }, () => 'served')
    await app.ready()
    const { statusCode, body } = await app.inject('/own')
    assert.equal(statusCode, 500)
    assert.match(body, /timeout: /)
    await app.close()
  })

  it('a route that says neither settings nor false stops the start: it would only look protected', async () => {
    for (const wrong of [true, null, 5, 'low']) {
      const config = { sluice: wrong } as unknown as { sluice: RouteSettings }
      const early = fastify()
      await early.register(sluice, { global: false })
      const message = `config.sluice: expected an object of options, got ${JSON.stringify(wrong)}`
      assert.throws(() => early.get('/', { config }, () => 'done'), { name: 'RangeError', message })
      await early.close()
      const late = fastify()
      void late.register(sluice, { global: false })
      late.get('/', { config }, () => 'done')
      assert.equal((await late.inject('/')).statusCode, 500)
      await late.close()
    }
  })

  it('routes of encapsulated plugins meet the gate, registered before and after', async () => {
    const gate = cramped(1)
    const app = fastify()
    const work = new Work()
    void app.register((inner, _options, done) => {
      inner.get('/before', work.handler)
      done()
    })
    void app.register(sluice, { gate })
    void app.register((inner, _options, done) => {
      inner.get('/after', work.handler)
      inner.get('/own', { config: { sluice: { gate: cramped(2) } } }, work.handler)
      done()
    })
    await app.ready()
    assert.deepEqual((await together(app, '/after', work, 2)).toSorted(ascending), [200, 503])
    assert.deepEqual((await together(app, '/own', work, 3)).toSorted(ascending), [200, 200, 503])
    assert.equal(gate.stats.inflight, 0)
    await app.close()
  })

  it('HEAD of a GET route shares the gate of that route', async () => {
    const app = fastify({ exposeHeadRoutes: true })
    await app.register(sluice)
    const gate = cramped(1)
    app.get('/own', { config: { sluice: { gate } } }, () => 'served')
    const held = gate.tryEnter()
    assert.ok(held.admitted)
    const refused = await app.inject({ method: 'HEAD', url: '/own' })
    assert.deepEqual([refused.statusCode, refused.body], [503, ''])
    held.release('success')
    const served = await app.inject({ method: 'HEAD', url: '/own' })
    assert.deepEqual([served.statusCode, served.body, served.headers['content-length']], [200, '', '6'])
    assert.equal(gate.stats.inflight, 0)
    await app.close()
  })

  it('S3.3 what nobody routes meets the gate too, and problem details on request', async () => {
    const gate = cramped(1)
    const app = fastify()
    await app.register(sluice, { gate })
    assert.equal((await app.inject('/nowhere')).statusCode, 404)
    gate.tryEnter()
    const refused = await app.inject({ url: '/nowhere', headers: { accept: 'application/problem+json' } })
    assert.equal(refused.statusCode, 503)
    assert.equal(refused.headers['content-type'], 'application/problem+json')
    assert.equal(refused.headers['retry-after'], '1')
    await app.close()
  })

  it('dryRun lets everybody in, also where a route has a gate or settings of its own', async () => {
    const app = fastify()
    const work = new Work()
    await app.register(sluice, { gate: cramped(1), dryRun: true })
    app.get('/common', work.handler)
    app.get('/own', { config: { sluice: { gate: cramped(1) } } }, work.handler)
    app.get('/lane', { config: { sluice: { lane: 'low', perConnection: 1 } } }, work.handler)
    for (const url of ['/common', '/own', '/lane']) {
      assert.deepEqual(await together(app, url, work, 3), [200, 200, 200], url)
    }
    assert.equal(app.sluice.tally?.rejections, 4)
    await app.close()
  })

  it('a request that waited is served in its own async context', async () => {
    const storage = new AsyncLocalStorage<string>()
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10, maxWait: 5000 }) })
    const app = fastify()
    app.addHook('onRequest', (request, _reply, done) => storage.run(request.url, done))
    await app.register(sluice, { gate })
    app.get('/:id', async () => {
      await new Promise(setImmediate)
      return storage.getStore()
    })
    const answers = await Promise.all(['/a', '/b', '/c', '/d'].map(async (url) => (await app.inject(url)).body))
    assert.deepEqual(answers, ['/a', '/b', '/c', '/d'])
    assert.equal(gate.stats.inflight, 0)
    await app.close()
  })

  it('a request without a connection leaves nothing behind', async () => {
    const app = fastify()
    await app.register(sluice)
    app.get('/', () => 'ok')
    const before = [...openPipelines()].length
    for (let request = 0; request < 50; request++) assert.equal((await app.inject('/')).statusCode, 200)
    assert.equal([...openPipelines()].length, before)
    await app.close()
  })
})
