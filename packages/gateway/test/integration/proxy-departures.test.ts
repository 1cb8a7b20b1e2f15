import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { scene, until } from './proxy-rig.ts'

/** The requirement is 100 ms; a machine that does other things too may be late. */
const BOUND = 500

/** How long it takes until `gone` after `leave`. */
async function timed(t: TestContext, leave: () => void, gone: () => boolean): Promise<void> {
  const start = performance.now()
  leave()
  await until('the connection to the upstream to be closed', gone, BOUND)
  t.diagnostic(`closed after ${(performance.now() - start).toFixed(1)} ms`)
}

describe('a client that leaves ends its request to the upstream', () => {
  it('before the head of the answer', async (t) => {
    await scene(async (stage) => {
      let [came, gone] = [false, false]
      const port = await stage.upstream((_req, res) => {
        came = true
        res.on('close', () => (gone = true))
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the request', () => came)
      await timed(
        t,
        () => client.leave(),
        () => gone,
      )
      assert.deepEqual(gateway.gate?.stats.inflight, 0)
      assert.equal(gateway.proxy.departed, 1)
    })
  })

  it('in the middle of an answer that it does not read', async (t) => {
    await scene(async (stage) => {
      let gone = false
      let answer: ServerResponse | undefined
      const port = await stage.upstream((_req, res) => {
        answer = res
        res.on('close', () => (gone = true))
        while (res.write(Buffer.alloc(65_536)));
        res.on('drain', () => {
          while (!res.destroyed && res.write(Buffer.alloc(65_536)));
        })
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.socket.pause()
      client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      let last = -1
      // Until everything between them is full.
      await until('the upstream to be held back', () => {
        const before = last
        last = answer?.socket?.bytesWritten ?? -1
        return last > 0 && before === last && answer?.writableNeedDrain === true
      })
      await timed(
        t,
        () => client.leave(),
        () => gone,
      )
      assert.equal(gateway.gate?.stats.inflight, 0)
    })
  })

  it('while it uploads', async (t) => {
    await scene(async (stage) => {
      let gone = false
      let bytes = 0
      const port = await stage.upstream((req) => {
        req.on('data', (chunk: Buffer) => (bytes += chunk.length))
        req.on('close', () => (gone = true))
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n')
      client.send(Buffer.alloc(100_000))
      await until('the first of the body', () => bytes === 100_000)
      await timed(
        t,
        () => client.leave(),
        () => gone,
      )
    })
  })

  it('with all its pipelined requests', async () => {
    await scene(async (stage) => {
      let [came, gone] = [0, 0]
      const port = await stage.upstream((_req, res) => {
        came++
        res.on('close', () => gone++)
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(8))
      await until('eight requests', () => came === 8)
      client.leave()
      await until('eight departures', () => gone === 8, BOUND)
      await until('permits', () => gateway.gate?.stats.inflight === 0)
      assert.equal(gateway.proxy.active, 0)
    })
  })

  it('before the connection to the upstream is made: then nothing is sent', async () => {
    await scene(async (stage) => {
      let bytes = 0
      const port = await stage.rawUpstream((socket) => socket.on('data', (chunk) => (bytes += chunk.length)))
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      // Both in one turn of the gateway's loop: the request is read, then the end, and only then the connection is up.
      client.socket.end('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the departure', () => gateway.proxy.departed === 1)
      assert.equal(gateway.proxy.active, 0)
      assert.ok(bytes < 500)
    })
  })

  it('while it waits in the queue: the upstream never hears of it', async () => {
    await scene(async (stage) => {
      let came = 0
      const answers: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => {
        came++
        answers.push(res)
      })
      const gateway = await stage.gateway(port, {
        plan: { kind: 'fixed', permits: 1, queue: { capacity: 5, maxWait: 5000 }, threshold: undefined },
      })
      const first = await stage.connect(gateway.port)
      const second = await stage.connect(gateway.port)
      first.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the first', () => came === 1)
      second.send('GET /2 HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the second to wait', () => gateway.gate?.stats.queued === 1)
      second.leave()
      await until('the second to have left', () => gateway.gate?.stats.queued === 0)
      answers[0]!.end('ok')
      await until('the answer', () => first.received().includes('200 OK'))
      assert.equal(came, 1)
    })
  })

  it('stops reading for too long: that counts as leaving', async () => {
    await scene(async (stage) => {
      let gone = false
      const port = await stage.upstream((_req, res) => {
        res.on('close', () => (gone = true))
        const fill = (): void => {
          while (!res.destroyed && res.write(Buffer.alloc(65_536)));
        }
        res.on('drain', fill)
        fill()
      })
      const gateway = await stage.gateway(port, { clientTimeout: 300 })
      const client = await stage.connect(gateway.port)
      client.socket.pause()
      client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the upstream connection to be closed', () => gone)
      await until('the permit', () => gateway.gate?.stats.inflight === 0)
    })
  })
})
