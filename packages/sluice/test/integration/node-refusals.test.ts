import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { protect, type ProtectOptions, type RequestHandler } from '../../src/servers/node.ts'
import { fifo, REFUSALS, semaphore, type Gate } from '../../src/index.ts'
import { connect, listen, type Connection } from './loopback.ts'
import { until } from './waiting.ts'

interface Bench {
  readonly port: number
  /** Bytes the server has read from all its connections that are closed by now. */
  readonly bytes: () => number
  readonly ask: (head: string) => Promise<Connection>
}

const answerOk: RequestHandler = (req, res) => void res.end(`ok ${req.url}`)

/** Runs `prove` against a server whose only permit is taken. */
async function full(gate: Gate, prove: (bench: Bench) => Promise<void>, options: ProtectOptions = {}): Promise<void> {
  const held = gate.tryEnter()
  assert.ok(held.admitted)
  const guarded = protect(answerOk, { gate, ...options })
  const server = createServer(guarded)
  server.on('checkContinue', guarded.checkContinue)
  let bytes = 0
  server.on('connection', (socket: Socket) => socket.on('close', () => (bytes += socket.bytesRead)))
  const { port, close } = await listen(server)
  try {
    await prove({
      port,
      bytes: () => bytes,
      async ask(head) {
        const client = await connect(port)
        client.send(`${head}\r\nhost: loopback\r\n\r\n`)
        return client
      },
    })
    assert.deepEqual(gate.stats, { limit: 1, inflight: 1, queued: 0 })
  } finally {
    held.release('success')
    await close()
  }
}

const refusing = (): Gate => semaphore({ permits: 1, name: 'api' })
const ended = (client: Connection) => (): boolean => client.received().endsWith('}')

describe('sluice/node refuses', () => {
  it('S3.3 SYSTEM_OVERLOAD, QUEUE_FULL and QUEUE_TIMEOUT: status, retry-after and the exact body', async () => {
    const rows = [
      [semaphore({ permits: 1, name: 'api', threshold: 1 }), 'overload', 'SYSTEM_OVERLOAD', 5],
      [semaphore({ permits: 1, name: 'api', queue: fifo({ capacity: 0 }) }), 'queue_full', 'QUEUE_FULL', 1],
      [semaphore({ permits: 1, name: 'api', queue: fifo({ maxWait: 10 }) }), 'queue_timeout', 'QUEUE_TIMEOUT', 2],
    ] as const
    for (const [gate, code, wire, seconds] of rows)
      await full(gate, async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/orders`)
        assert.equal(response.status, 503)
        assert.equal(response.headers.get('retry-after'), String(seconds))
        assert.equal(response.headers.get('content-type'), 'application/json')
        assert.match(response.headers.get('sluice-rejection') ?? '', new RegExp(`^${code};gate="api";load=`))
        const message = `api refused: ${REFUSALS[code].means}`
        const body = `{"success":false,"error":{"code":"${wire}","message":"${message}","retry_after":${seconds}}}`
        assert.equal(await response.text(), body)
      })
  })

  it('S3.3 health and metrics paths are served while everything else is refused', async () => {
    await full(refusing(), async ({ port }) => {
      for (const path of [
        '/health',
        '/health/live',
        '/healthz',
        '/livez',
        '/readyz',
        '/metrics',
        '/metrics/backpressure?x',
      ])
        assert.equal(await (await fetch(`http://127.0.0.1:${port}${path}`)).text(), `ok ${path}`)
      assert.equal((await fetch(`http://127.0.0.1:${port}/orders`)).status, 503)
    })
  })

  it('S3.3 problem details when the request or the operator asks for them', async () => {
    await full(refusing(), async ({ port }) => {
      const headers = { accept: 'application/problem+json' }
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers })
      assert.equal(response.headers.get('content-type'), 'application/problem+json')
      assert.equal(((await response.json()) as { code: string }).code, 'LIMIT_EXCEEDED')
    })
    const chosen = { body: 'problem' } as const
    await full(
      refusing(),
      async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/`)
        assert.equal(response.headers.get('content-type'), 'application/problem+json')
      },
      chosen,
    )
  })

  it('a HEAD request without a body, and the connection stays usable', async () => {
    await full(refusing(), async ({ ask }) => {
      const client = await ask('HEAD / HTTP/1.1')
      await until('the head', () => client.received().endsWith('\r\n\r\n'))
      assert.match(client.received(), /^HTTP\/1\.1 503 [^]*\r\ncontent-length: [1-9]/i)
      client.send('GET /health HTTP/1.1\r\nhost: loopback\r\n\r\n')
      await until('the second answer', () => client.received().endsWith('ok /health'))
      client.leave()
    })
  })

  it('a small body keeps the connection', async () => {
    await full(refusing(), async ({ ask }) => {
      const client = await ask('POST / HTTP/1.1\r\ncontent-length: 65536')
      await until('the refusal', ended(client))
      assert.doesNotMatch(client.received(), /connection: close/i)
      client.send('x'.repeat(65536))
      client.send('GET /health HTTP/1.1\r\nhost: loopback\r\n\r\n')
      await until('the second answer', () => client.received().endsWith('ok /health'))
      client.leave()
    })
  })

  it('a body of 200 MB, or of unknown length, is not read, and the refusal reaches a client that only sends', async () => {
    const length = 200 * 2 ** 20
    for (const framing of [`content-length: ${length}`, 'transfer-encoding: chunked'])
      await full(refusing(), async ({ ask, bytes }) => {
        const client = await ask(`POST / HTTP/1.1\r\n${framing}`)
        const part = Buffer.alloc(2 ** 20, 'x')
        const [before, after] = framing.startsWith('t') ? ['100000\r\n', '\r\n'] : ['', '']
        for (let sent = 0; sent < length && !client.closed; sent += part.length) {
          client.send(before)
          client.send(part)
          client.send(after)
          await new Promise(setImmediate)
        }
        await until('the end of the connection', () => client.closed)
        assert.match(client.received(), /^HTTP\/1\.1 503 [^]*\r\nconnection: close\r\n/i)
        await until('the server to have closed', () => bytes() > 0)
        assert.ok(bytes() < 4 * 2 ** 20, `${bytes()} bytes were read`)
      })
  })

  it('Expect: 100-continue with 503 and without 100', async () => {
    await full(refusing(), async ({ ask }) => {
      const client = await ask('POST / HTTP/1.1\r\ncontent-length: 5\r\nexpect: 100-continue')
      await until('the refusal', ended(client))
      assert.match(client.received(), /^HTTP\/1\.1 503 [^]*\r\nconnection: close\r\n/i)
      await until('the end of the connection', () => client.closed)
    })
  })

  it('writes nothing when the client left while it waited', async () => {
    const gate = semaphore({ permits: 1, name: 'api', queue: fifo({ maxWait: 60_000 }) })
    await full(gate, async ({ ask }) => {
      const client = await ask('GET / HTTP/1.1')
      await until('the waiter', () => gate.stats.queued === 1)
      client.leave()
      await until('its departure', () => gate.stats.queued === 0)
      assert.equal(client.received(), '')
    })
  })
})
