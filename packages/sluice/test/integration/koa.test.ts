import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Koa from 'koa'
import { protect, signalOf } from '../../src/servers/koa.ts'
import { fifo, semaphore, type Gate, type Outcome } from '../../src/index.ts'
import { serverOf } from './http-laws-koa.ts'
import { connect, serving } from './loopback.ts'
import { until } from './waiting.ts'

function watched(permits: number): { gate: Gate; outcomes: Outcome[] } {
  const outcomes: Outcome[] = []
  const observer = { released: (_arrival: unknown, outcome: Outcome): void => void outcomes.push(outcome) }
  return { gate: semaphore({ permits, queue: fifo({ maxWait: 60_000 }), name: 'api', observer }), outcomes }
}

function silent(): Koa {
  const app = new Koa()
  app.silent = true
  return app
}

describe('sluice/koa', () => {
  it('holds the permit until a stream as the body has ended, long after await next()', async () => {
    const { gate, outcomes } = watched(1)
    const body = new PassThrough()
    let through = false
    const app = silent()
    app.use(async (_ctx, next) => {
      await next()
      through = true
    })
    app.use(protect({ gate }))
    app.use((ctx) => void (ctx.body = body))
    await serving(serverOf(app), async (port) => {
      const response = fetch(`http://127.0.0.1:${port}/`)
      await until('the middlewares', () => through)
      body.write('part one')
      await sleep(20)
      assert.equal(gate.stats.inflight, 1)
      body.end('part two')
      assert.equal(await (await response).text(), 'part onepart two')
      await until('the end', () => outcomes.length === 1)
      assert.deepEqual(outcomes, ['success'])
    })
  })

  it('a stream that fails ends the permit', async () => {
    const { gate, outcomes } = watched(1)
    const app = silent()
    app.use(protect({ gate }))
    app.use((ctx) => {
      ctx.body = Readable.from(
        (async function* () {
          yield 'part one'
          await sleep(10)
          throw new Error('source')
        })(),
      )
    })
    await serving(serverOf(app), async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/`)
      await assert.rejects(response.text())
      await until('the end', () => outcomes.length === 1)
      assert.notEqual(outcomes[0], 'success')
      assert.equal(gate.stats.inflight, 0)
    })
  })

  it('S2.8 a handler that throws once it has begun to answer past Koa gives its permit back: Koa ends no such response', async () => {
    const { gate, outcomes } = watched(1)
    const app = silent()
    app.use(protect({ gate }))
    app.use((ctx) => {
      if (ctx.path === '/after') ctx.res.write('begun')
      if (ctx.path === '/missing') ctx.throw(404)
      throw new Error('after')
    })
    await serving(serverOf(app), async (port) => {
      const caller = await connect(port)
      caller.send('GET /after HTTP/1.1\r\nhost: x\r\n\r\n')
      await until('the end', () => outcomes.length === 1)
      assert.deepEqual(outcomes, ['failure'])
      assert.equal(gate.stats.inflight, 0)
      caller.leave()
      // Before the headers the status of Koa's answer says more: a 404 is no failure.
      assert.equal((await fetch(`http://127.0.0.1:${port}/missing`)).status, 404)
      await until('the second end', () => outcomes.length === 2)
      assert.deepEqual(outcomes, ['failure', 'success'])
    })
  })

  it('middlewares further out see the status of a refusal, and end also when the client left before its turn', async () => {
    const { gate } = watched(1)
    const seen: string[] = []
    const app = silent()
    app.use(async (ctx, next) => {
      await next()
      seen.push(`${ctx.path} ${ctx.status}`)
    })
    app.use(protect({ gate, arrival: (ctx) => (ctx.originalUrl === '/impatient' ? { maxWait: 0 } : {}) }))
    app.use((ctx) => void (ctx.body = 'served'))
    await serving(serverOf(app), async (port) => {
      const held = gate.tryEnter()
      assert.ok(held.admitted)
      const response = await fetch(`http://127.0.0.1:${port}/impatient`)
      assert.equal(response.status, 503)
      assert.match(await response.text(), /LIMIT_EXCEEDED/)
      await until('the middleware', () => seen.length === 1)
      assert.deepEqual(seen, ['/impatient 503'])
      const client = await connect(port)
      client.send('GET /left HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the waiter', () => gate.stats.queued === 1)
      client.leave()
      await until('the middleware', () => seen.length === 2)
      held.release('success')
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'served')
    })
  })

  it('errors are answered by Koa and end the permit as failure; what classify throws is one of them', async () => {
    const { gate, outcomes } = watched(1)
    const app = silent()
    app.use(
      protect({
        gate,
        classify({ path }) {
          if (path === '/classify') throw Object.assign(new Error('classify'), { status: 400, expose: true })
          return 'normal'
        },
      }),
    )
    app.use((ctx) => ctx.throw(503, 'behind'))
    await serving(serverOf(app), async (port) => {
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 503)
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/classify`)).text(), 'classify')
      await until('the end', () => outcomes.length === 1)
      assert.deepEqual([outcomes, gate.stats.inflight], [['dropped'], 0])
    })
  })

  it('S1.6 over its time: 504, and what the handler sets later harms nobody', async () => {
    const { gate, outcomes } = watched(1)
    const guard = protect({ gate, timeout: 50 })
    const errors: Error[] = []
    const app = silent()
    app.on('error', (error: Error) => errors.push(error))
    let done = 0
    app.use(guard)
    app.use(async (ctx) => {
      if (ctx.path === '/') {
        ctx.body = 'home'
        return
      }
      await sleep(1000, undefined, { signal: signalOf(ctx.req) }).catch(() => undefined)
      ctx.set('x-late', '1')
      ctx.status = 200
      ctx.body = ctx.path === '/stream' ? Readable.from(['late']) : { late: true }
      done++
    })
    await serving(serverOf(app), async (port) => {
      for (const path of ['/slow', '/stream']) {
        const response = await fetch(`http://127.0.0.1:${port}${path}`)
        assert.deepEqual([response.status, response.headers.get('x-late')], [504, null])
        assert.match(await response.text(), /DEADLINE_EXCEEDED/)
      }
      await until('both handlers', () => done === 2)
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'home')
      await until('the ends', () => outcomes.length === 3)
      assert.deepEqual([outcomes, errors], [['dropped', 'dropped', 'success'], []])
    })
  })
})
