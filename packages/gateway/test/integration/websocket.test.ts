import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import type { Gateway } from '../../src/gateway.ts'
import { app, gatewayOf } from './config-rig.ts'
import { connect, scene, until, type Scene } from './proxy-rig.ts'

interface Upstream {
  readonly port: number
  readonly sockets: WebSocketServer
}

/** Echoes; `/flood` sends 100 MB as fast as it may; `/no` is no WebSocket; everything else is an ordinary server. */
async function upstreamOf(stage: Scene): Promise<Upstream> {
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('latin1').on('data', (part: string) => (body += part))
    req.on('end', () => res.end(`plain ${req.method} ${req.headers.upgrade ?? '-'} ${body}`))
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (req, socket, head) => {
    if (req.url === '/no') socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
    else sockets.handleUpgrade(req, socket, head, (ws) => sockets.emit('connection', ws, req))
  })
  sockets.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.onEnd(async () => {
    for (const ws of sockets.clients) ws.terminate()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

async function open(stage: Scene, port: number, path = '/'): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  stage.onEnd(() => ws.terminate())
  await once(ws, 'open')
  return ws
}

function refusalOf(port: number, path = '/'): Promise<{ status: number; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    ws.on('unexpected-response', (_req, res) => {
      resolve({ status: res.statusCode ?? 0, headers: res.headers })
      res.resume()
    })
    ws.on('open', () => reject(new Error('it was let in')))
    ws.on('error', () => {})
  })
}

const limited = (port: number, more = ''): string =>
  `${app(port)}limits: { default: { kind: fixed, limit: 2, queue: { capacity: 0 } } }\nroutes: [{ path: /*${more} }]`

const inflight = (gateway: Gateway): number => gateway.snapshot().now.inflight

describe('WebSocket through the gateway', () => {
  it('messages pass both ways, and the slot is held as long as it is open; one too many is refused as HTTP', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      const ws = await open(stage, gateway.port)
      ws.send('hello')
      const [echo] = (await once(ws, 'message')) as [Buffer]
      assert.equal(echo.toString(), 'hello')
      const big = Buffer.alloc(3_000_000, 7)
      ws.send(big)
      const [back] = (await once(ws, 'message')) as [Buffer]
      assert.ok(back.equals(big))
      await open(stage, gateway.port)
      assert.equal(inflight(gateway), 2)
      const { status, headers } = await refusalOf(gateway.port)
      assert.equal(status, 503)
      assert.ok(Number(headers['retry-after']) >= 1)
      assert.match(String(headers['sluice-rejection']), /gate="default"/)
      assert.equal(sockets.clients.size, 2)
      ws.close(4000, 'enough')
      const [code] = (await once(ws, 'close')) as [number]
      assert.equal(code, 4000)
      await until('its slot to come back', () => inflight(gateway) === 1)
    })
  })

  it('by option it holds its slot only during the handshake', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port, ', websocket: handshake'))
      for (let at = 0; at < 5; at++) await open(stage, gateway.port)
      assert.equal(inflight(gateway), 0)
      assert.equal(gateway.pending, 5)
    })
  })

  it('whoever leaves, on either side and however, the other hears of it and the slot is free', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      const leaving = await open(stage, gateway.port)
      leaving.terminate()
      await until('the upstream to hear of it', () => sockets.clients.size === 0)
      await until('the slot', () => inflight(gateway) === 0 && gateway.pending === 0)
      const staying = await open(stage, gateway.port)
      const closed = once(staying, 'close')
      for (const ws of sockets.clients) ws.terminate()
      await closed
      await until('the slot', () => inflight(gateway) === 0 && gateway.pending === 0)
    })
  })

  it('S2.4 a client that does not read slows the upstream down, and no more is held than sockets hold', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      const slow = await open(stage, gateway.port)
      slow.pause()
      const [sender] = [...sockets.clients]
      const piece = Buffer.alloc(1_000_000, 1)
      const before = process.memoryUsage().external
      for (let at = 0; at < 100; at++) sender!.send(piece)
      let last = -1
      await until('the sender to be held up', () => {
        const { bufferedAmount } = sender!
        const still = bufferedAmount === last
        last = bufferedAmount
        return still && bufferedAmount < 100_000_000
      })
      assert.ok(last > 50_000_000, `${last} bytes are still with the sender`)
      assert.ok(process.memoryUsage().external - before < 40_000_000)
      let got = 0
      slow.on('message', (data: Buffer) => (got += data.length))
      slow.resume()
      await until('all of it', () => got === 100_000_000, 10_000)
    })
  })

  it('what the upstream answers instead of a WebSocket is passed back; one that is gone is a 502', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      assert.equal((await refusalOf(gateway.port, '/no')).status, 403)
      await until('the slot', () => inflight(gateway) === 0)
      const nobody = await gatewayOf(stage, limited(1))
      assert.equal((await refusalOf(nobody.port)).status, 502)
      await until('the slot', () => inflight(nobody) === 0 && nobody.pending === 0)
    })
  })

  it('S1.10 who is connected is told that the gateway goes away, between two frames, and nothing is cut off', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      const clients = [await open(stage, gateway.port), await open(stage, gateway.port)]
      const codes = clients.map(async (ws) => ((await once(ws, 'close')) as [number])[0])
      clients[0]!.send(Buffer.alloc(2_000_000))
      await once(clients[0]!, 'message')
      const began = performance.now()
      const { cutOff } = await gateway.drain(5000)
      assert.equal(cutOff, 0)
      assert.ok(performance.now() - began < 2000)
      assert.deepEqual(await Promise.all(codes), [1001, 1001])
    })
  })

  it('an upgrade to anything else is the ordinary request it also is, with its body', async () => {
    await scene(async (stage) => {
      const { port } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      const client = await stage.connect(gateway.port)
      const head = 'POST /x HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMA\r\n'
      client.send(`${head}upgrade: h2c\r\ncontent-length: 10\r\n\r\nhello`)
      client.send('world')
      await until('the answer', () => client.received().includes('helloworld'))
      assert.match(client.received(), /^HTTP\/1\.1 200 [^]*plain POST - helloworld/)
      // The connection goes on.
      client.send('GET /y HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the next', () => client.received().includes('plain GET - '))
      await until('the slots', () => inflight(gateway) === 0)
      const [smuggler] = [await connect(gateway.port)]
      stage.onEnd(() => smuggler.leave())
      smuggler.send(
        'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 3\r\n\r\nabc',
      )
      await until('an ordinary answer', () => smuggler.received().includes('plain GET - abc'))
    })
  })

  it('as many of them as somebody likes on one connection leave nothing behind on it', async () => {
    await scene(async (stage) => {
      const warnings: string[] = []
      const warned = ({ message }: Error): void => void warnings.push(message)
      process.on('warning', warned)
      stage.onEnd(() => void process.off('warning', warned))
      const { port } = await upstreamOf(stage)
      const gateway = await gatewayOf(stage, limited(port))
      const client = await stage.connect(gateway.port)
      const answers = (): number => client.received().split('plain GET - ').length - 1
      for (let nth = 1; nth <= 20; nth++) {
        client.send('GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n')
        await until('the answer', () => answers() === nth)
      }
      assert.deepEqual(warnings, [])
    })
  })
})
