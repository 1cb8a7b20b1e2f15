import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, get, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { connect as open, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, describe, it } from 'node:test'
import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { semaphore } from '../../src/gate/index.ts'
import { isRejection } from '../../src/ground/index.ts'
import { hub, ndjson, pump, sse, sseFormat, stream, writer, type Reader } from '../../src/flows/stream.ts'
import { connect, serving } from './loopback.ts'
import { until } from './waiting.ts'

const CHUNK = new Uint8Array(16_384).fill(120)

/** A client that reads nothing beyond the head until it is told to. */
async function deaf(port: number): Promise<{ readonly response: IncomingMessage; readonly socket: Socket }> {
  const request = get({ port, host: '127.0.0.1', agent: false })
  request.on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  response.pause()
  return { response, socket: response.socket }
}

describe('writers on real responses', () => {
  it('S0.4 a client that stops reading stops the generation; written in a loop it grows without bound', async () => {
    const made: Record<string, number> = { pump: 0, loop: 0 }
    const held: Record<string, number> = { pump: 0, loop: 0 }
    const handler: RequestListener = (_req, res) => {
      if (made['pump'] === 0) {
        void pump(async function* chunks() {
          for (; made['pump']! < 2000; made['pump']!++) {
            held['pump'] = Math.max(held['pump']!, res.writableLength)
            await breathe()
            yield CHUNK
          }
        }, res).catch(() => {})
      } else {
        // The control: what everybody writes.
        void (async () => {
          for (; made['loop']! < 2000; made['loop']!++) {
            res.write(CHUNK)
            held['loop'] = Math.max(held['loop']!, res.writableLength)
            await breathe()
          }
        })()
      }
    }
    await serving(createServer(handler), async (port) => {
      const first = await deaf(port)
      let before = -1
      await until('the generation to stop', () => {
        const same = before === made['pump'] && before > 0
        before = made['pump']!
        return same
      })
      assert.ok(made['pump']! < 1500, `${made['pump']} chunks of 2,000 were made for a client that read none`)
      assert.ok(held['pump']! <= first.socket.writableHighWaterMark + CHUNK.length + 100, `${held['pump']} bytes`)
      // It reads again, and gets all of it.
      let bytes = 0
      first.response.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume()
      await once(first.response, 'end')
      assert.equal(bytes, 2000 * CHUNK.length)

      const second = await deaf(port)
      await until('the loop to be over', () => made['loop'] === 2000)
      assert.ok(held['loop']! > 20 * held['pump']!, `${held['loop']} bytes lie in the socket`)
      second.socket.destroy()
    })
  })

  it('S0.4 10,000 writes leave the listeners as they were, and no warning', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error): number => warnings.push(warning)
    process.on('warning', warned)
    let listeners: readonly number[] = []
    const count = (res: ServerResponse): number =>
      [...res.eventNames()].reduce((sum, name) => sum + res.listenerCount(name), 0)
    const handler: RequestListener = (_req, res) => {
      void (async () => {
        const before = count(res)
        const out = writer<Uint8Array>(res)
        const during = count(res)
        for (let n = 0; n < 10_000; n++) await out.write(CHUNK.subarray(0, 512))
        const still = count(res)
        await out.end()
        listeners = [before, during - still, count(res)]
      })()
    }
    await serving(createServer(handler), async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}`)
      assert.equal((await response.arrayBuffer()).byteLength, 10_000 * 512)
    })
    process.off('warning', warned)
    assert.deepEqual(warnings, [])
    assert.equal(listeners[1], 0)
    assert.ok(listeners[2]! <= listeners[0]!, String(listeners))
  })

  it('S0.4 pumps into a web stream somebody fetches, and hears when that is cancelled', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    let leaving: AbortSignal | undefined
    const pumped = pump(async function* chunks(signal) {
      leaving = signal
      for (;;) {
        await breathe()
        yield CHUNK
      }
    }, writable)
    const told = pumped.then(
      () => 'ended',
      (error: unknown) => String(error),
    )
    const handler: RequestListener = (_req, res) => {
      void pipeline(Readable.fromWeb(readable as Parameters<typeof Readable.fromWeb>[0]), res).catch(() => {})
    }
    await serving(createServer(handler), async (port) => {
      const controller = new AbortController()
      const response = await fetch(`http://127.0.0.1:${port}`, { signal: controller.signal })
      await response.body!.getReader().read()
      assert.equal(leaving!.aborted, false)
      controller.abort()
      assert.match(await told, /Error/)
      assert.equal(leaving!.aborted, true)
    })
  })
})

describe('readers on real responses', () => {
  /** How a client may go, in the middle of a stream. */
  const departures: readonly (readonly [what: string, leave: (socket: Socket) => void])[] = [
    ['vanishes', (socket) => socket.destroy()],
    ['resets', (socket) => socket.resetAndDestroy()],
    ['half-closes', (socket) => socket.end()],
    ['stops reading and then vanishes', (socket) => socket.pause() && setTimeout(() => socket.destroy(), 50)],
  ]
  for (const [what, leave] of departures)
    it(`S2.4 a client that ${what} cancels the generation and frees the slot`, async () => {
      const gate = semaphore({ permits: 1 })
      let leaving: AbortSignal | undefined
      let ended: Promise<unknown> = Promise.resolve()
      const handler: RequestListener = (_req, res) => {
        const permit = gate.tryEnter()
        assert.ok(!isRejection(permit))
        ended = stream(
          async function* tokens(signal) {
            leaving = signal
            for (let n = 0; ; n++) {
              yield { n }
              // A model that thinks, and can be called off.
              await sleep(n < 5 ? 1 : 60_000, undefined, { signal })
            }
          },
          ndjson(res, { policy: 'block' }),
          { permit },
        )
      }
      await serving(createServer(handler), async (port) => {
        const socket = open({ port, host: '127.0.0.1' })
        socket.on('error', () => undefined)
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
        let text = ''
        socket.on('data', (chunk) => (text += String(chunk)))
        await until('some lines', () => text.includes('"n":3'))
        assert.equal(gate.stats.inflight, 1)
        leave(socket)
        await until('the slot', () => gate.stats.inflight === 0)
        assert.equal(leaving!.aborted, true)
        assert.equal(await ended, 'left')
        socket.destroy()
      })
    })

  it('S2.4 pipelined behind others, too: 20 readers on one connection are all told that it has gone', async () => {
    const readers: Reader<unknown>[] = []
    await serving(
      createServer((_req, res) => void readers.push(ndjson(res, { policy: 'drop-oldest' }))),
      async (port) => {
        const client = await connect(port)
        client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20))
        await until('20 readers', () => readers.length === 20)
        client.leave()
        await until('all to be over', () => readers.every(({ closed }) => closed))
      },
    )
  })

  it('S2.4 a client that stops reading is cut once it has had its time, and told if it reads again', async () => {
    const ends: string[] = []
    let reader: Reader<unknown> | undefined
    await serving(
      createServer((_req, res) => {
        reader = sse<unknown>(res, {
          policy: 'disconnect',
          format: sseFormat((data: unknown) => ({ data })),
          maxBytes: 100_000,
          grace: 300,
          onEnd: ({ how, reason }) => ends.push(`${how}: ${String(reason)}`),
        })
      }),
      async (port) => {
        for (const readsAgain of [true, false]) {
          const { response, socket } = await deaf(port)
          let held = 0
          while (!reader!.closed) {
            for (let n = 0; n < 10; n++) reader!.push('x'.repeat(4000))
            held = Math.max(held, reader!.stats.held)
            await breathe()
          }
          assert.ok(held < socket.writableHighWaterMark + 5000, `${held} bytes in the socket`)
          let text = ''
          if (readsAgain) {
            response
              .setEncoding('utf8')
              .on('data', (part: string) => (text = (text + part).slice(-200)))
              .resume()
            await once(response, 'end')
            assert.match(text, /event: disconnect\ndata: \{"reason":"slow"\}\n\n$/)
          } else await until('it to be cut', () => reader!.stats.held === 0)
          socket.destroy()
        }
      },
    )
    assert.deepEqual(ends, Array(2).fill('disconnected: DisconnectedError: sse was disconnected: slow'))
  })
})

describe('a hub on real sockets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-hub-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const READERS = 1000
  const TICKS = 30

  interface Run {
    readonly p99: number
    readonly delivered: number
    readonly growth: number
    readonly held: number
    readonly waiting: number
    readonly oldest: number
    readonly encoded: number
  }

  function memory(): number {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  /** Unix domain sockets, as their kernel buffer is small: over TCP, loopback itself would hold 2.5 MB for each. */
  async function run(never: number, how: 'hub' | 'loop'): Promise<Run> {
    const ticks = hub<object>()
    const format = sseFormat((tick: object) => ({ data: tick }))
    const responses = new Set<ServerResponse>()
    const server = createServer((_req, res) => {
      responses.add(res)
      if (how === 'loop') {
        res.writeHead(200)
        res.flushHeaders()
      } else ticks.subscribe('t', sse<object>(res, { policy: 'drop-oldest', capacity: 16, format }))
    })
    const path = join(folder, `${how}-${never}`)
    server.listen({ path, backlog: READERS })
    await once(server, 'listening')
    const sockets: Socket[] = []
    const lags: number[] = []
    const enter = async (n: number): Promise<void> => {
      const socket = open({ path })
      sockets.push(socket)
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await once(socket, 'data')
      if (n < never) socket.pause()
      else
        socket.on('data', (chunk) => {
          for (const [, at] of String(chunk).matchAll(/"at":([\d.]+)/g)) lags.push(performance.now() - Number(at))
        })
    }
    for (let n = 0; n < READERS; n += 100) await Promise.all(Array.from({ length: 100 }, (_, each) => enter(n + each)))
    const send = (tick: object): void => {
      if (how === 'hub') ticks.publish('t', tick)
      else for (const res of responses) res.write(`data: ${JSON.stringify(tick)}\n\n`)
    }
    const before = memory()
    // Until the kernel holds what it can for those who never read, and we do.
    let flood = 0
    for (; flood < 200 && (how === 'hub' ? ticks.stats.waiting < never * 16 : flood < 60); flood++) {
      send({ pad: 'x'.repeat(8192) })
      await breathe()
    }
    let held = 0
    for (let n = 0; n < TICKS; n++) {
      send({ at: performance.now(), pad: 'x'.repeat(4096) })
      await sleep(20)
      held = Math.max(
        held,
        [...responses].reduce((sum, res) => sum + res.writableLength, 0),
      )
    }
    await until('what is on its way', () => lags.length === (READERS - never) * TICKS)
    const { waiting, encoded, dropped } = ticks.stats
    const growth = memory() - before
    for (const socket of sockets) socket.destroy()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    await until('all to be forgotten', () => ticks.stats.readers === 0)
    lags.sort((a, b) => a - b)
    const p99 = lags[Math.floor(lags.length * 0.99)]!
    return { p99, delivered: lags.length, growth, held, waiting, oldest: dropped.oldest, encoded: encoded - flood }
  }

  it('S2.4 feeds 1,000 readers of which 100 never read, in bounded memory, without slowing the rest', async (t) => {
    const all = await run(0, 'hub')
    const some = await run(100, 'hub')
    const loop = await run(100, 'loop')
    t.diagnostic(JSON.stringify({ all, some, loop }))
    assert.equal(all.delivered, READERS * TICKS)
    assert.equal(some.delivered, 900 * TICKS)
    assert.equal(some.encoded, TICKS)
    assert.equal(some.waiting, 100 * 16)
    assert.ok(some.oldest > 0)
    // The clients are in this process: those who never read hold 64 kB each that Node had read ahead.
    assert.ok(some.growth < 16 * 2 ** 20, `${some.growth} bytes more`)
    assert.ok(some.held <= 100 * (16_384 + 8192 + 100), `${some.held} bytes in sockets`)
    assert.ok(some.p99 <= Math.max(3 * all.p99, 250), `p99 ${some.p99} ms, ${all.p99} ms when all read`)
    // The control: in the same scenario a loop keeps all of it.
    assert.ok(loop.held > 5 * some.held && loop.held > 100 * TICKS * 4096, `${loop.held} bytes in sockets`)
  })
})
