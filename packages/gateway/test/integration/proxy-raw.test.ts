import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { rawUpstream, type RawUpstreamOptions } from '../../src/proxy/raw-upstream.ts'
import type { Upstream, UpstreamCall, UpstreamRequest } from '../../src/proxy/upstream.ts'
import { scene, until, type Scene } from './proxy-rig.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** What a call came to. */
interface Heard {
  status: number
  body: string
  /** `ended`, or the code of the failure. */
  outcome: string
  message: string
  readonly call: UpstreamCall
}

function client(stage: Scene, port: number, options: Partial<RawUpstreamOptions> = {}): Upstream {
  const origin = new URL(`http://127.0.0.1:${port}`)
  const upstream = rawUpstream({ origin, connectTimeout: 1000, headersTimeout: 5000, bodyTimeout: 5000, ...options })
  stage.onEnd(() => upstream.close())
  return upstream
}

function send(upstream: Upstream, request: Partial<UpstreamRequest> = {}): Heard {
  const heard = { status: 0, body: '', outcome: '', message: '' }
  const call = upstream.send(
    { method: 'GET', target: '/', headers: ['host', 'a'], body: undefined, ...request },
    {
      head: (status) => void (heard.status = status),
      data: (chunk) => void (heard.body += Buffer.from(chunk).toString('latin1')),
      end: () => void (heard.outcome = 'ended'),
      failed({ code, message }) {
        heard.outcome = code
        heard.message = message
      },
    },
  )
  return Object.assign(heard, { call })
}

async function over(heard: Heard, within?: number): Promise<string> {
  await until('an outcome', () => heard.outcome !== '', within)
  return heard.outcome
}

/** An upstream that answers each read as told; counts its connections. */
async function answering(stage: Scene, answer: (socket: Socket, chunk: string, n: number) => void): Promise<Answering> {
  const sockets: Socket[] = []
  const port = await stage.rawUpstream((socket) => {
    sockets.push(socket)
    const n = sockets.length
    socket.on('data', (chunk: Buffer) => answer(socket, chunk.toString('latin1'), n))
  })
  return { port, sockets }
}

interface Answering {
  readonly port: number
  readonly sockets: readonly Socket[]
}

describe('connections to the upstream', () => {
  it('S3 keep-alive race: 2,000 GETs on connections that close as they go out, no error', async () => {
    await scene(async (stage) => {
      // Each connection answers five times and closes as the sixth request arrives.
      const served = new WeakMap<Socket, number>()
      const { port, sockets } = await answering(stage, (socket) => {
        const n = (served.get(socket) ?? 0) + 1
        served.set(socket, n)
        if (n > 5) socket.destroy()
        else socket.write(OK)
      })
      const upstream = client(stage, port)
      const outcomes = new Map<string, number>()
      for (let round = 0; round < 100; round++) {
        const calls = Array.from({ length: 20 }, () => send(upstream))
        for (const call of calls) {
          const outcome = await over(call)
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }
      }
      assert.deepEqual([...outcomes], [['ended', 2000]])
      assert.ok(sockets.length > 200, `${sockets.length} connections`)
    })
  })

  it('what may not be sent twice is not', async () => {
    await scene(async (stage) => {
      const seen: string[] = []
      const { port } = await answering(stage, (socket, chunk) => {
        seen.push(chunk.slice(0, 4))
        if (seen.length === 1) socket.write(OK)
        else socket.destroy()
      })
      const upstream = client(stage, port)
      assert.equal(await over(send(upstream)), 'ended')
      assert.equal(await over(send(upstream, { method: 'POST' })), 'UPSTREAM_FAILED')
      // Nor is what died on a connection of its own, where nothing was idle.
      assert.equal(await over(send(upstream)), 'UPSTREAM_FAILED')
      assert.deepEqual(seen, ['GET ', 'POST', 'GET '])
    })
  })

  it('are used again, the last one first, and never while one is busy', async () => {
    await scene(async (stage) => {
      const by: number[] = []
      const held: Socket[] = []
      const { port, sockets } = await answering(stage, (socket, chunk, n) => {
        by.push(n)
        if (chunk.includes('/hold')) held.push(socket)
        else socket.write(OK)
      })
      const upstream = client(stage, port)
      const first = send(upstream, { target: '/hold' })
      await until('the first', () => held.length === 1)
      const second = send(upstream)
      await over(second)
      held[0]!.write(OK)
      await over(first)
      await over(send(upstream))
      await over(send(upstream))
      assert.deepEqual(by, [1, 2, 1, 1])
      assert.equal(sockets.length, 2)
    })
  })

  it('are at most so many: the next one waits, and takes no connection when it leaves', async () => {
    await scene(async (stage) => {
      const held: Socket[] = []
      const { port, sockets } = await answering(stage, (socket) => held.push(socket))
      const upstream = client(stage, port, { connections: 2 })
      const calls = [1, 2, 3, 4].map((n) => send(upstream, { target: `/${n}` }))
      await until('two', () => held.length === 2)
      calls[2]!.call.abort()
      held[0]!.write(OK)
      await until('the fourth', () => held.length === 3)
      held[1]!.write(OK)
      held[2]!.write(OK)
      await over(calls[3]!)
      assert.deepEqual([calls[2]!.outcome, sockets.length], ['', 2])
    })
  })

  it('are given up before the upstream closes them, as it says, and at once where it says close', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await answering(stage, (socket, chunk) => {
        const say = chunk.includes('/close') ? 'connection: close' : 'keep-alive: timeout=2'
        socket.write(`HTTP/1.1 200 OK\r\n${say}\r\ncontent-length: 0\r\n\r\n`)
      })
      const upstream = client(stage, port)
      await over(send(upstream, { target: '/close' }))
      await until('the first to close', () => sockets[0]!.closed || sockets[0]!.readableEnded)
      await over(send(upstream))
      const from = performance.now()
      await until('the second to close', () => sockets[1]!.readableEnded)
      const took = performance.now() - from
      assert.ok(took < 1900, `${took} ms`)
    })
  })

  it('S3 that say more than they were asked are closed: after an answer, and between two', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await answering(stage, (socket, chunk) => {
        socket.write(chunk.includes('/extra') ? `${OK}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil` : OK)
      })
      const upstream = client(stage, port)
      const extra = send(upstream, { target: '/extra' })
      await over(extra)
      assert.deepEqual([extra.outcome, extra.body], ['ended', 'ok'])
      await over(send(upstream))
      sockets[1]!.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil')
      await until('the second to close', () => sockets[1]!.readableEnded || sockets[1]!.closed)
      const last = send(upstream)
      await over(last)
      assert.deepEqual([last.body, sockets.length], ['ok', 3])
    })
  })

  it('S3 that say something while a request is put off are closed: it is asked over another, or fails', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await answering(stage, (socket) => socket.write(OK))
      const upstream = client(stage, port)
      for (const [method, outcome] of [
        ['GET', 'ended'],
        ['POST', 'UPSTREAM_FAILED'],
      ] as const) {
        await over(send(upstream))
        const before = sockets.length
        const heard = await new Promise<Heard>((resolve) =>
          // What is written here is read before what is put off goes out.
          setImmediate(() => {
            sockets.at(-1)!.setNoDelay().write(OK.replace('ok', 'no'))
            resolve(send(upstream, { method }))
          }),
        )
        assert.deepEqual([await over(heard), heard.body], [outcome, method === 'GET' ? 'ok' : ''])
        assert.equal(sockets.length, before + (method === 'GET' ? 1 : 0))
      }
    })
  })

  it('fail everybody when the client is closed', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await answering(stage, () => {})
      const upstream = client(stage, port, { connections: 1 })
      const calls = [send(upstream), send(upstream)]
      await until('a connection', () => sockets.length === 1)
      await upstream.close()
      assert.deepEqual(
        calls.map(({ outcome }) => outcome),
        ['UPSTREAM_FAILED', 'UPSTREAM_FAILED'],
      )
      assert.equal(send(upstream).outcome, 'UPSTREAM_FAILED')
    })
  })
})

describe('patience with the upstream', () => {
  it('ends for an answer that does not begin, drop by drop or not at all, and for one that does not go on', async () => {
    await scene(async (stage) => {
      let dripping: NodeJS.Timeout | undefined
      const { port } = await answering(stage, (socket, chunk) => {
        if (chunk.includes('/drip')) dripping = setInterval(() => socket.write('HTTP/1.1 103 Early\r\n\r\n'), 100)
        if (chunk.includes('/half')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')
      })
      stage.onEnd(() => clearInterval(dripping))
      const upstream = client(stage, port, { headersTimeout: 500, bodyTimeout: 500 })
      const calls = ['/none', '/drip', '/half'].map((target) => send(upstream, { target }))
      const from = performance.now()
      for (const call of calls) assert.equal(await over(call, 3000), 'UPSTREAM_TIMEOUT')
      assert.ok(performance.now() - from > 450)
      assert.deepEqual(
        calls.map(({ message }) => message.split(' ')[2]),
        ['did', 'did', 'stopped'],
      )
    })
  })

  it('does not end while the client does not read', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await answering(stage, (socket) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf'),
      )
      const upstream = client(stage, port, { bodyTimeout: 250 })
      const heard = send(upstream)
      await until('the first half', () => heard.body === 'half')
      heard.call.pause()
      await until(
        'a second',
        (
          (end) => () =>
            performance.now() > end
        )(performance.now() + 1000),
      )
      assert.equal(heard.outcome, '')
      sockets[0]!.write('half')
      heard.call.resume()
      await over(heard)
      assert.deepEqual([heard.outcome, heard.body], ['ended', 'halfhalf'])
    })
  })
})

describe('bodies', () => {
  it('go out with their head when small, and are held back when the upstream does not read', async () => {
    await scene(async (stage) => {
      const reads: string[] = []
      const { port, sockets } = await answering(stage, (socket, chunk) => {
        reads.push(chunk)
        if (chunk.includes('/large')) socket.pause()
        else if (chunk.endsWith('hello') || chunk.endsWith('0\r\n\r\n')) socket.write(OK)
      })
      const upstream = client(stage, port)
      const sized = ['host', 'a', 'content-length', '5']
      const small = send(upstream, { method: 'POST', headers: sized, body: Readable.from([Buffer.from('hello')]) })
      await over(small)
      assert.equal(reads.length, 1, 'one write')
      await over(send(upstream, { method: 'POST', body: Readable.from([Buffer.from('hello'), Buffer.from('you')]) }))
      assert.match(reads.slice(1).join(''), /chunked\r\n[\s\S]*\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n$/)
      const endless = new Readable({ read: () => void endless.push(Buffer.alloc(65_536, 'x')) })
      stage.onEnd(() => void endless.destroy())
      const large = send(upstream, { method: 'POST', target: '/large', body: endless })
      await until('it to be held back', () => endless.isPaused())
      large.call.abort()
      await until('the connection to close', () => sockets.at(-1)!.destroyed || sockets.at(-1)!.resume().readableEnded)
      assert.equal(endless.destroyed, false)
    })
  })

  it('that are not as long as they say break off, and nothing follows them', async () => {
    await scene(async (stage) => {
      let read = ''
      const { port } = await answering(stage, (_socket, chunk) => void (read += chunk))
      const upstream = client(stage, port)
      const headers = ['host', 'a', 'content-length', '5']
      const longer = new PassThrough().end('hello, and GET /smuggled HTTP/1.1')
      assert.equal(await over(send(upstream, { method: 'POST', headers, body: longer })), 'BAD_REQUEST')
      const shorter = new PassThrough().end('hell')
      assert.equal(await over(send(upstream, { method: 'POST', headers, body: shorter })), 'BAD_REQUEST')
      assert.doesNotMatch(read, /smuggled/)
    })
  })

  it('of answers are held back while the client does not read', async () => {
    await scene(async (stage) => {
      const { port, sockets } = await answering(stage, (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const fill = (): void => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
        }
        socket.on('drain', fill)
        fill()
      })
      const upstream = client(stage, port)
      const heard = send(upstream)
      await until('some', () => heard.body.length > 0)
      heard.call.pause()
      let last = -1
      await until('it to stand', () => {
        const before = last
        last = sockets[0]!.bytesWritten
        return before === last && sockets[0]!.writableNeedDrain
      })
      const stood = heard.body.length
      heard.call.resume()
      await until('more', () => heard.body.length > stood)
      heard.call.abort()
      await until('the connection to close', () => sockets[0]!.closed)
      assert.equal(heard.outcome, '')
    })
  })

  it('S3 arrive whole at clients that stop reading now and then, many at a time: no buffer is used again too early', async () => {
    await scene(async (stage) => {
      const LENGTH = 12_000_000
      const port = await stage.upstream((req, res) => {
        res.writeHead(200, { 'content-length': LENGTH })
        const bytes = pattern(Number(req.url!.slice(1)), LENGTH)
        // Pieces after which a connection is read on, however slow the client is.
        const write = (at: number): void => {
          res.write(bytes.subarray(at, at + 40_000))
          if (at + 40_000 < LENGTH) setImmediate(write, at + 40_000)
          else res.end()
        }
        write(0)
      })
      const gateway = await stage.gateway(port, { protect: false })
      const clients = await Promise.all([1, 2, 3, 4].map(() => stage.connect(gateway.port)))
      await Promise.all(
        clients.map(async (client, n) => {
          for (let round = 0; round < 2; round++) {
            const seed = round * 10 + n
            client.send(`GET /${seed} HTTP/1.1\r\nhost: a\r\n\r\n`)
            assert.equal(await sumOf(client.socket, LENGTH, n < 3 ? 2 : 0), sumOfAll(pattern(seed, LENGTH)))
          }
        }),
      )
    })
  })
})

/** Bytes of which each tells whose they are and where. */
function pattern(seed: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at += 4) bytes.writeInt32LE(Math.imul(at + 1, 2 * seed + 1), at)
  return bytes
}

function sumOfAll(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Of a body of so many bytes; after each piece nothing is read for so many ms. */
function sumOf(socket: Socket, length: number, rest: number): Promise<string> {
  const hash = createHash('sha256')
  let left = length
  let head = ''
  return new Promise((resolve, reject) => {
    const read = (piece: Buffer): void => {
      let body = piece
      if (!head.includes('\r\n\r\n')) {
        const before = head.length
        head += piece.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        body = piece.subarray(end + 4 - before)
      }
      hash.update(body)
      left -= body.length
      if (left <= 0) {
        socket.off('data', read)
        resolve(hash.digest('hex'))
      } else if (rest > 0) {
        socket.pause()
        setTimeout(() => socket.resume(), rest)
      }
    }
    socket.on('data', read).on('close', () => reject(new Error(`${left} bytes did not come`)))
  })
}
