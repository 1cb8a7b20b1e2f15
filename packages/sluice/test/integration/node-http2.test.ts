import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { protect, signalOf, type RequestHandler } from '../../src/servers/node.ts'
import { semaphore, type Gate, type Outcome } from '../../src/index.ts'
import { until } from './waiting.ts'

function watched(permits: number): { gate: Gate; outcomes: Outcome[] } {
  const outcomes: Outcome[] = []
  const observer = { released: (_arrival: unknown, outcome: Outcome): void => void outcomes.push(outcome) }
  return { gate: semaphore({ permits, name: 'api', observer }), outcomes }
}

/** A session to a server in the compatibility mode of node:http2. */
async function over2(
  gate: Gate,
  handler: RequestHandler,
  prove: (session: ClientHttp2Session) => Promise<void>,
  timeout?: number,
): Promise<void> {
  const guarded = protect(handler, { gate, ...(timeout !== undefined && { timeout }) })
  // Requests and responses of HTTP/2 have what a door touches, although their types are others.
  const server = createServer((req, res) =>
    guarded(req as unknown as IncomingMessage, res as unknown as ServerResponse),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    await prove(session)
  } finally {
    session.destroy()
    server.close()
  }
}

async function answerOf(stream: ClientHttp2Stream): Promise<[status: unknown, body: string]> {
  let body = ''
  stream.setEncoding('utf8').on('data', (part: string) => (body += part))
  const [headers] = (await once(stream, 'response')) as [{ readonly ':status': number }]
  if (!stream.closed) await once(stream, 'close')
  return [headers[':status'], body]
}

describe('sluice/node over HTTP/2', () => {
  it('serves streams beside each other, more than one connection of HTTP/1 would have', async () => {
    const { gate, outcomes } = watched(50)
    const held: ServerResponse[] = []
    await over2(
      gate,
      (_req, res) => void held.push(res),
      async (session) => {
        const answers = Array.from({ length: 50 }, () => answerOf(session.request({ ':path': '/' })))
        await until('all of them in the handler', () => held.length === 50)
        for (const res of held) res.end('done')
        assert.ok((await Promise.all(answers)).every(([status, body]) => status === 200 && body === 'done'))
        await until('the ends', () => outcomes.length === 50)
        assert.ok(outcomes.every((outcome) => outcome === 'success'))
        assert.equal(gate.stats.inflight, 0)
      },
    )
  })

  it('gives the slot of a HEAD back, whether it is answered or reset before that', async () => {
    const { gate, outcomes } = watched(1)
    const held: ServerResponse[] = []
    await over2(
      gate,
      (_req, res) => void held.push(res),
      async (session) => {
        const answered = answerOf(session.request({ ':path': '/', ':method': 'HEAD' }))
        await until('it in the handler', () => held.length === 1)
        held[0]!.end()
        assert.deepEqual(await answered, [200, ''])
        await until('its slot', () => gate.stats.inflight === 0)
        const reset = session.request({ ':path': '/', ':method': 'HEAD' })
        reset.on('error', () => undefined)
        await until('the next', () => held.length === 2)
        reset.close(8)
        await until('its slot', () => gate.stats.inflight === 0)
        assert.deepEqual(outcomes, ['success', 'ignored'])
      },
    )
  })

  it('says nothing that HTTP/2 has no words for: neither of a 504, nor of a refused upload, nor of a gate that is closed', async () => {
    const { gate } = watched(1)
    const warnings: string[] = []
    const warned = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', warned)
    try {
      await over2(
        gate,
        () => undefined,
        async (session) => {
          const post = (): ClientHttp2Stream => {
            const upload = session.request({ ':path': '/', ':method': 'POST' })
            upload.on('error', () => undefined).write(Buffer.alloc(200_000))
            return upload
          }
          assert.equal((await answerOf(session.request({ ':path': '/' })))[0], 504)
          const held = gate.tryEnter()
          const [status, body] = await answerOf(post())
          assert.deepEqual([status, JSON.parse(body).error.code], [503, 'LIMIT_EXCEEDED'])
          if (held.admitted) held.release('success')
          gate.close()
          assert.equal((await answerOf(session.request({ ':path': '/' })))[0], 503)
          await new Promise((resolve) => setImmediate(resolve))
        },
        30,
      )
      assert.deepEqual(warnings, [])
    } finally {
      process.off('warning', warned)
    }
  })

  it('refuses, and gives the slot back when a stream is reset or its session ends', async () => {
    const { gate, outcomes } = watched(1)
    const signals: AbortSignal[] = []
    await over2(
      gate,
      (req) => void signals.push(signalOf(req)),
      async (session) => {
        const first = session.request({ ':path': '/' })
        first.on('error', () => undefined)
        await until('it in the handler', () => signals.length === 1)
        const [status, body] = await answerOf(session.request({ ':path': '/' }))
        assert.deepEqual([status, JSON.parse(body).error.code], [503, 'LIMIT_EXCEEDED'])
        first.close(8)
        await until('its slot', () => gate.stats.inflight === 0)
        assert.equal(signals[0]!.aborted, true)
        session.request({ ':path': '/' }).on('error', () => undefined)
        await until('the next', () => signals.length === 2)
        session.destroy()
        await until('its slot', () => gate.stats.inflight === 0)
        assert.deepEqual(outcomes, ['ignored', 'ignored'])
      },
    )
  })
})
