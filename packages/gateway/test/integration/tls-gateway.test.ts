import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import { ConfigProblems } from '../../src/config/index.ts'
import { startGateway } from '../../src/gateway.ts'
import { identityOf } from '../../src/tls/index.ts'
import { app, planOf } from './config-rig.ts'
import { curl, noCurl } from './proxy-curl.ts'
import { connect, scene, until, type Scene } from './proxy-rig.ts'
import {
  askStream,
  certificate,
  frames,
  GOAWAY,
  line,
  listenTls,
  noOpenssl,
  secureGateway,
  session,
  type Certificate,
} from './tls-rig.ts'

function serialOf(socket: TLSSocket): string {
  return socket.getPeerCertificate().serialNumber
}

/** Over HTTP/1.1 on a connection of its own. */
function ask(port: number, { ca }: Certificate, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: 'localhost', port, ca, headers, agent: new Agent({ keepAlive: false }) }
    const req = request(options, (res) => {
      res.resume().on('end', () => resolve(res.statusCode ?? 0))
    })
    req.on('error', reject)
    req.end()
  })
}

describe('the data port behind TLS', { skip: noOpenssl }, () => {
  it('speaks HTTP/1.1 and HTTP/2, and tells the upstream that it was https', async () => {
    await scene(async (stage) => {
      const seen: IncomingHttpHeaders[] = []
      const port = await stage.upstream((req, res) => {
        seen.push(req.headers)
        res.end('x')
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const spoof = { 'x-forwarded-proto': 'http', 'x-forwarded-for': '6.6.6.6' }
      assert.equal(await ask(gateway.port, shown, spoof), 200)
      const on = await session(stage, gateway.port, shown)
      assert.equal((await askStream(on, spoof)).status, 200)
      const host = `localhost:${gateway.port}`
      for (const [at, via] of ['1.1 sluice', '2 sluice'].entries()) {
        const { host: asked, via: hop, 'x-forwarded-proto': proto, 'x-forwarded-for': from } = seen[at]!
        assert.deepEqual([asked, hop, proto, from], [host, via, 'https', '127.0.0.1'])
      }
      // A client that does not know of TLS is told nothing, and takes nothing.
      const plain = await connect(gateway.port)
      plain.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await until('its end', () => plain.closed)
      assert.equal(seen.length, 2)
      // The admin port is what it was.
      const health = await fetch(`http://127.0.0.1:${gateway.adminPort}/health/ready`)
      assert.equal(health.status, 200)
    })
  })

  it('believes trusted proxies over HTTP/2, too', async () => {
    await scene(async (stage) => {
      const seen: IncomingHttpHeaders[] = []
      const port = await stage.upstream((req, res) => {
        seen.push(req.headers)
        res.end()
      })
      const shown = certificate(stage)
      const gateway = await startGateway({
        config: planOf(listenTls(shown, ', trustedProxies: [loopback]') + app(port)),
      })
      stage.onEnd(() => gateway.close())
      const on = await session(stage, gateway.port, shown)
      await askStream(on, { 'x-forwarded-proto': 'http', 'x-forwarded-for': '6.6.6.6' })
      assert.equal(seen[0]!['x-forwarded-for'], '6.6.6.6, 127.0.0.1')
      assert.equal(seen[0]!['x-forwarded-proto'], 'http')
    })
  })

  it('serves curl over either', { skip: noCurl }, async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((req, res) => void req.pipe(res))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const common = ['--cacert', shown.cert, '-i', '--data', 'body', `https://localhost:${gateway.port}/`]
      assert.match(await curl('--http1.1', ...common), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nbody$/)
      const over2 = await curl('--http2', ...common)
      // Not every curl has been built with it.
      if (!over2.startsWith('HTTP/1.1')) assert.match(over2, /^HTTP\/2 200 \r\n[^]*\r\n\r\nbody$/)
    })
  })

  it('an upgrade to what is no WebSocket is an ordinary request, and WebSockets are served over HTTP/1.1', async () => {
    await scene(async (stage) => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      stage.onEnd(() => server.close())
      await once(server, 'listening')
      server.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })))
      const { port } = server.address() as { port: number }
      const plain = await stage.upstream((_req, res) => void res.end('plain'))
      const shown = certificate(stage)
      const text = `${app(port)}routes: [{ path: /ws, upstream: app }, { path: /*, upstream: plain }]\n`
      const both = text.replace('}] } }\n', `}] }, plain: { servers: [{ url: "http://127.0.0.1:${plain}" }] } }\n`)
      const gateway = await secureGateway(stage, shown, both)
      const one = await line(stage, gateway.port, shown)
      one.socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n')
      await until('an answer', () => one.text().endsWith('plain'))
      const ws = new WebSocket(`wss://localhost:${gateway.port}/ws`, { ca: shown.ca })
      stage.onEnd(() => ws.terminate())
      await once(ws, 'open')
      ws.send('hello')
      const [echo] = (await once(ws, 'message')) as [Buffer]
      assert.equal(String(echo), 'hello')
    })
  })

  it('S1.10 a new certificate is shown to who comes after it; open connections stay', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((req, res) => void (req.url === '/hold' ? held.push(res) : res.end('x')))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const plan = planOf(listenTls(shown) + app(port))
      const on = await session(stage, gateway.port, shown)
      const before = serialOf(on.socket as unknown as TLSSocket)
      const holding = askStream(on, { ':path': '/hold' })
      await until('it at work', () => held.length === 1)

      const renewed = certificate(stage, shown)
      await gateway.reload(plan)
      const fresh = await session(stage, gateway.port, renewed)
      const after = serialOf(fresh.socket as unknown as TLSSocket)
      assert.notEqual(after, before)
      assert.equal((await askStream(on)).status, 200)
      held[0]!.end('held')
      assert.equal((await holding).body.toString(), 'held')

      for (const [file, text, why] of [
        [
          shown.key,
          'no key',
          /^listen\.tls\.key: expected a PEM file with the private key of listen\.tls\.cert.*no priv/,
        ],
        [shown.key, certificateOfOther(stage), /^listen\.tls\.key: .*the key of another one/],
        [shown.cert, '', /^listen\.tls\.cert: expected a PEM file with a certificate.*no certificate/],
      ] as const) {
        writeFileSync(file, text)
        await assert.rejects(
          gateway.reload(plan),
          (error) => error instanceof ConfigProblems && why.test(error.message),
        )
      }
      const still = await session(stage, gateway.port, renewed)
      assert.equal(serialOf(still.socket as unknown as TLSSocket), after)
      assert.equal((await askStream(still)).status, 200)
      assert.equal(gateway.snapshot().plan.loads, 2)
      // To begin or to end with TLS is another port: it waits for a restart.
      const { waiting } = await gateway.reload(
        planOf(`listen: { host: 127.0.0.1, port: 0, adminPort: 0 }\n${app(port)}`),
      )
      assert.ok(waiting.includes('listen.tls'))
      assert.equal((await askStream(still)).status, 200)
    })
  })

  it('S3.3 a certificate that cannot be shown is told with its field, what was found and what was expected', async () => {
    await scene(async (stage) => {
      const [shown, other] = [certificate(stage), certificate(stage)]
      const { cert, key } = shown
      const minVersion = 'TLSv1.2'
      const locked = `${key}.locked`
      const made = spawnSync('openssl', ['pkey', '-in', key, '-aes256', '-passout', 'pass:secret', '-out', locked])
      assert.equal(made.status, 0)
      for (const [identity, expected] of [
        [{ cert: `${cert}.none`, key }, /^listen\.tls\.cert: expected a PEM file .*cert\.pem\.none \(ENOENT\)$/],
        [{ cert, key: dirname(key) }, /^listen\.tls\.key: expected .* \(EISDIR\)$/],
        [{ cert, key: other.key }, /^listen\.tls\.key: expected .* \(the key of another one\)$/],
        [{ cert: key, key }, /^listen\.tls\.cert: expected .* \(no certificate\)$/],
        [{ cert, key: cert }, /^listen\.tls\.key: expected .* \(no private key\)$/],
        [{ cert, key: locked }, /^listen\.tls\.key: expected .* \(one with a passphrase\)$/],
      ] as const)
        await assert.rejects(identityOf({ ...identity, minVersion }), (error) => {
          assert.ok(error instanceof ConfigProblems)
          assert.match(error.message, expected)
          return true
        })
      assert.equal((await identityOf({ cert, key, minVersion })).names, 'DNS:localhost, IP Address:127.0.0.1')
    })
  })

  it('S1.10 a drain ends streams first and sessions then, and does not wait for who says nothing', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const busy = await session(stage, gateway.port, shown)
      let farewell = false
      busy.on('goaway', () => (farewell = true))
      const idle = await session(stage, gateway.port, shown)
      const bare = await frames(stage, gateway.port, shown)
      // One has asked nothing, one is kept, and one has not even said hello.
      const silent = await line(stage, gateway.port, shown)
      const unborn = await connect(gateway.port)
      stage.onEnd(() => unborn.leave())
      const answer = askStream(busy)
      await until('it at work', () => held.length === 1)
      await until('all settings', () => bare.frames.length >= 2)
      const drained = gateway.drain(10_000)
      await until('the farewell', () => farewell && bare.frames.some(({ type }) => type === GOAWAY))
      await until(
        'the idle ones to be gone',
        () => idle.closed && silent.socket.destroyed && unborn.closed && bare.closed,
      )
      assert.equal(busy.destroyed, false)
      held[0]!.write('all ')
      held[0]!.end('of it')
      assert.equal((await answer).body.toString(), 'all of it')
      const start = performance.now()
      assert.deepEqual(await drained, { cutOff: 0 })
      assert.ok(performance.now() - start < 1000)
      await until('its end', () => busy.destroyed)
    })
  })

  it('S1.10 what has not ended in time is cut off, and counted', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const on = await session(stage, gateway.port, shown)
      const answers = Promise.allSettled([askStream(on), askStream(on)])
      await until('them at work', () => held.length === 2)
      assert.deepEqual(await gateway.drain(100), { cutOff: 2 })
      for (const ended of await answers) assert.ok(ended.status === 'rejected' || Number.isNaN(ended.value.status))
    })
  })

  it('S3.3 a body that does not come, and a client nothing moves for, end over HTTP/2 and HTTP/1.1', async () => {
    await scene(async (stage) => {
      let gone = 0
      const port = await stage.upstream((req, res) => {
        res.on('close', () => (gone += res.writableFinished ? 0 : 1))
        if (req.url !== '/silent') req.resume().on('end', () => res.end('read'))
      })
      const shown = certificate(stage)
      const more = ', clientTimeout: 2s, bodyPace: { bytes: 1000B, over: 1s }'
      const gateway = await startGateway({ config: planOf(listenTls(shown, more) + app(port)) })
      stage.onEnd(() => gateway.close())
      const on = await session(stage, gateway.port, shown)
      const ends = (path: string, body: boolean): Promise<number> => {
        const stream = on.request({ ':path': path, ':method': body ? 'POST' : 'GET' }, { endStream: !body })
        if (body) stream.write('a')
        return new Promise((resolve) => stream.on('error', () => {}).on('close', () => resolve(stream.rstCode)))
      }
      const slow = await line(stage, gateway.port, shown)
      slow.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\na')
      const honest = on.request({ ':method': 'POST', ':path': '/' })
      let told = ''
      honest.on('data', (part: Buffer) => (told += part.toString()))
      const timer = setInterval(() => void honest.write(Buffer.alloc(500)), 100)
      stage.onEnd(() => clearInterval(timer))
      assert.deepEqual(await Promise.all([ends('/', true), ends('/silent', false)]), [2, 2])
      await until('the end of the other', () => slow.socket.destroyed)
      await until('the upstream to hear of all of them', () => gone === 3)
      // On the same session, and for longer.
      clearInterval(timer)
      honest.end()
      await until('its answer', () => told === 'read')
    })
  })

  it('a time that is up is a 504 over HTTP/2, and a reset where the answer had begun', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((req, res) => void (req.url === '/begun' && res.write('half')))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, `${app(port)}routes: [{ timeout: 150ms }]`)
      const on = await session(stage, gateway.port, shown)
      const [late, begun] = await Promise.all([askStream(on), askStream(on, { ':path': '/begun' })])
      assert.deepEqual([late.status, late.code], [504, 0])
      assert.deepEqual([begun.status, begun.body.toString(), begun.code], [200, 'half', 2])
      await until('the slots', () => gateway.gate?.stats.inflight === 0)
    })
  })
})

/** The key of another certificate. */
function certificateOfOther(stage: Scene): string {
  const { key } = certificate(stage)
  return readFileSync(key, 'utf8')
}
