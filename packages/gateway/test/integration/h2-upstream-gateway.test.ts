import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { connect as speak, type ServerHttp2Stream } from 'node:http2'
import { describe, it } from 'node:test'
import type { Gateway } from '../../src/gateway.ts'
import { ask, gatewayOf, planOf } from './config-rig.ts'
import { h2Server } from './h2-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { askStream, LISTEN_H2C, plainGateway } from './tls-rig.ts'

const app = (port: number, more = ''): string =>
  `upstreams: { app: { http2: true, servers: [{ url: "http://127.0.0.1:${port}" }]${more} } }\n`
const LIMIT = 'limits: { default: { kind: fixed, limit: 1, queue: { capacity: 1, maxWait: 10s } } }\n'

const inflight = (gateway: Gateway): number => gateway.snapshot().now.inflight
const isFree = (gateway: Gateway): boolean => inflight(gateway) === 0 && gateway.pending === 0

describe('a gateway before an upstream that speaks HTTP/2', () => {
  it('HTTP/1.1 and HTTP/2 in, HTTP/2 out over one connection, bodies byte for byte', async () => {
    await scene(async (stage) => {
      const server = await h2Server(stage, (stream, { via, 'x-forwarded-proto': proto }) => {
        stream.respond({ ':status': 200, 'x-via': via, 'x-proto': proto })
        stream.pipe(stream)
      })
      const gateway = await plainGateway(stage, app(server.port))
      const on = speak(`http://127.0.0.1:${gateway.port}`, { maxSessionMemory: 100 })
      stage.onEnd(() => on.destroy())
      const body = randomBytes(2 ** 20)
      const text = body.toString('hex')
      const streams = Array.from({ length: 10 }, () => askStream(on, { ':method': 'POST' }, body))
      const [{ status, body: back, headers }, ...answers] = await Promise.all([
        ask(gateway.port, { method: 'POST', body: text }),
        ...streams,
      ])
      assert.deepEqual([status, back === text, headers['x-via'], headers['x-proto']], [200, true, '1.1 sluice', 'http'])
      const sum = createHash('sha256').update(body).digest('hex')
      for (const { status: each, body: got, headers: told } of answers) {
        assert.deepEqual([each, createHash('sha256').update(got).digest('hex')], [200, sum])
        assert.equal(told['x-via'], '2 sluice')
      }
      assert.equal(server.sessions.length, 1)
      await until('it to be free', () => isFree(gateway))
    })
  })

  for (const [phase, target, half] of [
    ['while it waits for its answer', '/mute', false],
    ['in the middle of the answer', '/slow', false],
    ['in the middle of the upload', '/mute', true],
  ] as const)
    it(`S1.4 a client that leaves ${phase}: the stream is reset at once, and its slot is the next one's`, async () => {
      await scene(async (stage) => {
        const streams: ServerHttp2Stream[] = []
        const paths: unknown[] = []
        const server = await h2Server(stage, (stream, { ':path': path }) => {
          streams.push(stream)
          paths.push(path)
          stream.resume()
          if (path === '/mute') return
          stream.respond({ ':status': 200 })
          if (path === '/slow') stream.write('some')
          else stream.end('next')
        })
        const gateway = await gatewayOf(stage, app(server.port) + LIMIT)
        const client = await stage.connect(gateway.port)
        const head = `POST ${target} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n`
        client.send(head + (half ? 'ab' : 'abcde'))
        await until(
          'the upstream',
          () => streams.length === 1 && (target === '/mute' || client.received().includes('some')),
        )
        // One waits behind it, and another leaves while it waits.
        const waiting = ask(gateway.port, { path: '/next' })
        await until('it to wait', () => gateway.snapshot().now.queued === 1)
        const began = performance.now()
        client.leave()
        await until('the reset', () => streams[0]!.closed)
        assert.ok(performance.now() - began < 500, 'at once')
        assert.equal(streams[0]!.rstCode, 8)
        assert.equal((await waiting).body, 'next')
        assert.deepEqual(paths, [target, '/next'])
        await until('it to be free', () => isFree(gateway) && server.open === 0)
        assert.equal(server.sessions.length, 1)
      })
    })

  it('health checks ask over the same connection, and take out who does not speak HTTP/2', async () => {
    await scene(async (stage) => {
      const paths: unknown[] = []
      const server = await h2Server(stage, (stream, { ':path': path }) => {
        paths.push(path)
        stream.respond({ ':status': 200 })
        stream.end('here')
      })
      const old = await stage.upstream((_req, res) => res.end('old'))
      const health = ', health: { path: /health, every: 100ms, failAfter: 1, passAfter: 1 }'
      const urls = [server.port, old].map((port) => `{ url: "http://127.0.0.1:${port}" }`).join(', ')
      const gateway = await gatewayOf(stage, `upstreams: { app: { http2: true, servers: [${urls}]${health} } }\n`)
      const fit = () => gateway.snapshot().upstreams.map(({ healthy }) => healthy)
      await until('the other one to be out', () => fit()[1] === false && paths.length >= 2)
      const bodies = await Promise.all(Array.from({ length: 10 }, async () => (await ask(gateway.port)).body))
      assert.deepEqual(new Set(bodies), new Set(['here']))
      assert.equal(server.sessions.length, 1)
    })
  })

  it('is switched by a reload; what it says of its overload narrows the door as over HTTP/1.1', async () => {
    await scene(async (stage) => {
      const server = await h2Server(stage, (stream) => {
        stream.respond({ ':status': 503, 'retry-after': '7' }, { endStream: true })
      })
      const over = app(server.port)
      const gateway = await plainGateway(stage, over.replace('http2: true, ', ''))
      assert.equal((await ask(gateway.port)).status, 502)
      assert.deepEqual((await gateway.reload(planOf(LISTEN_H2C + over))).waiting, [])
      const { status, headers } = await ask(gateway.port)
      assert.deepEqual([status, headers['retry-after']], [503, '7'])
      const [told] = gateway.snapshot().upstreams
      assert.equal(told?.refused, 1)
      const plain = LISTEN_H2C.replace(', h2c: true', '')
      assert.deepEqual((await gateway.reload(planOf(plain + over))).waiting, ['listen.h2c'])
    })
  })
})
