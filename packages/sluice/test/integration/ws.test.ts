import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import { WebSocket, WebSocketServer, type ClientOptions, type RawData } from 'ws'
import { semaphore } from '../../src/gate/index.ts'
import { isRejection } from '../../src/ground/index.ts'
import { hub, sse, sseFormat, stream, type Reader } from '../../src/flows/stream.ts'
import { websocket, type WsMessage, type WsOptions } from '../../src/flows/ws.ts'
import { serving } from './loopback.ts'
import { until } from './waiting.ts'

interface Pair {
  readonly client: WebSocket
  readonly socket: WebSocket
  readonly reader: Reader<WsMessage>
  readonly ends: string[]
  readonly port: number
}

/** A real server and a real client of `ws`, and a reader between them. */
async function paired(
  options: WsOptions<WsMessage>,
  prove: (pair: Pair) => Promise<void>,
  clientOptions: ClientOptions = {},
): Promise<void> {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  await serving(server, async (port) => {
    const connected = once(sockets, 'connection') as Promise<[WebSocket]>
    const client = new WebSocket(`ws://127.0.0.1:${port}`, clientOptions)
    client.on('error', () => undefined)
    await once(client, 'open')
    const [socket] = await connected
    const ends: string[] = []
    const reader = websocket(socket, { onEnd: ({ how, reason }) => ends.push(`${how} ${String(reason)}`), ...options })
    try {
      await prove({ client, socket, reader, ends, port })
    } finally {
      client.terminate()
      socket.terminate()
    }
  })
}

function textOf(data: RawData): string {
  assert.ok(Buffer.isBuffer(data))
  return data.toString()
}

const LARGE = 'x'.repeat(16_000)

/** Pushes until the kernel takes no more and the reader is behind, at most 16 MB. */
async function flood(reader: Reader<WsMessage>, enough: () => boolean): Promise<number> {
  let most = 0
  for (let n = 0; n < 1000 && !enough(); n++) {
    reader.push(`${n} ${LARGE}`)
    most = Math.max(most, reader.stats.held)
    await breathe()
  }
  return most
}

describe('readers behind a WebSocket', () => {
  it('S2.4 text arrives as text, bytes as bytes, anything else as JSON; the end is a close with 1000', async () => {
    await paired({ policy: 'block' }, async ({ client, reader, ends, socket }) => {
      const got: unknown[] = []
      client.on('message', (data: RawData, binary) => got.push(binary ? data : textOf(data)))
      for (const message of ['text', new Uint8Array([1, 2]), { a: 1 }, 7]) await reader.send(message)
      const closed = once(client, 'close')
      await reader.end()
      assert.deepEqual(got, ['text', Buffer.from([1, 2]), '{"a":1}', '7'])
      assert.equal((await closed)[0], 1000)
      assert.deepEqual(ends, ['finished undefined'])
      assert.deepEqual([socket.listenerCount('pong'), reader.stats.sent], [0, 4])
    })
  })

  it('S2.4 disconnect: a client that stops reading gets 1013 and the reason, if it ever reads again', async () => {
    await paired({ policy: 'disconnect', capacity: 8, maxBytes: 200_000 }, async ({ client, socket, reader, ends }) => {
      client.pause()
      const most = await flood(reader, () => reader.closed)
      assert.equal(ends.length, 1)
      assert.match(ends[0]!, /disconnected .*slow/)
      assert.ok(most <= 65_536 + LARGE.length + 100, `${most} bytes in the socket`)
      assert.equal(reader.push('more'), 'reject')
      const closed = once(client, 'close') as Promise<[number, Buffer]>
      client.resume()
      const [code, reason] = await closed
      assert.deepEqual([code, String(reason)], [1013, 'slow'])
      await until('the server to see it', () => socket.readyState === WebSocket.CLOSED)
    })
  })

  it('S2.4 a client that never reads again is cut when its time is over', async () => {
    const options = { policy: 'disconnect', capacity: 8, maxBytes: 200_000, grace: 100 } as const
    await paired(options, async ({ client, socket, reader }) => {
      client.pause()
      await flood(reader, () => reader.closed)
      await until('it to be cut', () => socket.readyState === WebSocket.CLOSED)
    })
  })

  it('S2.4 disconnect takes a code and a reason, shortened to what a close frame holds', async () => {
    await paired({ policy: 'block' }, async ({ client, reader }) => {
      const closed = once(client, 'close') as Promise<[number, Buffer]>
      reader.disconnect('ü'.repeat(100), 1008)
      const [code, reason] = await closed
      assert.equal(code, 1008)
      assert.equal(String(reason), 'ü'.repeat(61))
    })
  })

  it('S2.4 drop-oldest: bounded while nobody reads, the newest when somebody does', async () => {
    await paired({ policy: 'drop-oldest', capacity: 8 }, async ({ client, reader }) => {
      client.pause()
      await flood(reader, () => reader.stats.dropped.oldest > 50)
      const { stats } = reader
      assert.equal(stats.waiting, 8)
      assert.ok(stats.dropped.oldest > 50)
      assert.equal(stats.pushed, stats.sent + stats.waiting + stats.dropped.oldest)
      const got: number[] = []
      client.on('message', (data) => got.push(Number.parseInt(textOf(data), 10)))
      client.resume()
      await until('all of it', () => got.length === reader.stats.sent && reader.stats.waiting === 0)
      assert.equal(got.at(-1), stats.pushed - 1)
      assert.deepEqual(
        got,
        [...got].sort((a, b) => a - b),
      )
    })
  })

  it('S2.4 the control: ws.send in a loop keeps all of it', async () => {
    await paired({ policy: 'drop-oldest' }, async ({ client, socket }) => {
      client.pause()
      for (let n = 0; n < 1000; n++) {
        socket.send(LARGE)
        if (n % 10 === 0) await breathe()
      }
      assert.ok(socket.bufferedAmount > 4_000_000, `${socket.bufferedAmount} bytes in the socket`)
    })
  })

  it('S2.4 block: the generation goes at the pace of the client; one that vanishes frees the slot', async () => {
    await paired({ policy: 'block', capacity: 4 }, async ({ client, reader }) => {
      const gate = semaphore({ permits: 1 })
      const permit = gate.tryEnter()
      assert.ok(!isRejection(permit))
      let made = 0
      let leaving: AbortSignal | undefined
      const ended = stream(
        async function* tokens(signal) {
          leaving = signal
          for (; made < 5000; made++) {
            await breathe()
            yield LARGE
          }
        },
        reader,
        { permit },
      )
      client.pause()
      let before = -1
      for (; before !== made; await sleep(50)) before = made
      assert.ok(made < 2000, `${made} made for nobody`)
      client.resume()
      await until('it to go on', () => made > before + 100)
      client.terminate()
      await until('the slot', () => gate.stats.inflight === 0)
      assert.equal(leaving!.aborted, true)
      assert.equal(await ended, 'left')
    })
  })

  it('S2.4 a client that no longer answers pings is cut', async () => {
    const silent = { autoPong: false }
    await paired(
      { policy: 'block', heartbeat: 40 },
      async ({ socket, ends }) => {
        await until('it to be cut', () => socket.readyState === WebSocket.CLOSED)
        assert.match(ends[0]!, /left/)
      },
      silent,
    )
    await paired({ policy: 'block', heartbeat: 20 }, async ({ socket }) => {
      await sleep(200)
      assert.equal(socket.readyState, WebSocket.OPEN)
    })
  })

  it('S2.4 one hub feeds WebSockets and server-sent events, each encoded once', async () => {
    interface Price {
      readonly symbol: string
      readonly value: number
    }
    const prices = hub<Price>()
    const format = sseFormat((price: Price) => ({ event: 'price', data: price }))
    const server = createServer((_req, res) => {
      prices.subscribe('all', sse<Price>(res, { policy: 'coalesce', key: ({ symbol }) => symbol, format }))
    })
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => {
      prices.subscribe('all', websocket<Price>(socket, { policy: 'coalesce', key: ({ symbol }) => symbol }))
    })
    await serving(server, async (port) => {
      const clients = Array.from({ length: 5 }, () => new WebSocket(`ws://127.0.0.1:${port}`))
      const got: string[] = []
      for (const client of clients) client.on('message', (data) => got.push(textOf(data)))
      const controller = new AbortController()
      const events = await fetch(`http://127.0.0.1:${port}`, { signal: controller.signal })
      await until('six readers', () => prices.readers('all') === 6)
      assert.equal(prices.publish('all', { symbol: 'A', value: 1 }), 6)
      await until('five messages', () => got.length === 5)
      assert.deepEqual(new Set(got), new Set(['{"symbol":"A","value":1}']))
      const { value } = await events.body!.getReader().read()
      assert.equal(new TextDecoder().decode(value), 'event: price\ndata: {"symbol":"A","value":1}\n\n')
      assert.equal(prices.stats.encoded, 2)
      for (const client of clients.slice(0, 4)) client.terminate()
      controller.abort()
      await until('one to be left', () => prices.stats.readers === 1)
      const closed = once(clients[4]!, 'close') as Promise<[number, Buffer]>
      prices.close()
      const [code, reason] = await closed
      assert.deepEqual([code, String(reason)], [1013, 'closing'])
    })
  })
})
