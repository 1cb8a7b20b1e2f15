import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { connect as open } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { drain, drainOnSignal, protect } from '../../src/servers/node.ts'
import { semaphore } from '../../src/index.ts'
import { certificate, noOpenssl } from './certificate.ts'
import type { Draining } from './drain-server.ts'
import { connect, listen, type Connection } from './loopback.ts'
import { until } from './waiting.ts'

const GET = 'GET / HTTP/1.1\r\nhost: loopback\r\n\r\n'

class Drained {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  errors = ''
  port = 0

  constructor(...args: readonly string[]) {
    this.child = fork(new URL('drain-server.js', import.meta.url), args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.child.stderr!.setEncoding('utf8').on('data', (part: string) => (this.errors += part))
    this.ended = once(this.child, 'close').then(([code]) => code as number | null)
  }

  async ask(question: 'report' | 'answer'): Promise<Draining> {
    const answer = once(this.child, 'message')
    this.child.send(question)
    return ((await answer) as [Draining])[0]
  }

  async until(what: string, condition: (report: Draining) => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; ; await sleep(5)) {
      const report = await this.ask('report')
      if (condition(report)) return
      assert.ok(Date.now() < end, `waited 10 s in vain for ${what}: ${JSON.stringify(report)}`)
    }
  }
}

/** One request in its handler, two that wait and an idle connection. */
async function busy(
  args: readonly string[],
  prove: (server: Drained, clients: readonly Connection[], idle: Connection) => Promise<void>,
): Promise<void> {
  const server = new Drained(...args)
  try {
    server.port = ((await once(server.child, 'message')) as [Draining])[0].port
    const idle = await connect(server.port)
    const clients: Connection[] = []
    for (let at = 0; at < 3; at++) {
      const client = await connect(server.port)
      client.send(GET)
      clients.push(client)
      await server.until('the request', ({ inflight, queued }) => inflight + queued === at + 1)
    }
    await prove(server, clients, idle)
  } finally {
    server.child.kill('SIGKILL')
    await server.ended
  }
}

describe('drain', () => {
  for (const kind of ['node', 'express 5', 'express 4', 'koa'])
    it(`S1.10 ${kind}: on SIGTERM unready, no new connections; all that was accepted is served, then exit 0`, async () => {
      await busy([kind], async (server, clients, idle) => {
        server.child.kill('SIGTERM')
        await server.until('unreadiness', ({ ready }) => !ready)
        await until('the end of the idle connection', () => idle.closed)
        await assert.rejects(connect(server.port), { code: 'ECONNREFUSED' })
        // On its way before anybody could know.
        clients[0]!.send(GET)
        await server.until('the fourth', ({ queued }) => queued === 3)
        void server.ask('answer').catch(() => undefined)
        await until('four answers', () => clients.reduce((sum, client) => sum + ends(client), 0) === 4)
        for (const client of clients) {
          assert.match(client.received(), /connection: close\r\n/i)
          await until('the end', () => client.closed)
        }
        assert.deepEqual([await server.ended, server.errors], [0, ''])
      })
    })

  it('S1.10 what has not ended in time is cut off, counted and told; whoever waits is told to go elsewhere', async () => {
    await busy(['node', '300'], async (server, clients) => {
      server.child.kill('SIGTERM')
      assert.equal(await server.ended, 1)
      assert.equal(server.errors, 'sluice: 3 requests were cut off\n')
      await until('the end of all', () => clients.every((client) => client.closed))
      assert.equal(clients[0]!.received(), '')
      for (const client of clients.slice(1)) assert.match(client.received(), /^HTTP\/1\.1 503 [^]*SHUTTING_DOWN/)
    })
  })

  it('S1.10 a second signal ends at once', async () => {
    await busy(['node'], async (server) => {
      server.child.kill('SIGTERM')
      await server.until('unreadiness', ({ ready }) => !ready)
      const began = performance.now()
      server.child.kill('SIGINT')
      assert.equal(await server.ended, 1)
      assert.ok(performance.now() - began < 2000)
      assert.equal(server.errors, 'sluice: 3 requests were cut off\n')
    })
  })

  it('S1.10 unready first: connections are taken on for as long as load balancers need to notice', async () => {
    await busy(['node', '30000', '500'], async (server) => {
      server.child.kill('SIGTERM')
      await server.until('unreadiness', ({ ready }) => !ready)
      const late = await connect(server.port)
      late.send(GET)
      await server.until('the late one', ({ queued }) => queued === 3)
      void server.ask('answer').catch(() => undefined)
      await until('its answer', () => ends(late) === 1)
      assert.equal(await server.ended, 0)
    })
  })

  it('resolves with 0 when nothing is left, and again when it is called again', async () => {
    const gate = semaphore({ permits: 1 })
    const server = createServer(protect((_req, res) => void res.end('done'), { gate }))
    await listen(server)
    const first = drain(server, gate, { within: 5000 })
    assert.deepEqual(await first, { cutOff: 0 })
    assert.deepEqual(await drain(server, gate), { cutOff: 0 })
    const verdict = gate.tryEnter()
    assert.equal(!verdict.admitted && verdict.code, 'closed')
  })

  it('a connection whose response has begun ends with that response', async () => {
    const gate = semaphore({ permits: 1 })
    let end = (): void => undefined
    const server = createServer(
      protect(
        (_req, res) => {
          res.write('part one')
          end = (): void => void res.end('part two')
        },
        { gate },
      ),
    )
    const { port } = await listen(server)
    const client = await connect(port)
    client.send(GET)
    await until('the first part', () => client.received().includes('part one'))
    const done = drain(server, gate, { within: 5000 })
    end()
    assert.deepEqual(await done, { cutOff: 0 })
    await until('the end', () => client.closed)
    assert.match(client.received(), /part two/)
  })

  for (const [kind, start] of [
    ['http', (): [Server, string | undefined] => [createServer(serve), undefined]],
    [
      'https',
      (): [Server, string] => {
        const shown = certificate()
        return [createSecure(shown, serve), shown.cert]
      },
    ],
  ] as const)
    it(
      `S1.10 ${kind}: half a head holds it up for a second, not for as long as it may take; one that goes on is served`,
      {
        skip: kind === 'https' && noOpenssl,
      },
      async () => {
        const [server, ca] = start()
        const { port, close } = await listen(server)
        const connected = (): Promise<Connection> => connect(port, ca)
        try {
          const [half, after, slow, silent] = [
            await connected(),
            await connected(),
            await connected(),
            await connected(),
          ]
          after.send(GET)
          await until('the first answer', () => after.received().includes('done'))
          half.send('GET / HT')
          after.send('GET / HT')
          slow.send(GET.slice(0, 8))
          await sleep(20)
          const started = performance.now()
          const done = drain(server, undefined, { within: 4000 })
          await until('the end of who says nothing', () => silent.closed)
          // Slower than a sweep, faster than what is given up: with pauses it takes longer than those who stand still have.
          for (const from of [8, 16, 24]) {
            await sleep(400)
            slow.send(GET.slice(from, from === 24 ? undefined : from + 8))
          }
          assert.deepEqual(await done, { cutOff: 0 })
          assert.ok(performance.now() - started < 3500)
          await until('the end', () => half.closed && after.closed && slow.closed)
          assert.match(half.received(), /^HTTP\/1\.1 408 /)
          assert.match(slow.received(), /200 OK[^]*connection: close[^]*done$/i)
        } finally {
          await close().catch(() => undefined)
        }
      },
    )

  it('refuses a time that makes no sense, and listens no longer when told so', () => {
    const server = createServer()
    assert.throws(() => drain(server, undefined, { within: -1 }), /drain\.within/)
    const before = process.listenerCount('SIGTERM')
    const listening = drainOnSignal(server, undefined)
    assert.equal(process.listenerCount('SIGTERM'), before + 1)
    listening[Symbol.dispose]()
    assert.equal(process.listenerCount('SIGTERM'), before)
  })

  it('control: without drain a server that is closed and exits cuts off what it has', async () => {
    const server = createServer(() => undefined)
    const { port, close } = await listen(server)
    const client = open({ port, host: '127.0.0.1' })
    client.on('error', () => undefined)
    await once(client, 'connect')
    client.write(GET)
    await sleep(20)
    const gone = once(client, 'close')
    await close()
    await gone
  })
})

function ends(client: Connection): number {
  return client.received().split('done').length - 1
}

function serve(_req: IncomingMessage, res: ServerResponse): void {
  res.end('done')
}
