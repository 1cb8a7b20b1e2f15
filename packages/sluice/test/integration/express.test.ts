import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type NextFunction, type Request, type Response as Answer } from 'express'
import { degradation, type RefusedResponse } from '../../src/http/index.ts'
import { protect, signalOf } from '../../src/servers/express.ts'
import { semaphore, type Gate, type Outcome } from '../../src/index.ts'
import { connect, serving } from './loopback.ts'
import { until } from './waiting.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express

function watched(permits: number): { gate: Gate; outcomes: Outcome[] } {
  const outcomes: Outcome[] = []
  const observer = { released: (_arrival: unknown, outcome: Outcome): void => void outcomes.push(outcome) }
  return { gate: semaphore({ permits, name: 'api', observer }), outcomes }
}

for (const [name, version] of [
  ['express 5', express],
  ['express 4', express4],
] as const)
  describe(`sluice/express on ${name}`, () => {
    const app = (): ReturnType<typeof express> => version().set('env', 'test')

    it('a route has a gate of its own beside the common one, on one connection too', async () => {
      const outer = watched(100)
      const inner = watched(1)
      const server = app()
      const reports: (() => void)[] = []
      let most = 0
      server.use(protect({ gate: outer.gate }))
      server.get('/report', protect({ gate: inner.gate }), (_req, res) => {
        reports.push(() => void res.send('report'))
        most = Math.max(most, reports.length)
      })
      server.get('/', (_req, res) => void res.send('home'))
      await serving(createServer(server), async (port) => {
        const report = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/report`)).status
        const first = report()
        await until('the first', () => reports.length === 1)
        assert.deepEqual(await Promise.all([report(), report(), report()]), [503, 503, 503])
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'home')
        const client = await connect(port)
        client.send('GET /report HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(40))
        await until('all answers', () => client.received().split('HTTP/1.1 503').length === 41)
        client.leave()
        reports[0]!()
        assert.equal(await first, 200)
        assert.equal(most, 1)
        await until('no permit left', () => outer.gate.stats.inflight + inner.gate.stats.inflight === 0)
      })
    })

    it('a door that a request passes twice, and two doors with one gate, take one slot', async () => {
      const { gate, outcomes } = watched(1)
      const guard = protect({ gate })
      const router = version.Router()
      router.use(guard, protect({ gate, timeout: 1000 }))
      router.get('/x', (_req, res) => void res.send(String(gate.stats.inflight)))
      const server = app()
      server.use(guard)
      server.use('/a', router)
      server.use('/b', router)
      await serving(createServer(server), async (port) => {
        for (const path of ['/a/x', '/b/x']) {
          const response = await fetch(`http://127.0.0.1:${port}${path}`)
          assert.deepEqual([response.status, await response.text()], [200, '1'])
        }
        await until('the ends', () => outcomes.length === 2)
        assert.deepEqual([outcomes, gate.stats.inflight], [['success', 'success'], 0])
      })
    })

    it('what a handler throws, rejects with or passes on is answered as ever, and ends the permit as failure', async () => {
      const { gate, outcomes } = watched(1)
      const server = app()
      server.use(protect({ gate }))
      server.get('/throw', () => {
        throw new Error('thrown')
      })
      server.get('/next', (_req, _res, next) => next(new Error('passed')))
      // Only Express 5 looks at what a handler returns.
      server.get('/reject', (_req, _res, next) =>
        sleep(1)
          .then(() => Promise.reject(new Error('rejected')))
          .catch(next),
      )
      server.use(
        (error: Error, _req: Request, res: Answer, _next: NextFunction) => void res.status(500).send(error.message),
      )
      await serving(createServer(server), async (port) => {
        for (const [path, text] of [
          ['/throw', 'thrown'],
          ['/next', 'passed'],
          ['/reject', 'rejected'],
        ]) {
          const response = await fetch(`http://127.0.0.1:${port}${path}`)
          assert.deepEqual([response.status, await response.text()], [500, text])
        }
        await until('the ends', () => outcomes.length === 3)
        assert.deepEqual([outcomes, gate.stats.inflight], [['failure', 'failure', 'failure'], 0])
      })
    })

    it('what classify throws goes to the error handlers, with nothing taken', async () => {
      const { gate } = watched(1)
      const server = app()
      server.use(
        protect({
          gate,
          classify() {
            throw new Error('classify')
          },
        }),
      )
      server.use(
        (error: Error, _req: Request, res: Answer, _next: NextFunction) => void res.status(500).send(error.message),
      )
      await serving(createServer(server), async (port) => {
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'classify')
        assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 0 })
      })
    })

    it('HEAD and 204 end their permits; health bypasses, and not what is mounted to look like it', async () => {
      const { gate, outcomes } = watched(1)
      const server = app()
      server.use('/api', protect({ gate }))
      server.use(protect({ gate: semaphore({ permits: 1 }) }))
      server.get('/', (_req, res) => void res.send('home'))
      server.get('/api/health', (_req, res) => void res.status(204).end())
      server.get('/health', (_req, res) => void res.send('healthy'))
      await serving(createServer(server), async (port) => {
        assert.equal((await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' })).status, 200)
        assert.equal((await fetch(`http://127.0.0.1:${port}/api/health`)).status, 204)
        await until('its end', () => outcomes.length === 1)
        const held = gate.tryEnter()
        assert.equal((await fetch(`http://127.0.0.1:${port}/api/health`)).status, 503)
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/health`)).text(), 'healthy')
        if (held.admitted) held.release('success')
      })
    })

    it('S1.6 over its time: 504, and what the handler sends later harms nobody', async () => {
      const { gate, outcomes } = watched(1)
      const guard = protect({ gate, timeout: 50 })
      const server = app()
      let late: unknown
      server.use(guard)
      const slow = async (req: Request, res: Answer): Promise<void> => {
        await sleep(1000, undefined, { signal: signalOf(req) }).catch(() => undefined)
        await sleep(20)
        try {
          res.status(200).type('json').set('x-late', '1').cookie('late', '1')
          res.json({ late: true })
        } catch (error) {
          late = error
        }
      }
      server.get('/slow', (req, res, next) => void slow(req, res).catch(next))
      server.get('/', (_req, res) => void res.send('home'))
      await serving(createServer(server), async (port) => {
        const response = await fetch(`http://127.0.0.1:${port}/slow`)
        assert.equal(response.status, 504)
        assert.match(await response.text(), /DEADLINE_EXCEEDED/)
        await until('the end of the zombie', () => guard.zombies === 0)
        assert.equal(late, undefined)
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'home')
        await until('the ends', () => outcomes.length === 2)
        assert.deepEqual(outcomes, ['dropped', 'success'])
      })
    })

    it('S1.6 whose time is up further out meets no gate further in', async () => {
      const outer = watched(1)
      const inner = watched(1)
      const server = app()
      let calls = 0
      let passed = 0
      server.use(protect({ gate: outer.gate, timeout: 50 }))
      server.use((_req, _res, next) => {
        setTimeout(() => {
          passed++
          next()
        }, 100)
      })
      server.use(protect({ gate: inner.gate }))
      server.use(() => calls++)
      await serving(createServer(server), async (port) => {
        const client = await connect(port)
        client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
        await until('504', () => client.received().startsWith('HTTP/1.1 504'))
        await until('the middleware', () => passed === 1)
        assert.deepEqual([calls, inner.gate.stats.inflight, outer.gate.stats.inflight], [0, 0, 0])
        client.leave()
      })
    })

    it('S3.12 degradation answers instead, and onReject with an answer of its own', async () => {
      const server = app()
      const full = { value: { level: 1, cause: 'test' }, subscribe: () => ({ [Symbol.dispose]: () => undefined }) }
      const degraded = { status: 503, headers: { 'x-degraded': 'read-only' }, body: 'read only' }
      const readOnly = ({ method }: { readonly method: string }): RefusedResponse | undefined =>
        method === 'GET' ? undefined : degraded
      server.use(
        protect({
          gate: watched(1).gate,
          degradation: degradation({ pressure: full, steps: [{ name: 'read-only', above: 0.9, instead: readOnly }] }),
        }),
      )
      server.use(protect({ bypass: (req) => req.url !== '/full', gate: fullGate(), onReject: () => degraded }))
      server.use((_req, res) => void res.send('served'))
      await serving(createServer(server), async (port) => {
        const post = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' })
        assert.deepEqual([post.status, post.headers.get('x-degraded')], [503, 'read-only'])
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/full`)).text(), 'read only')
      })
    })
  })

function fullGate(): Gate {
  const gate = semaphore({ permits: 1 })
  gate.tryEnter()
  return gate
}
