import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import { connect as speak } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { PlainServer } from '../../src/tls/index.ts'
import { app, ask, gatewayOf, planOf } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import {
  askStream,
  certificate,
  DATA,
  frame,
  frames,
  GOAWAY,
  HEADERS,
  head,
  noOpenssl,
  plainGateway,
  PREFACE,
  PSEUDO,
  secureGateway,
  session,
  SETTINGS,
} from './tls-rig.ts'

const LIMIT = 'limits: { default: { kind: fixed, limit: 10, queue: { capacity: 0 } } }'

async function listening(stage: Scene, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.onEnd(async () => {
    server.close()
    server.closeAllConnections()
    await sleep(1)
  })
  return (server.address() as AddressInfo).port
}

const echo: RequestListener = (req, res) => {
  res.sendDate = false
  let body = ''
  req.setEncoding('latin1').on('data', (part: string) => (body += part))
  req.on('end', () => res.end(`${req.httpVersion} ${req.method} ${req.url} ${body}`))
}

/** Sends pieces, each in a packet of its own, and an end; tells what comes back. */
async function said(port: number, pieces: readonly Buffer[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => void parts.push(part)).on('error', () => {})
  await once(socket, 'connect')
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve))
    await turn()
  }
  socket.end()
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(parts).toString('latin1')
}

function cut(bytes: Buffer, ...places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.toSorted((a, b) => a - b), bytes.length]
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end))
}

describe('HTTP/2 without TLS, from those who begin with it', () => {
  it('is spoken where it is switched on, beside HTTP/1.1 on the same port, and nowhere else', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((req, res) =>
        res.end(`${String(req.headers['x-forwarded-proto'])} ${req.headers.via}`),
      )
      const gateway = await plainGateway(stage, `${app(port)}${LIMIT}`)
      const on = speak(`http://127.0.0.1:${gateway.port}`)
      stage.onEnd(() => on.destroy())
      const answers = await Promise.all(Array.from({ length: 10 }, () => askStream(on)))
      for (const { status, body } of answers) assert.deepEqual([status, body.toString()], [200, 'http 2 sluice'])
      assert.equal((await ask(gateway.port)).body, 'http 1.1 sluice')
      const off = await gatewayOf(stage, app(port))
      assert.match(await said(off.port, [PREFACE, frame(SETTINGS, 0, 0)]), /^HTTP\/1\.1 400 /)
      assert.throws(() => planOf('listen: { h2c: true, tls: { cert: a, key: b } }\n'), /listen\.h2c/)
    })
  })

  it('the preface is known wherever it is cut', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => res.end('x'))
      const gateway = await plainGateway(stage, app(port))
      const whole = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), head(1, 1, ...PSEUDO)])
      const all = Array.from({ length: 40 }, async (_, at) => {
        const socket = connect({ port: gateway.port, host: '127.0.0.1', noDelay: true })
        stage.onEnd(() => void socket.destroy())
        let got = Buffer.alloc(0)
        socket.on('data', (part: Buffer) => (got = Buffer.concat([got, part])))
        await once(socket, 'connect')
        for (const piece of cut(whole, at)) {
          await new Promise((resolve) => socket.write(piece, resolve))
          await sleep(2)
        }
        // The answer: a head of stream 1.
        await until(`an answer, cut at ${at}`, () => got.includes(Buffer.from([HEADERS, 4, 0, 0, 0, 1])))
      })
      await Promise.all(all)
    })
  })

  it('whatever else comes is answered as without it, byte for byte, wherever it is cut', async () => {
    await scene(async (stage) => {
      const options = { keepAliveTimeout: 1 }
      const [plain, mixed] = await Promise.all([
        listening(stage, createServer(options, echo)),
        listening(stage, new PlainServer(options, echo)),
      ])
      const random = seeded(5)
      const dice = (sides: number): number => Math.floor(random() * sides)
      const seeds = [
        PREFACE,
        Buffer.from('GET /a HTTP/1.1\r\nhost: a\r\n\r\nGET /b HTTP/1.1\r\nhost: a\r\n\r\n'),
        Buffer.from('POST /c HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'),
        Buffer.from('PUT /d HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
        Buffer.from('PRI /e HTTP/1.1\r\nhost: a\r\n\r\n'),
        Buffer.from('PROPFIND /f HTTP/1.1\r\nhost: a\r\n\r\n'),
      ]
      const mutant = (): Buffer => {
        const one = Buffer.from(seeds[dice(seeds.length)]!)
        if (dice(2) === 0) one[dice(one.length)] = dice(256)
        return dice(4) === 0 ? one.subarray(0, dice(one.length)) : one
      }
      const answered = new Map<string, number>()
      const one = async (): Promise<void> => {
        const bytes = mutant()
        if (bytes.subarray(0, PREFACE.length).equals(PREFACE)) return
        const pieces = cut(bytes, dice(bytes.length), dice(bytes.length))
        const [a, b] = await Promise.all([said(plain, pieces), said(mixed, pieces)])
        assert.equal(b, a, JSON.stringify(bytes.toString('latin1')))
        const line = a.slice(0, 12)
        answered.set(line, (answered.get(line) ?? 0) + 1)
      }
      const worker = async (): Promise<void> => {
        for (let i = 0; i < 25; i++) await one()
      }
      await Promise.all(Array.from({ length: 10 }, worker))
      assert.ok(answered.get('HTTP/1.1 200')! > 30 && answered.get('HTTP/1.1 400')! > 30, JSON.stringify([...answered]))
    })
  })

  it('S3.13 who sends too little to tell is waited for as long as for a head, and no longer', async () => {
    await scene(async (stage) => {
      const server = new PlainServer({ headersTimeout: 200, requestTimeout: 0 }, echo)
      const port = await listening(stage, server)
      const slow = await Promise.all(
        ['', 'P', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r'].map(async (text) => {
          const client = await stage.connect(port)
          client.send(text)
          return client
        }),
      )
      await until('their end', () => slow.every(({ closed }) => closed), 2000)
    })
  })

  it('S1.10 a drain serves the streams that had begun, and does not wait for who has not said what they speak', async () => {
    await scene(async (stage) => {
      let asked = false
      const port = await stage.upstream((_req, res) => {
        asked = true
        setTimeout(() => res.end('done'), 300)
      })
      const gateway = await plainGateway(stage, `${app(port)}${LIMIT}`)
      const silent = await stage.connect(gateway.port)
      const half = await stage.connect(gateway.port)
      half.send('PRI * HT')
      const on = speak(`http://127.0.0.1:${gateway.port}`)
      stage.onEnd(() => on.destroy())
      const answer = askStream(on)
      await until('the upstream', () => asked)
      const began = performance.now()
      const drained = gateway.drain(4000)
      assert.equal((await answer).body.toString(), 'done')
      assert.deepEqual(await drained, { cutOff: 0 })
      assert.ok(performance.now() - began < 3000)
      await until('the silent one, and who has said half of it', () => silent.closed && half.closed)
    })
  })

  for (const [how, skip] of [
    ['without TLS', false],
    ['behind TLS', noOpenssl],
  ] as const)
    it(
      `S1.4 who ends the connection ${how} has left: the slots are free and the upstream hears of it`,
      { skip },
      async () => {
        await scene(async (stage) => {
          let [asked, left] = [0, 0]
          const port = await stage.upstream((req, res) => {
            asked++
            res.on('close', () => left++)
            if (req.url === '/head') res.write('x')
          })
          const text = `${app(port)}${LIMIT}`
          const shown = how === 'behind TLS' ? certificate(stage) : undefined
          const gateway = await (shown === undefined ? plainGateway(stage, text) : secureGateway(stage, shown, text))
          const client = await frames(stage, gateway.port, shown)
          client.send(
            head(1, 1, ...PSEUDO),
            head(3, 1, ...PSEUDO.map(([name, value]) => [name, name === ':path' ? '/head' : value] as const)),
          )
          await until('the upstream', () => asked === 2)
          client.socket.end()
          await until('the slots', () => gateway.snapshot().now.inflight === 0 && left === 2)
          if (shown !== undefined) assert.equal((await session(stage, gateway.port, shown)).closed, false)
        })
      },
    )
})

describe('sessions of HTTP/2 that are silent', () => {
  it('end after a ping without an answer, and their streams with them; who answers may be silent for ever', async () => {
    await scene(async (stage) => {
      let [began, ended] = [0, 0]
      const server = new PlainServer(
        {},
        (_req, res) => {
          began++
          res.on('close', () => ended++)
        },
        100,
      )
      const port = await listening(stage, server)
      const honest = speak(`http://127.0.0.1:${port}`)
      stage.onEnd(() => honest.destroy())
      const waiting = honest.request({ ':path': '/' })
      waiting.on('error', () => {})
      // Data on a stream that was never begun: nghttp2 says GOAWAY and hears nothing any more, the end included.
      const faulty = await frames(stage, port)
      faulty.send(head(1, 1, ...PSEUDO))
      await until('both', () => began === 2)
      faulty.send(frame(DATA, 0, 9, Buffer.from('x')))
      await until('its fault to be told', () => faulty.frames.some(({ type }) => type === GOAWAY))
      faulty.socket.destroy()
      const mute = await frames(stage, port)
      mute.send(head(1, 1, ...PSEUDO))
      await until('the third', () => began === 3)
      await until('their end', () => ended === 2)
      await sleep(300)
      assert.equal(ended, 2)
      assert.equal(waiting.closed, false)
    })
  })
})
