// Trailers, both ways, over both versions of HTTP on either side.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect as speak } from 'node:http2'
import { describe, it } from 'node:test'
import type { Gateway } from '../../src/gateway.ts'
import { h2Server } from './h2-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { plainGateway } from './tls-rig.ts'

/** Names and values of what follows a body. */
type Trailers = Readonly<Record<string, string>>

/** Of each upstream: what came behind a request, and `te` and `trailer` in its head. */
interface Heard {
  trailers: Trailers
  te: unknown
  announced: unknown
}

const BOTH = ['HTTP/1.1', 'HTTP/2'] as const
type Version = (typeof BOTH)[number]

/** Without what node:http2 notes on them. */
const plain = (trailers: Trailers): Trailers => Object.fromEntries(Object.entries(trailers))

/** Answers each request, once it is whole, with a body and these trailers. */
async function upstream(stage: Scene, version: Version, answer: Trailers): Promise<{ port: number; heard: Heard[] }> {
  const heard: Heard[] = []
  if (version === 'HTTP/1.1') {
    const port = await stage.upstream((req, res) => {
      req.resume().on('end', () => {
        heard.push({ trailers: req.trailers as Trailers, te: req.headers.te, announced: req.headers.trailer })
        res.writeHead(200, { trailer: Object.keys(answer).join(', ') })
        res.write('body')
        res.addTrailers(answer)
        res.end()
      })
    })
    return { port, heard }
  }
  const { port } = await h2Server(stage, (stream, { te, trailer: announced }) => {
    let trailers: Trailers = {}
    stream.on('trailers', (got: Trailers) => (trailers = plain(got)))
    stream.resume().on('end', () => {
      heard.push({ trailers, te, announced })
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(answer))
      stream.end('body')
    })
  })
  return { port, heard }
}

interface Told {
  readonly body: string
  readonly trailers: Trailers
  readonly announced: unknown
}

async function asked(
  stage: Scene,
  version: Version,
  port: number,
  headers: Trailers,
  trailers: Trailers,
): Promise<Told> {
  const chunks: Buffer[] = []
  if (version === 'HTTP/1.1') {
    const req = request({ port, host: '127.0.0.1', method: 'POST', headers: { ...headers }, agent: false })
    req.write('some')
    req.addTrailers({ ...trailers })
    req.end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    res.on('data', (chunk: Buffer) => void chunks.push(chunk))
    await once(res, 'end')
    const announced = res.headers.trailer
    return { body: Buffer.concat(chunks).toString(), trailers: res.trailers as Trailers, announced }
  }
  const on = speak(`http://127.0.0.1:${port}`)
  stage.onEnd(() => on.destroy())
  const stream = on.request({ ':method': 'POST', ...headers }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end('some')
  let [got, announced]: [Trailers, unknown] = [{}, undefined]
  stream.on('response', (head) => (announced = head.trailer))
  stream.on('trailers', (late: Trailers) => (got = late))
  stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
  await once(stream, 'close')
  return { body: Buffer.concat(chunks).toString(), trailers: plain(got), announced }
}

const app = (port: number, version: Version): string =>
  `upstreams: { app: { http2: ${version === 'HTTP/2'}, servers: [{ url: "http://127.0.0.1:${port}" }] } }\n`

async function between(
  stage: Scene,
  version: Version,
  answer: Trailers,
): Promise<{ gateway: Gateway; heard: Heard[] }> {
  const { port, heard } = await upstream(stage, version, answer)
  return { gateway: await plainGateway(stage, app(port, version)), heard }
}

describe('trailers', () => {
  for (const client of BOTH)
    for (const server of BOTH)
      it(`${client} in, ${server} out: they pass both ways, and are announced where HTTP/1.1 can`, async () => {
        await scene(async (stage) => {
          const { gateway, heard } = await between(stage, server, { 'x-sum': '1', 'x-more': 'a' })
          const headers = { te: 'trailers', trailer: 'x-mine' }
          const told = await asked(stage, client, gateway.port, headers, { 'x-mine': 'late' })
          assert.deepEqual([told.body, told.trailers], ['body', { 'x-sum': '1', 'x-more': 'a' }])
          assert.equal(told.announced, server === 'HTTP/1.1' ? 'x-sum, x-more' : undefined)
          assert.deepEqual(heard, [{ trailers: { 'x-mine': 'late' }, te: 'trailers', announced: 'x-mine' }])
        })
      })

  for (const client of BOTH)
    it(`${client}: who has not said that he reads them gets none`, async () => {
      await scene(async (stage) => {
        const { gateway, heard } = await between(stage, 'HTTP/1.1', { 'x-sum': '1' })
        const told = await asked(stage, client, gateway.port, {}, {})
        assert.deepEqual(told, { body: 'body', trailers: {}, announced: undefined })
        assert.deepEqual(heard, [{ trailers: {}, te: undefined, announced: undefined }])
      })
    })

  for (const client of BOTH)
    it(`${client}: what only a header may say, or has said, goes neither way behind a body`, async () => {
      await scene(async (stage) => {
        const late = {
          authorization: 'x',
          x_forwarded_host: 'b',
          'content-type': 'a/b',
          'x-forwarded-for': '9.9.9.9',
          'x-real-ip': '9.9.9.9',
        }
        const { gateway, heard } = await between(stage, 'HTTP/1.1', { ...late, 'set-cookie': 'a=1', 'x-sum': '1' })
        const said = { te: 'trailers', 'x-role': 'user' }
        const told = await asked(stage, client, gateway.port, said, { ...late, 'x-role': 'admin', 'x-mine': '1' })
        assert.deepEqual(told.trailers, { 'x-sum': '1' })
        assert.deepEqual(heard[0]?.trailers, { 'x-mine': '1' })
      })
    })

  it('where there can be none nothing is announced, nobody dies, and the connection goes on', async () => {
    await scene(async (stage) => {
      let sent = ''
      const port = await stage.rawUpstream((socket) => {
        socket.on('data', (chunk: Buffer) => {
          const [, method, path] = /^(\w+) (\S+)/.exec(chunk.toString('latin1')) ?? []
          const sum = '0\r\nx-sum: 1\r\n\r\n'
          const body = method === 'HEAD' || path === '/304' ? '' : path === '/sized' ? 'ab' : `2\r\nab\r\n${sum}`
          const framing = path === '/sized' ? 'content-length: 2' : 'transfer-encoding: chunked'
          sent += `${method} ${path} `
          socket.write(`HTTP/1.1 ${path === '/304' ? 304 : 200} X\r\ntrailer: x-sum\r\n${framing}\r\n\r\n${body}`)
        })
      })
      const gateway = await stage.gateway(port)
      const client = await stage.connect(gateway.port)
      const ask = (line: string, end: string): void =>
        client.send(`${line} HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: ${end}te\r\n\r\n`)
      for (const [nth, line] of ['HEAD /', 'GET /304', 'GET /sized', 'HEAD /sized'].entries()) {
        ask(line, '')
        await until(line, () => client.received().split('via: ').length === nth + 2)
      }
      assert.doesNotMatch(client.received(), /trailer|x-sum/i)
      ask('GET /chunked', 'close, ')
      await until('the last', () => client.closed)
      assert.match(client.received(), /\r\ntrailer: x-sum\r\n[^]*\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n$/)
      const old = await stage.connect(gateway.port)
      old.send('GET /old HTTP/1.0\r\nhost: a\r\nte: trailers\r\n\r\n')
      await until('the one of HTTP/1.0', () => old.closed)
      assert.doesNotMatch(old.received(), /trailer|x-sum/i)
      assert.match(old.received(), /\r\n\r\nab$/)
      assert.equal(sent, 'HEAD / GET /304 GET /sized HEAD /sized GET /chunked GET /old ')
    })
  })

  it('those of one answer are not those of the next on the same connection', async () => {
    await scene(async (stage) => {
      let answers = 0
      const port = await stage.rawUpstream((socket) => {
        socket.on('data', () => {
          const chunked = 'transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 1\r\n\r\n'
          socket.write(`HTTP/1.1 200 OK\r\n${answers++ === 0 ? chunked : 'content-length: 4\r\n\r\nbody'}`)
        })
      })
      const gateway = await plainGateway(stage, app(port, 'HTTP/1.1'))
      for (const trailers of [{ 'x-sum': '1' }, {}])
        assert.deepEqual(await asked(stage, 'HTTP/2', gateway.port, { te: 'trailers' }, {}), {
          body: 'body',
          trailers,
          announced: undefined,
        })
      assert.equal(answers, 2)
    })
  })

  it('over HTTP/2 also behind a body whose length is known', async () => {
    await scene(async (stage) => {
      const { port } = await h2Server(stage, (stream) => {
        stream.respond({ ':status': 200, 'content-length': 4 }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': ['1', '2'] }))
        stream.end('body')
      })
      const gateway = await plainGateway(stage, app(port, 'HTTP/2'))
      const told = await asked(stage, 'HTTP/2', gateway.port, { te: 'trailers' }, {})
      // Of one name several become one.
      assert.deepEqual([told.body, told.trailers], ['body', { 'x-sum': '1, 2' }])
      const over1 = await asked(stage, 'HTTP/1.1', gateway.port, { te: 'trailers' }, {})
      assert.deepEqual([over1.body, over1.trailers], ['body', {}])
    })
  })
})
