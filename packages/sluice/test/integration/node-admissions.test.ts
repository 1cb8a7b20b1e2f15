import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { protect, type RequestHandler } from '../../src/servers/node.ts'
import { fifo, semaphore, type Arrival } from '../../src/index.ts'
import { connect, serving } from './loopback.ts'
import { until } from './waiting.ts'

const answerOk: RequestHandler = (_req, res) => void res.end('ok')

describe('sluice/node admits', () => {
  it('Expect: 100-continue with 100, once its turn has come', async () => {
    const gate = semaphore({ permits: 1, name: 'api', queue: fifo({ maxWait: 60_000 }) })
    const held = gate.tryEnter()
    assert.ok(held.admitted)
    const guarded = protect((req, res) => void req.pipe(res), { gate })
    const server = createServer(guarded)
    server.on('checkContinue', guarded.checkContinue)
    await serving(server, async (port) => {
      const client = await connect(port)
      client.send('POST / HTTP/1.1\r\nhost: loopback\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n')
      await until('the waiter', () => gate.stats.queued === 1)
      // A round trip on another connection: had there been a 100, it would be here.
      await fetch(`http://127.0.0.1:${port}/health`)
      assert.equal(client.received(), '')
      held.release('success')
      await until('100', () => client.received() === 'HTTP/1.1 100 Continue\r\n\r\n')
      assert.equal(gate.stats.inflight, 1)
      client.send('hello')
      await until('the echo', () => client.received().includes('hello'))
      await until('the end of the permit', () => gate.stats.inflight === 0)
      client.leave()
    })
  })

  it('S3.3 X-Queue-Wait-Time on a request that waited over 100 ms, served or refused, and on no other', async () => {
    const gate = semaphore({ permits: 1, name: 'api', queue: fifo({ capacity: 2, maxWait: 60_000 }) })
    const arrival = ({ url }: { url?: string | undefined }): Arrival => (url === '/impatient' ? { maxWait: 200 } : {})
    await serving(createServer(protect(answerOk, { gate, arrival })), async (port) => {
      const ask = async (path: string): Promise<[number, string | null]> => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`)
        await response.arrayBuffer()
        return [response.status, response.headers.get('x-queue-wait-time')]
      }
      assert.deepEqual(await ask('/'), [200, null])
      const held = gate.tryEnter()
      assert.ok(held.admitted)
      const [refused, told] = await ask('/impatient')
      assert.equal(refused, 503)
      assert.match(told ?? '', /^\d\.\d{3}$/)
      assert.ok(Number(told) >= 0.2, `told ${told} s`)
      const waiting = ask('/')
      await until('the waiter', () => gate.stats.queued === 1)
      setTimeout(() => held.release('success'), 150)
      const [served, waited] = await waiting
      assert.equal(served, 200)
      assert.match(waited ?? '', /^\d\.\d{3}$/)
      assert.ok(Number(waited) >= 0.1, `told ${waited} s`)
    })
  })

  it('counts for itself unless it was given a gate', async () => {
    const guarded = protect(answerOk)
    assert.equal(guarded.gate.name, 'http')
    await serving(createServer(guarded), async (port) => {
      await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer()
      await until('the end of the permit', () => guarded.tally?.releasesBy.success === 1)
      assert.equal(guarded.tally?.admissions, 1)
      assert.equal(protect(answerOk, { gate: semaphore({ permits: 1 }) }).tally, undefined)
    })
  })

  it('asks for what `arrival` says, and what it throws takes nothing', async () => {
    const gate = semaphore({ permits: 4, name: 'api' })
    const arrival = ({ url }: { url?: string | undefined }): Arrival => {
      if (url === '/throw') throw new Error('arrival')
      return { cost: 3 }
    }
    const guarded = protect((_req, res) => void res.end(String(gate.stats.inflight)), { gate, arrival })
    const server = createServer((req, res) => {
      try {
        guarded(req, res)
      } catch (error) {
        res.end((error as Error).message)
      }
    })
    await serving(server, async (port) => {
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), '3')
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/throw`)).text(), 'arrival')
      await until('the end of the permit', () => gate.stats.inflight === 0)
    })
  })

  it('a handler that had to wait runs in the async context of its own request', async () => {
    const context = new AsyncLocalStorage<string | undefined>()
    const gate = semaphore({ permits: 1, name: 'api', queue: fifo({ maxWait: 60_000 }) })
    const guarded = protect((_req, res) => void res.end(`context ${context.getStore()}`), { gate })
    const server = createServer((req, res) => context.run(req.url, () => guarded(req, res)))
    await serving(server, async (port) => {
      const held = gate.tryEnter()
      assert.ok(held.admitted)
      const answers = ['/a', '/b'].map(async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).text())
      await until('the waiters', () => gate.stats.queued === 2)
      context.run('/releaser', () => held.release('success'))
      assert.deepEqual(await Promise.all(answers), ['context /a', 'context /b'])
    })
  })
})
