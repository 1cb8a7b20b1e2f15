import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { describe, it } from 'node:test'
import { createAdaptorServer, getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { protect as protectFetch } from '../../src/fetch/index.ts'
import { openPipelines } from '../../src/http/index.ts'
import { fifo, semaphore, type Gate } from '../../src/index.ts'
import { protect as protectHono } from '../../src/servers/hono.ts'
import { protect as protectNode } from '../../src/servers/node.ts'
import { connect, serving, type Connection } from './loopback.ts'
import { until } from './waiting.ts'

const COUNT = 200
const gets = (count: number): string =>
  Array.from({ length: count }, (_, at) => `GET /${at} HTTP/1.1\r\nhost: a\r\n\r\n`).join('')
const paths = (count: number): string => Array.from({ length: count }, (_, at) => `/${at} `).join('')
const answered = (client: Connection, status = 200): number => client.received().split(`HTTP/1.1 ${status}`).length - 1
const roomy = (): Gate => semaphore({ permits: 1_000_000 })
const sharing = (): (() => Options) => {
  const gate = semaphore({ permits: 1, queue: fifo({ capacity: 100, maxWait: 1000 }) })
  return () => ({ gate })
}

function held(): number {
  let sum = 0
  for (const pipeline of openPipelines()) sum += pipeline.held
  return sum
}

/** A handler in the manner of fetch that answers when it is told to. */
class Slow {
  order = ''
  active = 0
  most = 0
  readonly #pending: (() => void)[] = []
  #answering = false

  readonly handle = async (request: Request): Promise<Response> => {
    this.order += `${new URL(request.url).pathname} `
    this.most = Math.max(this.most, ++this.active)
    if (!this.#answering) await new Promise<void>((resolve) => this.#pending.push(resolve))
    this.active--
    return new Response('x')
  }

  answer(): void {
    this.#answering = true
    for (const resolve of this.#pending.splice(0)) resolve()
  }
}

interface Options {
  readonly gate: Gate
  readonly perConnection?: number
}

const DOORS: Readonly<Record<string, (work: Slow, options: Options) => Server>> = {
  'sluice/hono': (work, options) => {
    const app = new Hono()
    app.use(protectHono(options))
    app.get('*', ({ req }) => work.handle(req.raw))
    return createAdaptorServer({ fetch: app.fetch }) as Server
  },
  'sluice/fetch': (work, options) =>
    createAdaptorServer({ fetch: protectFetch<[env: unknown]>(work.handle, options) }) as Server,
}

for (const [name, make] of Object.entries(DOORS))
  describe(`${name} under @hono/node-server, many requests on one connection`, () => {
    it(`of ${COUNT} pipelined requests 32 are started at once, and all of them are served in order`, async () => {
      const work = new Slow()
      const gate = roomy()
      await serving(make(work, { gate }), async (port) => {
        const client = await connect(port)
        client.send(gets(COUNT))
        await until('the rest to be held back', () => held() === COUNT - 32)
        assert.deepEqual([work.active, gate.stats.inflight], [32, 32])
        work.answer()
        await until('all answers', () => answered(client) === COUNT)
        assert.deepEqual([work.order, work.most], [paths(COUNT), 32])
        await until('nothing left', () => gate.stats.inflight === 0 && held() === 0)
        client.leave()
      })
    })

    it('control: with `perConnection: Infinity` all of them are at work at once', async () => {
      const work = new Slow()
      await serving(make(work, { gate: roomy(), perConnection: Infinity }), async (port) => {
        const client = await connect(port)
        client.send(gets(COUNT))
        await until('all of them', () => work.active === COUNT)
        work.answer()
        await until('all answers', () => answered(client) === COUNT)
        client.leave()
      })
    })

    for (const [perConnection, refused] of [[32, 0] as const, [Infinity, COUNT - 4] as const])
      it(`while one waits at the gate those behind it do not: ${refused} refused with ${perConnection}`, async () => {
        const work = new Slow()
        const gate = semaphore({ permits: 1, queue: fifo({ capacity: 3, maxWait: 30_000 }) })
        await serving(make(work, { gate, perConnection }), async (port) => {
          const client = await connect(port)
          client.send(gets(COUNT))
          await until('one waits', () => gate.stats.queued > 0)
          assert.equal(gate.stats.queued, refused === 0 ? 1 : 3)
          work.answer()
          await until('all answers', () => answered(client) + answered(client, 503) === COUNT)
          assert.deepEqual([answered(client, 503), gate.stats.inflight], [refused, 0])
          client.leave()
        })
      })

    it('a client that leaves or is reset takes along what is at work, what waits and what is held back', async () => {
      for (const permits of [1_000_000, 1]) {
        const work = new Slow()
        const gate = semaphore({ permits, queue: fifo({ capacity: 3, maxWait: 30_000 }) })
        await serving(make(work, { gate }), async (port) => {
          const clients = [await connect(port), await connect(port)] as const
          for (const client of clients) client.send(gets(COUNT))
          const begun = permits === 1 ? 1 : 64
          await until('the rest to be held back', () => work.active === begun && held() > 0)
          clients[0].leave()
          clients[1].reset()
          await until('nothing left', () => gate.stats.inflight + gate.stats.queued + held() === 0)
          work.answer()
          assert.equal(work.most, begun)
        })
      }
    })

    for (const outermost of ['sluice/node', name])
      for (const [what, one] of [
        ['with one at a time', (): Options => ({ perConnection: 1, gate: roomy() })],
        ['with one gate for all of one slot', sharing()],
      ] as const)
        it(`who passed ${outermost} is not held back further in, ${what}: it would wait for itself`, async () => {
          const work = new Slow()
          work.answer()
          const app = new Hono()
          app.use(protectHono(one()), protectHono(one()))
          app.get('*', ({ req }) => work.handle(req.raw))
          const twice = protectFetch<[env: unknown]>(protectFetch<[env: unknown]>(work.handle, one()), one())
          const inner = getRequestListener(name === 'sluice/hono' ? app.fetch : twice)
          const listener: RequestListener = (req, res) => void inner(req, res)
          const outer = outermost === 'sluice/node' ? protectNode(listener, one()) : listener
          await serving(createServer(outer), async (port) => {
            const client = await connect(port)
            client.send(gets(20))
            await until('all answers', () => answered(client) === 20)
            assert.equal(work.order, paths(20))
            client.leave()
          })
        })

    it('is a whole number of at least 1, or Infinity', () => {
      for (const perConnection of [0, -1, 1.5, Number.NaN])
        assert.throws(
          () => make(new Slow(), { gate: roomy(), perConnection }),
          /perConnection: expected a whole number/,
        )
    })
  })

describe('an app that is mounted in another one, which makes another Request of each', () => {
  it('one gate of one slot in both lets a request in once, and has its slot back after each', async () => {
    const one = sharing()
    const mounted = new Hono()
    mounted.use(protectHono(one()))
    mounted.get('/:at', ({ text, req }) => text(`inner ${req.path} ${one().gate.stats.inflight}`))
    const app = new Hono()
    app.use(protectHono(one()))
    app.mount('/m', mounted.fetch)
    await serving(createAdaptorServer({ fetch: app.fetch }) as Server, async (port) => {
      const client = await connect(port)
      client.send(gets(3).replaceAll('GET ', 'GET /m'))
      await until('all answers', () => answered(client) === 3)
      assert.deepEqual(client.received().match(/inner \S+ \d/g), ['inner /0 1', 'inner /1 1', 'inner /2 1'])
      await until('the slot', () => one().gate.stats.inflight === 0)
      client.leave()
    })
  })
})
