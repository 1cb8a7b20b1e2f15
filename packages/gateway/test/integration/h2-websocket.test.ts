import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as speak, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { seeded } from 'sluice'
import { WebSocketServer } from 'ws'
import type { Gateway } from '../../src/gateway.ts'
import { shut } from '../../src/listening.ts'
import { ProxyCounts, screen } from '../../src/proxy/index.ts'
import { PlainServer } from '../../src/tls/index.ts'
import { Balancer } from '../../src/upstreams/index.ts'
import { listenForUpgrades, Tunnels } from '../../src/websocket/index.ts'
import { app, planOf } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import {
  askStream,
  certificate,
  DATA,
  frame,
  frames,
  head,
  HEADERS,
  noOpenssl,
  plainGateway,
  reset,
  secureGateway,
  session,
} from './tls-rig.ts'

/** What asks for a WebSocket, as it should. */
const VALID: readonly (readonly [string, string])[] = [
  [':method', 'CONNECT'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
  [':protocol', 'websocket'],
  ['sec-websocket-version', '13'],
]

interface Upstream {
  readonly port: number
  readonly sockets: WebSocketServer
  /** What was asked with, of each handshake. */
  readonly heard: Readonly<Record<string, unknown>>[]
}

/** Echoes; `/no` is refused, `/liar` accepts another key, `/flood` sends 50 MB. */
async function upstreamOf(stage: Scene): Promise<Upstream> {
  const server = createServer((req, res) => res.end(`plain ${req.method}`))
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 2 ** 26 })
  const heard: Upstream['heard'] = []
  server.on('upgrade', (req, socket, head) => {
    heard.push({ ...req.headers, url: req.url, method: req.method })
    socket.on('error', () => {})
    stage.onEnd(() => void socket.destroy())
    if (req.url === '/no') socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
    else if (req.url === '/liar')
      socket.write('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n')
    else if (req.url !== '/mute') sockets.handleUpgrade(req, socket, head, (ws) => sockets.emit('connection', ws, req))
  })
  sockets.on('connection', (ws, req) => {
    ws.on('error', () => {})
    ws.on('message', (data, binary) => ws.send(data, { binary }))
    if (req.url === '/flood') for (let at = 0; at < 50; at++) ws.send(Buffer.alloc(1_000_000))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.onEnd(async () => {
    for (const ws of sockets.clients) ws.terminate()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { port: (server.address() as AddressInfo).port, sockets, heard }
}

/** A gateway that speaks HTTP/2 without TLS, and a session with it. */
async function sessionOf(stage: Scene, text: string): Promise<{ gateway: Gateway; on: ClientHttp2Session }> {
  const gateway = await plainGateway(stage, text)
  const on = speak(`http://127.0.0.1:${gateway.port}`, { maxSessionMemory: 100 })
  on.on('error', () => {})
  stage.onEnd(() => on.destroy())
  await once(on, 'remoteSettings')
  return { gateway, on }
}

/** What a gateway has of it, with sessions that may be silent for 100 ms. */
async function doorTo(stage: Scene, port: number) {
  const counts = new ProxyCounts()
  const tunnels = new Tunnels(counts)
  const balancer = new Balancer(planOf(app(port)).upstreams['app']!)
  const server = new PlainServer({}, (_req, res) => void res.end(), 100)
  const rules = { host: 'client', upstreamHost: 'a', trustForwarded: false } as const
  listenForUpgrades(
    server,
    screen((req, res) => tunnels.start(req, res, { balancer, rules, headersTimeout: 60_000, holds: true })),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.onEnd(async () => {
    tunnels.close()
    await shut(server)
    await balancer.close()
  })
  return { counts, tunnels, own: (server.address() as AddressInfo).port }
}

const limited = (port: number, more = ''): string =>
  `${app(port)}limits: { default: { kind: fixed, limit: 2, queue: { capacity: 0 } } }\nroutes: [{ path: /*${more} }]`

const inflight = (gateway: Gateway): number => gateway.snapshot().now.inflight

interface Opened {
  readonly stream: ClientHttp2Stream
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
}

async function open(on: ClientHttp2Session, path = '/', more: OutgoingHttpHeaders = {}): Promise<Opened> {
  const asked = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' }
  const stream = on.request({ ...asked, ...more }, { endStream: false })
  stream.on('error', () => {})
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  return { stream, status: Number(headers[':status']), headers }
}

/** A whole message as clients send it, masked with nothing. */
function message(payload: Uint8Array, kind = 2): Buffer {
  if (payload.length < 126) return Buffer.concat([Buffer.from([128 + kind, 128 + payload.length, 0, 0, 0, 0]), payload])
  const head = Buffer.alloc(14)
  head.writeUInt8(128 + kind, 0)
  head.writeUInt8(128 + 127, 1)
  head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}

/** Reads the payload of one whole message as servers send it. */
async function reply(stream: ClientHttp2Stream): Promise<Buffer> {
  let all = Buffer.alloc(0)
  const size = (): [head: number, length: number] => {
    const short = all[1] ?? 0
    if (short === 127) return [10, all.length < 10 ? Infinity : Number(all.readBigUInt64BE(2))]
    return short === 126 ? [4, all.length < 4 ? Infinity : all.readUInt16BE(2)] : [2, short]
  }
  const take = (chunk: Buffer): void => void (all = Buffer.concat([all, chunk]))
  stream.on('data', take)
  await until('a message', () => all.length >= 2 && all.length >= size()[0] + size()[1])
  stream.off('data', take)
  const [head, length] = size()
  return all.subarray(head, head + length)
}

const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('WebSocket over HTTP/2 (RFC 8441)', () => {
  it('is announced; messages pass both ways; it holds a slot while it is open, and one too many is a 503', async () => {
    await scene(async (stage) => {
      const { port, sockets, heard } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port))
      assert.equal(on.remoteSettings.enableConnectProtocol, true)
      const own = { 'sec-websocket-key': 'mine', 'sec-websocket-protocol': 'chat', cookie: 'a=1' }
      const { stream, status, headers } = await open(on, '/x?y', own)
      assert.equal(status, 200)
      for (const name of ['sec-websocket-accept', 'connection', 'upgrade']) assert.equal(headers[name], undefined)
      assert.equal(headers['sec-websocket-protocol'], 'chat')
      const { method, url, upgrade, cookie, via, 'sec-websocket-key': key } = heard[0]!
      assert.deepEqual([method, url, upgrade, cookie, via], ['GET', '/x?y', 'websocket', 'a=1', '2 sluice'])
      assert.match(String(key), /^[\w+/]{22}==$/)
      for (const size of [5, 70_000, 3_000_000]) {
        const payload = randomBytes(size)
        stream.write(message(payload))
        assert.equal(sum(await reply(stream)), sum(payload))
      }
      const second = await open(on)
      assert.equal(inflight(gateway), 2)
      const refused = await open(on)
      assert.equal(refused.status, 503)
      assert.ok(Number(refused.headers['retry-after']) >= 1)
      assert.equal(sockets.clients.size, 2)
      assert.equal(heard.length, 2)
      stream.write(message(Buffer.from([0x0f, 0xa0]), 8))
      await once(stream, 'end')
      second.stream.close(8)
      await until('the slots', () => inflight(gateway) === 0 && gateway.pending === 0 && sockets.clients.size === 0)
      assert.equal(stream.rstCode, 0)
      assert.equal((await askStream(on)).body.toString(), 'plain GET')
    })
  })

  it('S2.4 a client that does not read slows the upstream down', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await upstreamOf(stage)
      const { on } = await sessionOf(stage, limited(port))
      const { stream } = await open(on, '/flood')
      const [sender] = [...sockets.clients]
      let last = -1
      await until('the sender to stand still', () => last === (last = sender!.bufferedAmount) && last < 50_000_000)
      assert.ok(last > 30_000_000, `${last} bytes are still with the sender`)
      let got = 0
      stream.on('data', (chunk: Buffer) => (got += chunk.length))
      await until('all of it', () => got >= 50_000_000)
    })
  })

  it('whoever leaves, on either side and however, the other hears of it and the slot is free', async () => {
    await scene(async (stage) => {
      const { port, sockets, heard } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port))
      const free = () => inflight(gateway) === 0 && gateway.pending === 0 && sockets.clients.size === 0
      for (const leave of [
        (stream: ClientHttp2Stream) => stream.close(8),
        (stream: ClientHttp2Stream) => void stream.end(),
        (stream: ClientHttp2Stream) => void stream.destroy(),
        () => sockets.clients.forEach((ws) => ws.terminate()),
      ]) {
        const { stream } = await open(on)
        stream.resume()
        leave(stream)
        await until('both to hear of it', () => stream.closed && free())
      }
      const asked = heard.length
      const waiting = on.request(
        { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/mute' },
        { endStream: false },
      )
      waiting.on('error', () => {})
      await until('the upstream', () => heard.length > asked)
      waiting.close(8)
      await until('the slot', free)
      await open(on)
      on.destroy()
      await until('all to be free', free)
    })
  })

  it('what the upstream answers instead is passed back; one that is gone, or accepts something else, is a 502', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port))
      const statuses: number[] = []
      for (const path of ['/no', '/liar']) {
        const { stream, status } = await open(on, path)
        statuses.push(status)
        stream.resume()
        await until('its end', () => stream.closed)
        assert.equal(stream.rstCode, 0)
      }
      const gone = await sessionOf(stage, limited(1))
      statuses.push((await open(gone.on)).status)
      assert.deepEqual(statuses, [403, 502, 502])
      await until('the slots', () => inflight(gateway) === 0 && inflight(gone.gateway) === 0)
    })
  })

  it('other protocols, a body and an ordinary CONNECT are refused, and count as nothing', async () => {
    await scene(async (stage) => {
      const { port, heard } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port))
      assert.equal((await open(on, '/', { ':protocol': 'connect-udp' })).status, 501)
      assert.equal((await open(on, '/', { 'content-length': '3' })).status, 400)
      // Newer ones of nghttp2 (Node 22) refuse it before it is a request.
      const named = await open(on, '/', { ':authority': 'user@localhost' }).then(
        ({ status }) => status,
        ({ code }: { code: string }) => code,
      )
      assert.ok(named === 400 || named === 'ERR_HTTP2_STREAM_ERROR', String(named))
      assert.equal((await askStream(on, { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/' })).status, 400)
      const plain = on.request({ ':method': 'CONNECT', ':authority': 'elsewhere:1' })
      const [headers] = (await once(plain, 'response')) as [Record<string, unknown>]
      assert.equal(headers[':status'], 405)
      assert.deepEqual([heard.length, gateway.tally.admissions], [0, 0])
    })
  })

  it('by option it holds its slot only during the handshake, and rules for GET are rules for it', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port, ', methods: [GET], websocket: handshake'))
      for (let at = 0; at < 5; at++) assert.equal((await open(on)).status, 200)
      assert.deepEqual([inflight(gateway), gateway.pending], [0, 5])
    })
  })

  it("a route's timeout ends it as it ends any answer", async () => {
    await scene(async (stage) => {
      const { port, sockets } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port, ', timeout: 200ms'))
      const { stream, status } = await open(on)
      stream.resume()
      assert.equal(status, 200)
      await until('its end', () => stream.closed && inflight(gateway) === 0 && sockets.clients.size === 0)
    })
  })

  it('S1.10 a drain tells them to go (1001), between two frames, and cuts nothing off', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const { gateway, on } = await sessionOf(stage, limited(port))
      const { stream } = await open(on)
      stream.write(message(Buffer.from('x')))
      await reply(stream)
      const said: Buffer[] = []
      stream.on('data', (chunk: Buffer) => void said.push(chunk)).on('end', () => void stream.end())
      const began = performance.now()
      assert.deepEqual(await gateway.drain(4000), { cutOff: 0 })
      assert.ok(performance.now() - began < 2000)
      assert.deepEqual(Buffer.concat(said), Buffer.from([0x88, 0x02, 0x03, 0xe9]))
    })
  })

  it('whatever comes on its streams, nothing stays open behind it and the next one is served', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await upstreamOf(stage)
      const { counts, tunnels, own } = await doorTo(stage, port)
      const random = seeded(3)
      const dice = (sides: number): number => Math.floor(random() * sides)
      const fields = (): [string, string][] => {
        const all: [string, string][] = [
          [':method', dice(8) === 0 ? 'GET' : 'CONNECT'],
          [':scheme', 'http'],
          [':path', ['/', '/no', '/mute', '/liar', '/x?y'][dice(5)]!],
          [':authority', 'a'],
          [':protocol', dice(8) === 0 ? 'x' : 'websocket'],
          ['sec-websocket-version', '13'],
          ['sec-websocket-key', 'x'],
          ['content-length', '5'],
        ]
        return all.filter(([name]) => dice(name === 'content-length' ? 2 : 10) > 0 && name !== 'content-length')
      }
      const piece = (id: number): Buffer => {
        const one = [
          head(id, dice(10) === 0 ? 1 : 0, ...fields()),
          frame(DATA, dice(4) === 0 ? 1 : 0, id, message(Buffer.alloc(dice(200), 1))),
          frame(DATA, 0, id, Buffer.alloc(dice(50), dice(256))),
          reset(id, dice(15)),
        ][dice(4)]!
        if (dice(30) === 0) one[dice(one.length)] = dice(256)
        return one
      }
      const visitor = async (): Promise<void> => {
        const client = await frames(stage, own)
        const honest = dice(4) === 0
        client.send(head(1, 0, ...(honest ? VALID : fields())))
        // Newer ones of nghttp2 (Node 24) end a session with its first fault, whatever was asked on it before.
        if (honest) await until('its answer', () => client.frames.some(({ type }) => type === HEADERS))
        for (let i = 0; i < 8; i++) {
          client.send(piece(1 + 2 * dice(3)))
          await turn()
        }
        if (dice(2) === 0) client.socket.end()
        else client.socket.destroy()
      }
      for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, visitor))
      await until('all to be free', () => counts.active === 0 && tunnels.size === 0 && sockets.clients.size === 0)
      const { '2xx': opened = 0, '4xx': refused = 0, '1xx': upgraded = 0 } = counts.answered
      assert.ok(opened + refused + upgraded > 20, JSON.stringify(counts.answered))
      const on = speak(`http://127.0.0.1:${own}`)
      stage.onEnd(() => on.destroy())
      assert.equal((await open(on)).status, 200)
    })
  })

  it('passes over TLS, too', { skip: noOpenssl }, async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, limited(port))
      const { stream, status } = await open(await session(stage, gateway.port, shown))
      assert.equal(status, 200)
      stream.write(message(Buffer.from('hello')))
      assert.equal((await reply(stream)).toString(), 'hello')
    })
  })
})
