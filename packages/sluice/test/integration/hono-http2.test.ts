import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { connect, createServer, type ClientHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { fifo, semaphore, type Outcome } from '../../src/index.ts'
import { protect, signalOf } from '../../src/servers/hono.ts'
import { until } from './waiting.ts'

/** Hono under @hono/node-server, spoken to over one connection of HTTP/2. */
async function speaking(app: Hono, prove: (client: ClientHttp2Session) => Promise<void>): Promise<void> {
  const server = createAdaptorServer({ fetch: app.fetch, createServer })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(`http://127.0.0.1:${port}`)
  try {
    await prove(client)
  } finally {
    client.destroy()
    const closed = once(server, 'close')
    server.close()
    await closed
  }
}

function status(client: ClientHttp2Session, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': path })
    let answered: number | undefined
    stream.on('response', (headers) => (answered = headers[':status']))
    stream.on('end', () => resolve(answered))
    stream.on('error', reject)
    stream.resume()
  })
}

describe('sluice/hono over HTTP/2', () => {
  it('one stream that ends takes no other along: none of them loses its slot or its place', async () => {
    const ends: (() => void)[] = []
    const outcomes: Outcome[] = []
    const gate = semaphore({
      permits: 2,
      queue: fifo({ capacity: 10, maxWait: 10_000 }),
      observer: { released: (_arrival, outcome) => void outcomes.push(outcome) },
    })
    const app = new Hono()
    const storage = new AsyncLocalStorage<string>()
    app.use((c, next) => storage.run(c.req.path, next))
    app.use(protect({ gate }))
    app.get('/:id', async (c) => {
      await new Promise<void>((resolve) => void ends.push(resolve))
      return c.text(storage.getStore() === c.req.path ? 'own context' : 'of another', { status: 200 })
    })
    await speaking(app, async (client) => {
      const asked = [1, 2, 3, 4].map((id) => status(client, `/${id}`))
      await until('two at work, two waiting', () => ends.length === 2 && gate.stats.queued === 2)
      ends.shift()!()
      await until('the third at work', () => ends.length === 2)
      assert.equal(await asked[0], 200)
      assert.deepEqual([gate.stats.inflight, gate.stats.queued], [2, 1])
      for (let left = 3; left > 0; left--) {
        await until('somebody at work', () => ends.length > 0)
        ends.shift()!()
      }
      assert.deepEqual(await Promise.all(asked), [200, 200, 200, 200])
      await until('the end of all', () => gate.stats.inflight === 0)
      assert.deepEqual(outcomes, ['success', 'success', 'success', 'success'])
    })
  })

  for (const method of ['GET', 'HEAD'])
    it(`${method}: a stream that is reset gives its slot back, waits no longer, and its handler hears of it`, async () => {
      const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10, maxWait: 10_000 }) })
      let signal: AbortSignal | undefined
      const app = new Hono()
      app.use(protect({ gate }))
      app.get('/', async (c) => {
        signal = signalOf(c)
        await new Promise((resolve) => signal?.addEventListener('abort', resolve))
        return c.text('nobody is there')
      })
      await speaking(app, async (client) => {
        const first = client.request({ ':path': '/', ':method': method })
        await until('the handler at work', () => signal !== undefined)
        const second = client.request({ ':path': '/', ':method': method })
        for (const stream of [first, second]) stream.on('error', () => undefined)
        await until('one waiting', () => gate.stats.queued === 1)
        second.close(8)
        await until('nobody waiting', () => gate.stats.queued === 0)
        assert.equal(gate.stats.inflight, 1)
        first.close(8)
        await until('the slot back', () => gate.stats.inflight === 0)
        assert.equal(signal?.aborted, true)
      })
    })
})

describe('sluice/hono under a slow reader', () => {
  it('S1.6 an answer that is whole and only read slowly is not late', async () => {
    const gate = semaphore({ permits: 1 })
    const app = new Hono()
    const big = 'x'.repeat(8_000_000)
    app.use(protect({ gate, timeout: 150 }))
    app.get('/', (c) => c.text(big))
    await speaking(app, async (client) => {
      const stream = client.request({ ':path': '/' })
      let read = 0
      let failed: unknown
      stream.on('error', (error) => (failed = error))
      stream.pause()
      await until('the answer begun', () => gate.stats.inflight === 1)
      // Longer than the time a handler has, which this one has not used.
      const since = process.hrtime.bigint()
      await until('time to pass', () => process.hrtime.bigint() - since > 400_000_000n)
      assert.equal(gate.stats.inflight, 1)
      stream.on('data', (piece: Buffer) => (read += piece.length))
      stream.resume()
      await until('all of it', () => read === big.length || failed !== undefined)
      assert.equal(failed, undefined)
      await until('the slot back', () => gate.stats.inflight === 0)
    })
  })
})
