import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientHttp2Stream } from 'node:http2'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../../src/gateway.ts'
import { app, planOf } from './config-rig.ts'
import { scene, until } from './proxy-rig.ts'
import {
  askStream,
  certificate,
  DATA,
  END_STREAM,
  frames,
  head,
  HEADERS,
  listenTls,
  noOpenssl,
  PSEUDO,
  RST,
  secureGateway,
  session,
  WINDOW_UPDATE,
} from './tls-rig.ts'

const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const fixed = (limit: number, capacity = 0): string =>
  `limits: { default: { kind: fixed, limit: ${limit}, queue: { capacity: ${capacity}, maxWait: 5s } } }`
const slots = (gateway: Gateway): number => gateway.gate!.stats.inflight

describe('requests over HTTP/2', { skip: noOpenssl }, () => {
  it('bodies are the same on the other side, both ways, on one session at once', async () => {
    await scene(async (stage) => {
      const framing = new Set<string>()
      const port = await stage.upstream((req, res) => {
        framing.add(req.headers['transfer-encoding'] ?? `${req.headers['content-length']}`)
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => void chunks.push(chunk))
        req.on('end', () => {
          const all = Buffer.concat(chunks)
          res.setHeader('x-sum', sumOf(all))
          if (req.url === '/sized') res.setHeader('content-length', all.length)
          res.end(all)
        })
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const on = await session(stage, gateway.port, shown)
      const rounds = Array.from({ length: 12 }, async (_, i) => {
        const body = randomBytes([0, 1, 16_384, 65_536, 300_001, 1_000_000][i % 6]!)
        const isSized = i % 2 === 0
        const headers = {
          ':method': 'POST',
          ':path': isSized ? '/sized' : '/',
          ...(isSized && { 'content-length': body.length }),
        }
        const answer = await askStream(on, headers, body)
        assert.deepEqual([answer.status, answer.code], [200, 0])
        assert.equal(answer.headers['x-sum'], sumOf(body))
        assert.equal(sumOf(answer.body), sumOf(body))
      })
      await Promise.all(rounds)
      assert.ok(framing.has('chunked') && framing.has('16384'))
      assert.equal(slots(gateway), 0)
    })
  })

  it('an answer to HEAD, without a body, of a strange status, or none: each ends its stream as it should', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((req, res) => {
        if (req.url === '/cut') {
          res.writeHead(200, { 'content-length': 100 })
          res.write('half', () => res.destroy())
        } else if (req.url === '/cut-chunked') res.write('half', () => res.destroy())
        else if (req.url === '/none') res.destroy()
        else if (req.url === '/length') res.writeHead(200, { 'content-length': 5 }).end('12345')
        else res.writeHead(Number(req.url!.slice(1))).end()
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const on = await session(stage, gateway.port, shown)
      const ask = async (path: string, method = 'GET') => {
        const { status, body, code, headers } = await askStream(on, { ':path': path, ':method': method })
        return [status, body.toString(), code, headers['content-length']]
      }
      assert.deepEqual(await ask('/length', 'HEAD'), [200, '', 0, '5'])
      assert.deepEqual(await ask('/length'), [200, '12345', 0, '5'])
      for (const status of [204, 205, 304, 404, 503])
        assert.deepEqual((await ask(`/${status}`)).slice(0, 3), [status, '', 0])
      // No status of HTTP.
      assert.deepEqual((await ask('/999')).slice(0, 3), [502, '', 0])
      assert.equal((await ask('/none'))[0], 502)
      // Half an answer is not to be taken for a whole one.
      for (const path of ['/cut', '/cut-chunked']) {
        const [status, body, code] = await ask(path)
        assert.equal(status, 200)
        assert.equal(body, 'half')
        assert.equal(code, 2)
      }
      assert.equal(slots(gateway), 0)
    })
  })

  it('S3.3 at ten times the limit each stream is gated for itself, and refused as over HTTP/1.1', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port) + fixed(10))
      const on = await session(stage, gateway.port, shown)
      const answers = Array.from({ length: 100 }, () => askStream(on))
      await until('the refusals', () => gateway.tally.rejections === 90)
      await until('the others at work', () => held.length === 10)
      for (const res of held) res.end('done')
      const all = await Promise.all(answers)
      const refused = all.filter(({ status }) => status === 503)
      assert.deepEqual([refused.length, all.filter(({ status }) => status === 200).length], [90, 10])
      for (const { headers, body, code } of refused) {
        assert.equal(code, 0)
        assert.match(String(headers['retry-after']), /^\d+$/)
        assert.match(String(headers['sluice-rejection']), /^(queue_full|limit_exceeded);gate="default"/)
        assert.match(String(headers['ratelimit']), /"default";r=0;t=\d+/)
        assert.equal(Number(headers['content-length']), body.length)
        assert.equal(JSON.parse(body.toString()).success, false)
      }
      assert.equal(held.length, 10)
    })
  })

  it('S3.3 a refused upload is answered, then reset without an error, and not read', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(() => {})
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port) + fixed(1))
      const on = await session(stage, gateway.port, shown)
      const first = on.request({ ':path': '/' })
      first.on('error', () => {})
      await until('it at work', () => slots(gateway) === 1)
      const client = await frames(stage, gateway.port, shown)
      const began = performance.now()
      const post = PSEUDO.map(([name, value]) => [name, name === ':method' ? 'POST' : value] as const)
      client.send(head(1, 0, ...post, ['content-length', '10000000']), head(3, 0, ...post))
      await until('both resets', () => client.frames.filter(({ type }) => type === RST).length === 2)
      assert.ok(performance.now() - began < 400, 'nobody lingers on a stream')
      for (const id of [1, 3]) {
        const own = client.frames.filter((frame) => frame.id === id)
        assert.ok(!own.some(({ type }) => type === WINDOW_UPDATE))
        assert.equal(own[0]!.type, HEADERS)
        const data = own.filter(({ type }) => type === DATA)
        assert.equal(JSON.parse(Buffer.concat(data.map(({ payload }) => payload)).toString()).success, false)
        assert.equal(data.at(-1)!.flags & END_STREAM, END_STREAM)
        assert.deepEqual([own.at(-1)!.type, own.at(-1)!.payload.readUInt32BE()], [RST, 0])
      }
    })
  })

  it('100-continue is said once it is let in, and not where it is refused', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((req, res) => void (req.url === '/hold' ? held.push(res) : req.pipe(res)))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port) + fixed(1))
      const on = await session(stage, gateway.port, shown)
      const ask = (): { stream: ClientHttp2Stream; told: string[] } => {
        const told: string[] = []
        const stream = on.request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
        stream.on('continue', () => {
          told.push('continue')
          stream.end('body')
        })
        stream.on('response', (headers) => void told.push(String(headers[':status'])))
        stream.on('data', (chunk: Buffer) => void told.push(chunk.toString().slice(0, 4)))
        stream.on('error', () => {})
        return { stream, told }
      }
      const good = ask()
      await until('an answer', () => good.stream.closed)
      assert.deepEqual(good.told, ['continue', '200', 'body'])
      const holding = askStream(on, { ':path': '/hold' })
      await until('it at work', () => held.length === 1)
      const refused = ask()
      await until('a refusal', () => refused.stream.closed)
      assert.deepEqual(refused.told, ['503', '{"su'])
      held[0]!.end()
      assert.equal((await holding).status, 200)
    })
  })

  for (const [when, method, path, body] of [
    ['before the head', 'GET', '/silent', false],
    ['before the head of an answer to HEAD', 'HEAD', '/silent', false],
    ['in the middle of an answer', 'GET', '/endless', false],
    ['in the middle of an upload', 'POST', '/silent', true],
    ['in the middle of an upload nobody reads', 'POST', '/unread', true],
  ] as const)
    for (const how of ['a reset', 'a reset without an error', 'the end of its session'] as const)
      it(`S3.3 ${how} ${when} ends the request to the upstream at once, and its slot is free`, async () => {
        await scene(async (stage) => {
          const asked: IncomingMessage[] = []
          let gone = 0
          const port = await stage.upstream((req, res) => {
            asked.push(req)
            res.on('close', () => gone++)
            if (path === '/unread') req.pause()
            else req.resume()
            if (path !== '/endless') return
            const more = (): void => {
              while (!res.destroyed && res.write(Buffer.alloc(65_536)));
            }
            res.on('drain', more)
            more()
          })
          const shown = certificate(stage)
          const gateway = await secureGateway(stage, shown, app(port) + fixed(1))
          const on = await session(stage, gateway.port, shown)
          const stream = on.request({ ':method': method, ':path': path }, { endStream: !body })
          stream.on('error', () => {})
          if (body) stream.write(Buffer.alloc(1_000_000))
          await until('it at the upstream', () => asked.length === 1)
          if (path === '/endless') await until('some of the answer', () => stream.readableLength > 0)
          if (how === 'the end of its session') on.destroy()
          else stream.close(how === 'a reset' ? 8 : 0)
          // Who reads nothing hears nothing.
          if (path !== '/unread') await until('the upstream to hear of it', () => gone === 1, 1000)
          await until('the slot', () => slots(gateway) === 0, 1000)
          assert.deepEqual([gateway.proxy.active, gateway.proxy.departed], [0, 1])
        })
      })

  it('S3.3 a stream that waits and is reset waits no longer; the one behind it comes in its place', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port) + fixed(1, 10))
      const on = await session(stage, gateway.port, shown)
      const first = askStream(on)
      await until('it at work', () => held.length === 1)
      const leaving = on.request({ ':path': '/leaving' })
      leaving.on('error', () => {})
      await until('it to wait', () => gateway.gate!.stats.queued === 1)
      const last = askStream(on, { ':path': '/last' })
      await until('both to wait', () => gateway.gate!.stats.queued === 2)
      leaving.close(8)
      await until('one to wait', () => gateway.gate!.stats.queued === 1)
      held[0]!.end('1')
      await until('the last at work', () => held.length === 2)
      assert.equal(held[1]!.req.url, '/last')
      held[1]!.end('2')
      assert.equal((await first).body.toString(), '1')
      assert.equal((await last).body.toString(), '2')
    })
  })

  it('a client that does not read holds the upstream back, and others on its session are served', async () => {
    await scene(async (stage) => {
      let written = 0
      const port = await stage.upstream((req, res) => {
        if (req.url !== '/large') {
          res.end('small')
          return
        }
        const more = (): void => {
          while (written < 50_000_000) {
            written += 65_536
            if (!res.write(Buffer.alloc(65_536))) return
          }
          res.end()
        }
        res.on('drain', more)
        more()
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const on = await session(stage, gateway.port, shown)
      const stream = on.request({ ':path': '/large' })
      let read = 0
      await until('an answer', () => stream.readableLength > 0)
      // What the system keeps for the connections between the upstream and the gateway, and a window of HTTP/2.
      for (let before = -1; before !== written; await askStream(on)) before = written
      assert.ok(written < 20_000_000, `${written}`)
      assert.equal((await askStream(on)).body.toString(), 'small')
      stream.on('data', (chunk: Buffer) => (read += chunk.length))
      await until('all of it', () => stream.closed)
      assert.equal(read, written)
    })
  })

  it('an upload is taken at the pace of the upstream', async () => {
    await scene(async (stage) => {
      let upload: IncomingMessage | undefined
      const port = await stage.upstream((req, res) => {
        upload = req.pause()
        req.on('end', () => res.end('read'))
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const on = await session(stage, gateway.port, shown)
      const total = 40_000_000
      const answer = askStream(on, { ':method': 'POST' }, Buffer.alloc(total))
      await until('it at the upstream', () => upload !== undefined)
      const moved = (): number => on.socket.bytesWritten
      for (let before = -1; before !== moved(); await sleep(100)) before = moved()
      assert.ok(moved() < total / 2, `${moved()}`)
      let read = 0
      upload!.on('data', (chunk: Buffer) => (read += chunk.length)).resume()
      assert.equal((await answer).body.toString(), 'read')
      assert.equal(read, total)
    })
  })

  it('a call of a language model streams, and ends at its server when it is reset', async () => {
    await scene(async (stage) => {
      let gone = 0
      const port = await stage.upstream((req, res) => {
        res.on('close', () => gone++)
        req.resume().on('end', () => {
          res.writeHead(200, { 'content-type': 'text/event-stream' })
          const token = (): void => void res.write('data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
          const timer = setInterval(token, 5)
          res.on('close', () => clearInterval(timer))
        })
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, `${app(port)}llm: { dialect: openai }`)
      const on = await session(stage, gateway.port, shown)
      const stream = on.request({
        ':method': 'POST',
        ':path': '/v1/chat/completions',
        'content-type': 'application/json',
      })
      let heard = ''
      stream.on('data', (part: Buffer) => (heard += part.toString()))
      stream.on('error', () => {})
      stream.end(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] }))
      await until('tokens', () => heard.split('data: ').length > 5)
      stream.close(8)
      await until('its server to hear of it', () => gone === 1, 1000)
      assert.deepEqual([gateway.proxy.active, gateway.proxy.departed], [0, 1])
    })
  })

  it('what came under a plan ends under it', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const old = await stage.upstream((_req, res) => void held.push(res))
      const fresh = await stage.upstream((_req, res) => void res.end('new'))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(old))
      const on = await session(stage, gateway.port, shown)
      const first = askStream(on)
      await until('it at work', () => held.length === 1)
      await gateway.reload(planOf(listenTls(shown) + app(fresh)))
      assert.equal((await askStream(on)).body.toString(), 'new')
      held[0]!.write('o')
      setTimeout(() => held[0]!.end('ld'), 300)
      assert.equal((await first).body.toString(), 'old')
    })
  })

  it('what waits under a plan goes where that said, although nothing is on its way there', async () => {
    await scene(async (stage) => {
      const old = await stage.upstream((_req, res) => void res.end('old'))
      const fresh = await stage.upstream((_req, res) => void res.end('new'))
      const shown = certificate(stage)
      const rate = 'limits: { default: { kind: rate, requests: 2, per: 1s, burst: 1, wait: 5s } }'
      const gateway = await secureGateway(stage, shown, app(old) + rate)
      const on = await session(stage, gateway.port, shown)
      assert.equal((await askStream(on)).body.toString(), 'old')
      const waiting = askStream(on)
      await until('it to wait', () => gateway.gate!.stats.queued === 1)
      await gateway.reload(planOf(listenTls(shown) + app(fresh) + rate))
      assert.equal((await waiting).body.toString(), 'old')
    })
  })
})
