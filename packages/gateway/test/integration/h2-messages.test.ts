import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { app } from './config-rig.ts'
import { scene, until } from './proxy-rig.ts'
import {
  askStream,
  certificate,
  DATA,
  END_STREAM,
  frame,
  frames,
  GOAWAY,
  head,
  HEADERS,
  noOpenssl,
  plainGateway,
  PSEUDO,
  RST,
  secureGateway,
  session,
} from './tls-rig.ts'

type Field = readonly [string, string]

const plain = (...more: readonly Field[]): readonly Field[] => [...PSEUDO, ...more]
const but = (name: string, value: string, ...more: readonly Field[]): readonly Field[] => [
  ...PSEUDO.map((field): Field => (field[0] === name ? [name, value] : field)),
  ...more,
]
const without = (name: string, ...more: readonly Field[]): readonly Field[] => [
  ...PSEUDO.filter(([each]) => each !== name),
  ...more,
]

/** What hides, or could hide, a second message from one of two readers. */
const ODD: Readonly<Record<string, readonly Field[]>> = {
  'transfer-encoding': plain(['transfer-encoding', 'chunked']),
  'connection that names a header': plain(['x-foo', '1'], ['connection', 'x-foo']),
  'connection: close': plain(['connection', 'close']),
  'keep-alive': plain(['keep-alive', 'timeout=5']),
  'proxy-connection': plain(['proxy-connection', 'keep-alive']),
  upgrade: plain(['upgrade', 'websocket']),
  'te other than trailers': plain(['te', 'gzip']),
  'a name in capitals': plain(['X-Foo', '1']),
  'a length and no body': plain(['content-length', '5']),
  'two lengths': plain(['content-length', '0'], ['content-length', '0']),
  'a length that is none': plain(['content-length', '+0']),
  'two paths': plain([':path', '/other']),
  'an unknown pseudo header': [...PSEUDO, [':protocol', 'websocket']],
  'a pseudo header behind': plain(['x', '1'], [':path', '/']),
  'an answer for a question': plain([':status', '200']),
  'a method with a space': but(':method', 'GET /other HTTP/1.1'),
  'a method with a line end': but(':method', 'GET\r\n'),
  'a target of elsewhere': but(':path', 'http://elsewhere/'),
  'a target without a slash': but(':path', 'x'),
  'an empty target': but(':path', ''),
  'a target with a line end': but(':path', '/ HTTP/1.1\r\nx: y'),
  'a target with a space': but(':path', '/a b'),
  'a target with a fragment': but(':path', '/a#b'),
  'an authority with a user': but(':authority', 'user@localhost'),
  'an authority with a path': but(':authority', 'localhost/x'),
  'two hosts': plain(['host', 'elsewhere']),
  'no host': without(':authority'),
  'no scheme': without(':scheme'),
  'two authorizations': plain(['authorization', 'a'], ['authorization', 'b']),
  TRACE: but(':method', 'TRACE'),
  CONNECT: [
    [':method', 'CONNECT'],
    [':authority', 'elsewhere:1'],
  ],
  '300 headers': plain(...Array.from({ length: 300 }, (_, i): Field => [`x-${i}`, ''])),
  '20 KiB of headers': plain(['x', 'y'.repeat(20_480)]),
  'a websocket of another protocol': but(':method', 'CONNECT', [':protocol', 'connect-udp']),
  'a websocket without a path': but(':method', 'CONNECT', [':protocol', 'websocket']).filter(
    ([name]) => name !== ':path',
  ),
  'a websocket without a host': but(':method', 'CONNECT', [':protocol', 'websocket']).filter(
    ([name]) => name !== ':authority',
  ),
  'a websocket that has ended': but(':method', 'CONNECT', [':protocol', 'websocket']),
  'two protocols': but(':method', 'CONNECT', [':protocol', 'websocket'], [':protocol', 'websocket']),
  'a websocket with a length': but(':method', 'CONNECT', [':protocol', 'websocket'], ['content-length', '0']),
  'a websocket that upgrades': but(':method', 'CONNECT', [':protocol', 'websocket'], ['upgrade', 'websocket']),
  'an expectation nobody has heard of': plain(['expect', 'wonders']),
}

/** Fields that HTTP/1.1 could not carry: nghttp2 leaves them out. */
const LEFT_OUT: readonly Field[] = [
  ['x foo', '1'],
  ['x\r\ny', '1'],
  ['x:y', '1'],
  ['', '1'],
  ['x', '1\r\ntransfer-encoding: chunked'],
  ['x', '1\ny: 2'],
  ['x', '1\u0000'],
]

/** None of them may come out of the gateway: over TLS, or without. */
async function refused(isSecure: boolean): Promise<void> {
  await scene(async (stage) => {
    const seen: string[] = []
    const port = await stage.upstream((req, res) => {
      seen.push(req.url ?? '')
      res.end()
    })
    const shown = isSecure ? certificate(stage) : undefined
    const text = app(port)
    const gateway = await (shown === undefined ? plainGateway(stage, text) : secureGateway(stage, shown, text))
    for (const [what, fields] of Object.entries(ODD)) {
      const client = await frames(stage, gateway.port, shown)
      client.send(head(1, END_STREAM, ...fields))
      const told = () =>
        client.closed || client.frames.some(({ type, id }) => type === GOAWAY || (id === 1 && type !== DATA))
      await until(`an answer to ${what}`, told)
      const answers = client.frames.filter(({ type, id }) => id === 1 && type === HEADERS)
      // In HPACK 200 is one byte, 136; no refusal begins so.
      assert.ok(
        answers.every(({ payload }) => payload[0] !== 136),
        what,
      )
      client.socket.destroy()
    }
    assert.deepEqual(seen, [])
    const control = await frames(stage, gateway.port, shown)
    control.send(
      head(1, END_STREAM, ...but(':path', '/plain')),
      head(3, END_STREAM, ...but(':path', '/te'), ['te', 'trailers']),
      head(5, END_STREAM, ...without(':authority', ['host', 'localhost']).map(at('/host'))),
    )
    await until('the others', () => seen.length === 3)
    assert.deepEqual(new Set(seen), new Set(['/host', '/plain', '/te']))
  })
}

const COUNT = Object.keys(ODD).length

describe('odd requests over HTTP/2 without TLS', () => {
  it(`${COUNT} of them never reach the upstream, and those beside them do`, () => refused(false))
})

describe('odd requests over HTTP/2', { skip: noOpenssl }, () => {
  it(`${COUNT} of them never reach the upstream, and those beside them do`, () => refused(true))

  it('fields with signs that HTTP/1.1 could not carry do not come out on the other side', async () => {
    await scene(async (stage) => {
      const seen: (readonly string[])[] = []
      const port = await stage.upstream((req, res) => {
        seen.push(req.rawHeaders.filter((_, i) => i % 2 === 0 && req.rawHeaders[i]!.startsWith('x')))
        res.end()
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      for (const field of LEFT_OUT) {
        const client = await frames(stage, gateway.port, shown)
        client.send(head(1, END_STREAM, ...PSEUDO, field, ['x-control', '1']))
        await until('an answer', () => client.frames.some(({ type }) => type === HEADERS))
      }
      const forwarded = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']
      for (const names of seen) assert.deepEqual(names, ['x-control', ...forwarded])
      assert.equal(seen.length, LEFT_OUT.length)
    })
  })

  it('a body that is not as long as was said is whole to nobody', async () => {
    await scene(async (stage) => {
      const whole: string[] = []
      const begun: (string | undefined)[] = []
      let broken = 0
      const port = await stage.upstream((req, res) => {
        begun.push(req.url)
        req.resume().on('end', () => {
          whole.push(req.url ?? '')
          res.end()
        })
        req.on('close', () => (broken += req.complete ? 0 : 1))
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      for (const [at, body, length] of [
        ['/short', 'abc', '5'],
        ['/long', 'abcdefgh', '5'],
      ] as const) {
        const client = await frames(stage, gateway.port, shown)
        client.send(head(1, 0, ...post(at), ['content-length', length]), frame(DATA, END_STREAM, 1, Buffer.from(body)))
        await until('a reset', () => client.closed || client.frames.some(({ type }) => type === RST || type === GOAWAY))
      }
      // Reset in the middle, of a length nobody said: must not be ended as if it were whole.
      const client = await frames(stage, gateway.port, shown)
      client.send(head(1, 0, ...post('/reset')), frame(DATA, 0, 1, Buffer.from('abc')))
      await until('the upstream', () => begun.includes('/reset'))
      client.send(frame(RST, 0, 1, Buffer.of(0, 0, 0, 8)))
      await until('its end', () => gateway.proxy.active === 0)
      const again = await frames(stage, gateway.port, shown)
      again.send(head(1, 0, ...post('/no-error')), frame(DATA, 0, 1, Buffer.from('abc')))
      await until('the upstream', () => begun.includes('/no-error'))
      again.send(frame(RST, 0, 1, Buffer.of(0, 0, 0, 0)))
      await until('its end', () => gateway.proxy.active === 0)
      const control = await frames(stage, gateway.port, shown)
      control.send(
        head(1, 0, ...post('/right'), ['content-length', '3']),
        frame(DATA, END_STREAM, 1, Buffer.from('abc')),
      )
      await until('the control', () => whole.length > 0)
      assert.deepEqual(whole, ['/right'])
      await until('the broken ones', () => broken >= 2)
    })
  })

  it('cookies are one header again, trailers go on, and headers of one connection never come out', async () => {
    await scene(async (stage) => {
      let told: unknown
      const port = await stage.upstream((req, res) => {
        const sum = createHash('sha256')
        req.on('data', (chunk: Buffer) => sum.update(chunk))
        req.on('end', () => {
          told = { cookie: req.headers.cookie, trailers: req.trailers, sum: sum.digest('hex') }
          const connection = ['connection', 'x-own', 'x-own', '1', 'keep-alive', 'timeout=3']
          const once = ['x-content-type-options', 'nosniff', 'x-content-type-options', 'nosniff']
          const several = ['location', '/a', 'location', '/b', 'vary', 'a', 'vary', 'b']
          res.writeHead(200, [...connection, ...once, ...several, 'set-cookie', 'a=1', 'set-cookie', 'b=2'])
          res.end('x')
        })
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const on = await session(stage, gateway.port, shown)
      const stream = on.request({ ':method': 'POST', ':path': '/', cookie: ['a=1', 'b=2'] }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-late': '1' }))
      const heard = new Promise<Readonly<Record<string, unknown>>>((resolve) => stream.on('response', resolve))
      stream.end('abc')
      const { ':status': status, ...headers } = await heard
      assert.equal(status, 200)
      const sum = createHash('sha256').update('abc').digest('hex')
      assert.deepEqual(told, { cookie: 'a=1; b=2', trailers: { 'x-late': '1' }, sum })
      const { date: _date, ...rest } = headers
      assert.deepEqual(Object.fromEntries(Object.entries(rest)), {
        'x-content-type-options': 'nosniff',
        location: '/a, /b',
        'set-cookie': ['a=1', 'b=2'],
        vary: 'a, b',
        via: '1.1 sluice',
      })
      for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'x-own'])
        assert.equal(headers[name], undefined)
      assert.equal((await askStream(on, { ':method': 'POST' }, Buffer.from('d'))).body.toString(), 'x')
    })
  })
})

function post(path: string): readonly Field[] {
  return but(':path', path).map((field): Field => (field[0] === ':method' ? [':method', 'POST'] : field))
}

function at(path: string): (field: Field) => Field {
  return (field) => (field[0] === ':path' ? [':path', path] : field)
}
