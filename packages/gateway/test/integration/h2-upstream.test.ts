import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer as createSecureHttp1 } from 'node:https'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { ask, h2Client, h2Server } from './h2-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { certificate, noOpenssl } from './tls-rig.ts'

const MIB = 2 ** 20
const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const pieces = (bytes: Buffer, size = 50_000): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })(),
  )

function echo(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 })
  stream.pipe(stream)
}

describe('S3 an upstream over HTTP/2', () => {
  it('50 requests at once share one connection, bodies come back byte for byte, of known length and of none', async () => {
    await scene(async (stage) => {
      const server = await h2Server(stage, echo)
      const upstream = h2Client(stage, server.port)
      assert.equal((await ask(upstream).over).status, 200)
      const bodies = Array.from({ length: 50 }, (_, i) => randomBytes(i === 0 ? 3 * MIB : 1000 * i))
      const answers = bodies.map((body, i) => {
        const headers = i % 2 === 0 ? ['host', 'a'] : ['host', 'a', 'content-length', String(body.length)]
        return ask(upstream, { method: 'POST', body: pieces(body), headers }).over
      })
      for (const [i, { status, body, failure }] of (await Promise.all(answers)).entries()) {
        assert.equal(failure, undefined)
        assert.deepEqual([status, sum(body)], [200, sum(bodies[i]!)])
      }
      assert.equal(server.sessions.length, 1)
      await until('all streams to be closed', () => server.open === 0)
    })
  })

  it('headers of one connection go neither way, host is :authority, and neither 1xx nor trailers are passed on', async () => {
    await scene(async (stage) => {
      let seen: unknown
      const server = await h2Server(stage, (stream, { ':scheme': scheme, ':authority': authority, ...headers }) => {
        seen = { ...Object.fromEntries(Object.entries(headers)), scheme, authority }
        stream.additionalHeaders({ ':status': 103, link: '</a>' })
        stream.respond({ ':status': 404, 'x-one': 'é', 'set-cookie': ['a=1', 'b=2'] }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-late': '1' }))
        stream.end('no')
      })
      const upstream = h2Client(stage, server.port)
      const own = [
        'connection',
        'x-own',
        'keep-alive',
        '5',
        'te',
        'gzip',
        'transfer-encoding',
        'chunked',
        'upgrade',
        'x',
      ]
      const twice = [
        'Content-Type',
        'a/b',
        'content-type',
        'a/b',
        'Cookie',
        'a=1',
        'cookie',
        'b=2',
        'x-a',
        '1',
        'X-A',
        '2',
      ]
      const headers = ['Host', 'client.example', ...own, ...twice, '__proto__', 'x', 'x-latin', 'é']
      const { status, headers: told, body } = await ask(upstream, { target: '/a?b', headers }).over
      assert.deepEqual(seen, {
        ':method': 'GET',
        ':path': '/a?b',
        scheme: 'http',
        authority: 'client.example',
        'content-type': 'a/b',
        cookie: 'a=1; b=2',
        'x-a': '1, 2',
        ['__proto__']: 'x',
        'x-latin': 'é',
      })
      const [, , ...rest] = told.slice(-2)
      assert.deepEqual(rest, [])
      assert.deepEqual(told.slice(0, 6), ['x-one', 'é', 'set-cookie', 'a=1', 'set-cookie', 'b=2'])
      assert.deepEqual([status, body.toString()], [404, 'no'])
      assert.ok(!told.includes('x-late') && !told.includes('link'))
    })
  })

  it('HEAD, 204 and 304 have no body; what cannot be sent is said and not sent', async () => {
    await scene(async (stage) => {
      const server = await h2Server(stage, (stream, { ':path': path }) =>
        stream.respond(
          { ':status': path === '/204' ? 204 : 304, ...(path === '/head' && { 'content-length': 9 }) },
          { endStream: true },
        ),
      )
      const upstream = h2Client(stage, server.port)
      const whole = { body: Buffer.alloc(0), failure: undefined }
      for (const [method, target, status] of [
        ['HEAD', '/head', 304],
        ['GET', '/204', 204],
        ['GET', '/', 304],
      ] as const) {
        const { headers: _, ...told } = await ask(upstream, { method, target }).over
        assert.deepEqual(told, { status, ...whole })
      }
      for (const bad of [
        { headers: ['x y', '1'] },
        { headers: ['x', 'a\r\nb: c'] },
        { headers: [':path', '/'] },
        { headers: ['host', 'a', 'host', 'b'] },
        { headers: ['content-length', '5'] },
        { target: '/a b' },
        { method: 'GET /' },
      ])
        assert.equal((await ask(upstream, bad).over).failure?.code, 'BAD_REQUEST', JSON.stringify(bad))
      for (const [length, body] of [
        ['5', 'abc'],
        ['2', 'abc'],
      ] as const) {
        const headers = ['content-length', length]
        const told = await ask(upstream, { method: 'POST', headers, body: Readable.from([Buffer.from(body)]) }).over
        assert.ok(told.failure?.code === 'BAD_REQUEST' || told.status === 304)
      }
    })
  })

  it('as many streams as are allowed, and no more: others get connections of their own', async () => {
    await scene(async (stage) => {
      const server = await h2Server(stage, (stream) => void setTimeout(() => echo(stream), 20), {
        settings: { maxConcurrentStreams: 4 },
      })
      const upstream = h2Client(stage, server.port)
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask(upstream).over))
      assert.ok(answers.every(({ status }) => status === 200))
      assert.equal(server.most, 4)
      const { length } = server.sessions
      assert.ok(length >= 5 && length <= 10, `${length}`)
      const few = h2Client(stage, server.port, { connections: 1 })
      const opened = server.sessions.length
      const later = await Promise.all(Array.from({ length: 40 }, () => ask(few).over))
      assert.ok(later.every(({ status }) => status === 200))
      assert.equal(server.sessions.length, opened + 1)
    })
  })

  it('S2.4 a reader that stops holds the upstream up, nobody else, and loses nothing when the connection goes', async () => {
    await scene(async (stage) => {
      let sent = 0
      const server = await h2Server(stage, (stream, { ':path': path }) => {
        if (path !== '/large') return echo(stream)
        stream.respond({ ':status': 200 })
        const write = (): void => {
          while (sent < 20 * MIB) {
            sent += 65_536
            if (!stream.write(Buffer.alloc(65_536, 7))) return
          }
          stream.end()
        }
        stream.on('drain', write)
        write()
      })
      const upstream = h2Client(stage, server.port)
      const slow = ask(upstream, { target: '/large' })
      slow.call.pause()
      await until('some of it', () => sent > 100_000)
      let last = -1
      await until('it to stand still', () => last === (last = sent))
      assert.equal((await ask(upstream).over).status, 200)
      assert.ok(sent < MIB, `${sent}`)
      slow.call.resume()
      const { body } = await slow.over
      assert.ok(body.length >= 20 * MIB)
      // Whole on its way here, and not read yet.
      const small = ask(upstream, { method: 'POST', body: Readable.from([Buffer.alloc(50_000, 1)]) })
      small.call.pause()
      await until('its head', () => small.told.status === 200)
      await until('its end', () => server.open === 0)
      for (const socket of server.sockets) socket.resetAndDestroy()
      await until('the connection to be gone', () => server.sessions.every(({ destroyed }) => destroyed))
      assert.equal((await ask(upstream).over).status, 200)
      small.call.resume()
      const { body: rest, failure } = await small.over
      assert.deepEqual([rest.length, failure], [50_000, undefined])
    })
  })

  it('S2.4 an upload is taken as fast as the upstream reads it', async () => {
    await scene(async (stage) => {
      let reading: ServerHttp2Stream | undefined
      const server = await h2Server(stage, (stream) => (reading = stream))
      const upstream = h2Client(stage, server.port)
      let given = 0
      const body = new Readable({
        read() {
          given += 65_536
          this.push(given > 20 * MIB ? null : Buffer.alloc(65_536))
        },
      })
      const asked = ask(upstream, { method: 'POST', body })
      await until('the stream', () => reading !== undefined)
      let last = -1
      await until('it to stand still', () => last === (last = given))
      assert.ok(given < MIB, `${given}`)
      let got = 0
      reading!.on('data', (chunk: Buffer) => (got += chunk.length))
      reading!.on('end', () => {
        reading!.respond({ ':status': 200 })
        reading!.end()
      })
      assert.equal((await asked.over).status, 200)
      assert.equal(got, 20 * MIB)
    })
  })

  it('an answer that comes before all of the request is whole, and the rest of the request is not read', async () => {
    await scene(async (stage) => {
      let seen: ServerHttp2Stream | undefined
      const server = await h2Server(stage, (stream) => {
        seen = stream
        stream.resume()
        stream.respond({ ':status': 413 })
        stream.end('too much')
      })
      const upstream = h2Client(stage, server.port)
      const body = new Readable({ read() {} })
      body.push(Buffer.alloc(1000))
      const { status, body: told } = await ask(upstream, { method: 'POST', body }).over
      assert.deepEqual([status, told.toString()], [413, 'too much'])
      await until('the stream to be closed', () => seen?.closed === true)
      assert.equal(body.destroyed, false)
      assert.equal((await ask(upstream).over).status, 413)
      assert.equal(server.sessions.length, 1)
    })
  })
})

describe('S3 an upstream over HTTP/2 behind TLS', { skip: noOpenssl }, () => {
  it('is asked by its own name over the protocol it chooses', async () => {
    await scene(async (stage) => {
      const shown = certificate(stage)
      const names: unknown[] = []
      const server = await h2Server(
        stage,
        (stream) => {
          names.push((stream.session!.socket as { servername?: string }).servername)
          echo(stream)
        },
        { shown },
      )
      const upstream = h2Client(stage, server.port, { shown })
      assert.equal((await ask(upstream).over).status, 200)
      assert.deepEqual(names, ['localhost'])
      const stranger = h2Client(stage, server.port, { shown: { ...shown, ca: certificate(stage).ca } })
      assert.match((await ask(stranger).over).failure?.message ?? '', /SELF_SIGNED/)
      assert.equal(names.length, 1)
      await upstream.close()
    })
  })

  it('one that chooses HTTP/1.1 gets that, with all that waited, and is not asked again for a while', async () => {
    await scene(async (stage) => {
      const shown = certificate(stage)
      let connections = 0
      const old = createSecureHttp1({ cert: shown.ca, key: readFileSync(shown.key) }, (req, res) => {
        setTimeout(() => req.pipe(res), 20)
      })
      old.on('connection', () => connections++)
      old.listen(0, '127.0.0.1')
      await once(old, 'listening')
      stage.onEnd(async () => {
        old.closeAllConnections()
        await new Promise((resolve) => old.close(resolve))
      })
      const upstream = h2Client(stage, (old.address() as AddressInfo).port, { shown })
      const post = { method: 'POST', body: Readable.from([Buffer.from('abc')]) }
      const [a, b] = await Promise.all([ask(upstream, post).over, ask(upstream).over])
      assert.deepEqual([a.status, a.body.toString(), b.status], [200, 'abc', 200])
      assert.equal((await ask(upstream).over).status, 200)
      assert.equal(connections, 3)
      const early = ask(upstream)
      early.call.abort()
      await upstream.close()
    })
  })
})
