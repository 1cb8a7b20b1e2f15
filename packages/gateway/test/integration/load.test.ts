import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { describe, it } from 'node:test'
import { upstream } from '../../src/demo/upstream.ts'
import { httpTransport, openLoop, type LoadReport, type Phase } from '../../src/load/index.ts'
import { freePort } from './free-port.ts'

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return (server.address() as AddressInfo).port
}

async function load(port: number, phase: Omit<Phase, 'name'>, timeout = 1000): Promise<LoadReport['phases'][number]> {
  const transport = httpTransport({ url: `http://127.0.0.1:${port}/path?x=1` })
  try {
    const { phases } = await openLoop({ transport, phases: [{ name: 'x', ...phase }], timeout })
    return phases[0]!
  } finally {
    transport.close()
  }
}

async function against<T>(handler: RequestListener, use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer(handler)
  try {
    return await use(await listen(server))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe('openLoop over HTTP', () => {
  it('offers the rate it was asked for', async () => {
    const seen: (string | undefined)[] = []
    const times: number[] = []
    const report = await against(
      (req, res) => {
        seen.push(req.url)
        times.push(performance.now())
        res.end('ok')
      },
      (port) => load(port, { rate: 1000, duration: 2000 }),
    )
    assert.equal(report.offered, 2000)
    assert.equal(seen.length, 2000)
    assert.ok(seen.every((url) => url === '/path?x=1'))
    assert.equal(report.good + report.slow, 2000)
    const rate = (1999 / (times.at(-1)! - times[0]!)) * 1000
    assert.ok(Math.abs(rate - 1000) < 50, `${rate}/s`)
  })

  it('reads sized and chunked answers and refusals over kept connections', async () => {
    let index = 0
    const connections = new Set<unknown>()
    const report = await against(
      (req, res) => {
        connections.add(req.socket)
        index = (index + 1) % 3
        if (index === 0) res.end('sized')
        else if (index === 1) {
          res.write('chun')
          res.end('ked')
        } else {
          res.writeHead(503, { 'retry-after': '1' })
          res.end('{"error":{"code":"QUEUE_FULL"}}')
        }
      },
      (port) => load(port, { rate: 300, duration: 1000 }),
    )
    assert.equal(report.good + report.slow, 200)
    assert.deepEqual(report.reasons, { QUEUE_FULL: 100 })
    assert.equal(report.unexplained, 0)
    assert.ok(connections.size < 50, `${connections.size} connections for 300 requests`)
  })

  it('sees a server that stands still, because it counts from the due time', async () => {
    let served = 0
    const report = await against(
      (_req, res) => {
        // The same event loop serves and sends: for 300 ms nothing can be sent either.
        if (++served === 100) for (const until = performance.now() + 300; performance.now() < until;);
        res.end('ok')
      },
      (port) => load(port, { rate: 200, duration: 1500 }),
    )
    assert.equal(report.offered, 300)
    // 60 of 300 were due while it stood still. A closed loop would have seen one slow answer and a p90 of nothing.
    assert.ok(report.admitted.max >= 295, `${report.admitted.max}`)
    assert.ok(report.admitted.p90 >= 100, `${report.admitted.p90}`)
    assert.ok(report.admitted.p50 < 100, `${report.admitted.p50}`)
    assert.ok(report.late >= 40, `${report.late}`)
    assert.equal(report.punctual, false)
  })

  it('counts timeouts, and really leaves', async () => {
    let left = 0
    const report = await against(
      (_req, res) => res.on('close', () => left++),
      (port) => load(port, { rate: 500, duration: 500 }, 200),
    )
    assert.equal(report.timeouts, 250)
    assert.equal(report.good, 0)
    assert.ok(left >= 240, `${left} of 250 seen to leave by the server`)
  })

  it('holds thousands of connections', async () => {
    const report = await against(
      (_req, res) => void setTimeout(() => res.end('ok'), 900),
      (port) => load(port, { rate: 2000, duration: 1000 }, 3000),
    )
    assert.equal(report.good + report.slow, 2000)
    assert.equal(report.errors, 0)
  })

  it('asks again elsewhere when a kept connection was closed on it, and only then', async () => {
    let requests = 0
    // Answers the first request of a connection and closes it at the second, as a server does that has just lost
    // patience with an idle connection.
    const server = createTcpServer((socket) => {
      socket.once('data', () => {
        requests++
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        socket.once('data', () => socket.destroy())
      })
      socket.on('error', () => {})
    })
    const port = await listen(server)
    const report = await load(port, { rate: 50, duration: 1000 })
    server.close()
    assert.equal(report.good + report.slow, 50)
    assert.equal(requests, 50)
    const refusing = createTcpServer((socket) => socket.once('data', () => socket.destroy()))
    const other = await load(await listen(refusing), { rate: 50, duration: 200 })
    refusing.close()
    assert.equal(other.errors, 10)
    assert.ok((other.causes['ECONNRESET'] ?? 0) > 0, JSON.stringify(other.causes))
  })

  it('names the cause when nobody listens', async () => {
    const report = await load(await freePort(), { rate: 50, duration: 200 })
    assert.deepEqual(report.causes, { ECONNREFUSED: 10 })
  })

  it('speaks http only, and says so', () => {
    assert.throws(() => httpTransport({ url: 'https://127.0.0.1/' }), /http: only, not to https:/)
    assert.throws(() => httpTransport({ url: 'nowhere' }), TypeError)
  })
})

describe('upstream', () => {
  it('has its knee where its slots and its time say', async () => {
    const server = await upstream({ slots: 10, service: 20 })
    try {
      // Capacity 500/s; with 600/s offered the queue never empties, so what is answered is what it can do.
      const report = await load(server.port, { rate: 600, duration: 2000 })
      const answered = report.good + report.slow
      const rate = answered / ((report.duration + report.admitted.max) / 1000)
      assert.ok(Math.abs(rate - 500) < 50, `${rate}/s`)
    } finally {
      server.close()
    }
  })

  it('answers at once below its knee', async () => {
    const server = await upstream({ slots: 10, service: 20 })
    try {
      const report = await load(server.port, { rate: 250, duration: 1000 })
      assert.equal(report.good, 250)
      assert.ok(report.admitted.p50 >= 18 && report.admitted.p50 < 40, `${report.admitted.p50}`)
    } finally {
      server.close()
    }
  })
})
