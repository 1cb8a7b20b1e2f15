import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scene, until, type Client } from './proxy-rig.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

async function answered(client: Client): Promise<{ status: number; text: string }> {
  await until('an answer', () => /\r\n\r\n/.test(client.received()) || client.closed)
  const text = client.received()
  return { status: Number(text.slice(9, 12)), text }
}

function errorOf(text: string): { code: string; message: string; retry_after: number | null } {
  const body = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as {
    success: boolean
    error: { code: string; message: string; retry_after: number | null }
  }
  assert.equal(body.success, false)
  return body.error
}

describe('an upstream that fails', () => {
  it('that is not there is a 502 with a reason', async () => {
    await scene(async (stage) => {
      const gateway = await stage.gateway(1)
      const client = await stage.connect(gateway.port)
      client.send(GET)
      const { status, text } = await answered(client)
      assert.equal(status, 502)
      assert.match(text, /retry-after: 5\r\n/i)
      const { code, message, retry_after } = errorOf(text)
      assert.deepEqual([code, retry_after], ['UPSTREAM_UNREACHABLE', 5])
      assert.match(message, /ECONNREFUSED/)
      client.send(GET)
      await until('the connection to be of use again', () => client.received().split('502').length === 3)
    })
  })

  it('that does not answer in time is a 504', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(() => {})
      const gateway = await stage.gateway(port, { headersTimeout: 300 })
      const client = await stage.connect(gateway.port)
      client.send(GET)
      const { status, text } = await answered(client)
      assert.equal(status, 504)
      assert.equal(errorOf(text).code, 'UPSTREAM_TIMEOUT')
      assert.equal(gateway.tally.releasesBy.dropped, 1)
    })
  })

  it('that stops reading an upload is a 504, however long the client would wait', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((req) => void req.pause())
      const gateway = await stage.gateway(port, { headersTimeout: 300 })
      const client = await stage.connect(gateway.port)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n')
      client.send(Buffer.alloc(30_000_000))
      const { status } = await answered(client)
      assert.equal(status, 504)
      await until('the end of the connection', () => client.closed)
      assert.equal(gateway.gate?.stats.inflight, 0)
    })
  })

  it('that closes before its answer is a 502', async () => {
    await scene(async (stage) => {
      const port = await stage.rawUpstream((socket) => socket.once('data', () => socket.destroy()))
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send(GET)
      const { status, text } = await answered(client)
      assert.equal(status, 502)
      assert.equal(errorOf(text).code, 'UPSTREAM_FAILED')
    })
  })

  it('tells it as problem details where those are asked for', async () => {
    await scene(async (stage) => {
      const gateway = await stage.gateway(1)
      const client = await stage.connect(gateway.port)
      client.send('GET / HTTP/1.1\r\nhost: a\r\naccept: application/problem+json\r\n\r\n')
      const { text } = await answered(client)
      assert.match(text, /content-type: application\/problem\+json/i)
      assert.match(text, /"status":502/)
    })
  })

  for (const [what, head] of [
    ['of known length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ] as const)
    it(`that dies in the middle of an answer ${what} breaks the client's connection`, async () => {
      await scene(async (stage) => {
        let cut = (): void => {}
        const port = await stage.rawUpstream((socket) =>
          socket.once('data', () => {
            socket.write(head)
            cut = () => socket.destroy()
          }),
        )
        const gateway = await stage.gateway(port)
        const client = await stage.connect(gateway.port)
        client.send(GET)
        await until('the first half', () => client.received().includes('half'))
        cut()
        await until('the end', () => client.closed)
        assert.doesNotMatch(client.received(), /\r\n0\r\n/)
        assert.equal(gateway.proxy.failed.UPSTREAM_FAILED, 1)
        assert.equal(gateway.gate?.stats.inflight, 0)
        // Of the upstream, not a client that left: breakers are to hear of it.
        assert.equal(gateway.tally.releasesBy.failure, 1)
      })
    })

  it('that dies in the middle of an answer to HTTP/1.0 resets the connection: closing would mean the end', async () => {
    await scene(async (stage) => {
      let cut = (): void => {}
      const port = await stage.rawUpstream((socket) =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')
          cut = () => socket.destroy()
        }),
      )
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      let why = ''
      client.socket.on('error', (error: NodeJS.ErrnoException) => (why = error.code ?? ''))
      client.send('GET / HTTP/1.0\r\n\r\n')
      await until('the first half', () => client.received().includes('half'))
      cut()
      await until('the end', () => client.closed)
      assert.equal(why, 'ECONNRESET')
    })
  })

  for (const [what, answer] of [
    ['both lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
  ] as const)
    it(`that answers with ${what} is a 502`, async () => {
      await scene(async (stage) => {
        const port = await stage.rawUpstream((socket) => socket.once('data', () => socket.write(answer)))
        const gateway = await stage.gateway(port)
        const client = await stage.connect(gateway.port)
        client.send(GET)
        assert.equal((await answered(client)).status, 502)
      })
    })
})

describe('an upstream with habits', () => {
  it('103 before 200 is not taken for the answer', async () => {
    await scene(async (stage) => {
      const port = await stage.rawUpstream((socket) =>
        socket.once('data', () =>
          socket.write('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
        ),
      )
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send(GET)
      const { status, text } = await answered(client)
      assert.equal(status, 200)
      assert.match(text, /ok$/)
    })
  })

  it('a trailer header on either side kills nobody', async () => {
    await scene(async (stage) => {
      let seen = ''
      const port = await stage.rawUpstream((socket) =>
        socket.on('data', (chunk: Buffer) => {
          seen += chunk.toString('latin1')
          socket.write('HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ncontent-length: 2\r\n\r\nok')
        }),
      )
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send('GET / HTTP/1.1\r\nhost: a\r\ntrailer: x\r\n\r\n')
      const { status, text } = await answered(client)
      assert.equal(status, 200)
      assert.doesNotMatch(text + seen, /trailer/i)
    })
  })

  it('an answer before the whole upload reaches the client, and the connection ends soon', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => {
        res.writeHead(413, { connection: 'close' }).end('too large')
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n')
      client.send(Buffer.alloc(100_000))
      const { status } = await answered(client)
      assert.equal(status, 413)
      await until('the end of the connection', () => client.closed)
      assert.equal(gateway.gate?.stats.inflight, 0)
    })
  })

  it('an event stream is passed on event by event', async () => {
    await scene(async (stage) => {
      let next = (_text: string): void => {}
      const port = await stage.upstream((_req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.flushHeaders()
        next = (text) => void res.write(text)
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send(GET)
      // The head comes by itself.
      assert.equal((await answered(client)).status, 200)
      next('data: 1\n\n')
      await until('the first event', () => client.received().includes('data: 1\n\n'))
      assert.doesNotMatch(client.received(), /data: 2/)
      next('data: 2\n\n')
      await until('the second event', () => client.received().includes('data: 2\n\n'))
    })
  })

  it('closing a kept connection as a request goes out on it fails nothing that may be sent twice', async () => {
    await scene(async (stage) => {
      let connections = 0
      // Every connection answers once and hangs up on the next request, without a byte.
      const port = await stage.rawUpstream((socket) => {
        connections++
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
          socket.once('data', () => socket.destroy())
        })
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      for (let i = 1; i <= 10; i++) {
        client.send(GET)
        await until(`answer ${i}`, () => client.received().split('\r\n\r\nok').length === i + 1)
      }
      assert.equal(gateway.proxy.answered['2xx'], 10)
      assert.ok(connections > 5, `${connections} connections`)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
      await until('two more answers', () => client.received().split('HTTP/1.1 ').length === 13)
      assert.match(client.received(), /502 Bad Gateway/)
    })
  })
})
