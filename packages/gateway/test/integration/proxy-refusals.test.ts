import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Gateway } from '../../src/gateway.ts'
import { connect, Scene, until } from './proxy-rig.ts'

/** One odd message: what is sent, and what is answered. */
interface Case {
  readonly what: string
  readonly send: string
  readonly status: number
  /** Of the JSON body, where the gateway and not node:http answers. */
  readonly code?: string
}

const H = 'host: a\r\n'
const GET = `GET / HTTP/1.1\r\n${H}`

const REFUSED: readonly Case[] = [
  // Decided by the gateway: node:http lets all of these pass.
  { what: 'absolute-form', send: `GET http://evil/ HTTP/1.1\r\n${H}\r\n`, status: 400, code: 'BAD_REQUEST' },
  { what: 'a fragment in the target', send: `GET /a#b HTTP/1.1\r\n${H}\r\n`, status: 400, code: 'BAD_REQUEST' },
  { what: 'OPTIONS *', send: `OPTIONS * HTTP/1.1\r\n${H}\r\n`, status: 501, code: 'NOT_IMPLEMENTED' },
  { what: 'TRACE', send: `TRACE / HTTP/1.1\r\n${H}\r\n`, status: 405, code: 'METHOD_NOT_ALLOWED' },
  { what: 'CONNECT', send: `CONNECT a:443 HTTP/1.1\r\n${H}\r\n`, status: 405, code: 'METHOD_NOT_ALLOWED' },
  { what: 'two hosts', send: `${GET}host: b\r\n\r\n`, status: 400, code: 'BAD_REQUEST' },
  { what: 'an empty host', send: 'GET / HTTP/1.1\r\nhost:\r\n\r\n', status: 400, code: 'BAD_REQUEST' },
  { what: 'two names in a host', send: 'GET / HTTP/1.1\r\nhost: a,b\r\n\r\n', status: 400, code: 'BAD_REQUEST' },
  { what: 'a path in a host', send: 'GET / HTTP/1.1\r\nhost: a/b\r\n\r\n', status: 400, code: 'BAD_REQUEST' },
  { what: 'credentials in a host', send: 'GET / HTTP/1.1\r\nhost: u@a\r\n\r\n', status: 400, code: 'BAD_REQUEST' },
  {
    what: 'two authorizations',
    send: `${GET}authorization: x\r\nAuthorization: y\r\n\r\n`,
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'HTTP/2.0 in the request line',
    send: `GET / HTTP/2.0\r\n${H}\r\n`,
    status: 505,
    code: 'HTTP_VERSION_NOT_SUPPORTED',
  },
  { what: '201 headers', send: `${GET}${'x-a: b\r\n'.repeat(200)}\r\n`, status: 431, code: 'TOO_MANY_HEADERS' },
  ...['identity, chunked', 'gzip, chunked', 'xchunked', 'chunked;q=1'].map((coding): Case => ({
    what: `transfer-encoding ${coding}`,
    send: `POST / HTTP/1.1\r\n${H}transfer-encoding: ${coding}\r\n\r\n0\r\n\r\n`,
    status: 501,
    code: 'NOT_IMPLEMENTED',
  })),
  {
    what: 'transfer-encoding on HTTP/1.0',
    send: `POST / HTTP/1.0\r\n${H}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'two transfer-encodings',
    send: `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  // Refused by node:http, and it must stay so.
  { what: 'no host', send: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
  {
    what: 'both lengths',
    send: `POST / HTTP/1.1\r\n${H}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    what: 'both lengths, turned',
    send: `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    what: 'two lengths',
    send: `POST / HTTP/1.1\r\n${H}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`,
    status: 400,
  },
  {
    what: 'two equal lengths',
    send: `POST / HTTP/1.1\r\n${H}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`,
    status: 400,
  },
  ...['3, 3', '+3', '0x3', '-1', '3 3', '3.0', ''].map((length): Case => ({
    what: `content-length "${length}"`,
    send: `POST / HTTP/1.1\r\n${H}content-length: ${length}\r\n\r\nabc`,
    status: 400,
  })),
  {
    what: 'transfer-encoding with a vertical tab',
    send: `POST / HTTP/1.1\r\n${H}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  { what: 'a space before the colon', send: `${GET}x-a : b\r\n\r\n`, status: 400 },
  { what: 'a folded header', send: `${GET}x-a: b\r\n c\r\n\r\n`, status: 400 },
  { what: 'bare LF', send: 'GET / HTTP/1.1\nhost: a\n\n', status: 400 },
  { what: 'bare CR in a value', send: `${GET}x-a: b\rc\r\n\r\n`, status: 400 },
  { what: 'NUL in a value', send: `${GET}x-a: b\0c\r\n\r\n`, status: 400 },
  { what: 'NUL in the target', send: `GET /\0 HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { what: 'a header without a name', send: `${GET}: b\r\n\r\n`, status: 400 },
  { what: 'a method nobody knows', send: `FROB / HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { what: 'a method in lower case', send: `get / HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { what: 'no slash and no host', send: `GET evil HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { what: 'authority-form', send: `GET evil:80 HTTP/1.1\r\n${H}\r\n`, status: 400 },
  {
    what: 'a chunk size that is not one',
    send: `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`,
    status: 400,
  },
  { what: '20 KB of headers', send: `${GET}x-a: ${'b'.repeat(20_000)}\r\n\r\n`, status: 431 },
  { what: 'an expectation nobody meets', send: `${GET}expect: miracles\r\n\r\n`, status: 417 },
]

describe('odd and malformed requests', () => {
  const stage = new Scene()
  let gateway: Gateway
  let reached: { line: string; headers: readonly string[]; body: string }[] = []

  before(async () => {
    const port = await stage.upstream((req, res) => {
      let body = ''
      req.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
      req.on('end', () => {
        reached.push({ line: `${req.method} ${req.url}`, headers: req.rawHeaders, body })
        res.end('ok')
      })
    })
    gateway = await stage.gateway(port)
  })
  after(() => stage.end())

  async function exchange(send: string): Promise<string> {
    reached = []
    const client = await connect(gateway.port)
    try {
      client.send(Buffer.from(send, 'latin1'))
      await until('an answer', () => /\r\n\r\n/.test(client.received()) || client.closed)
      return client.received()
    } finally {
      client.leave()
    }
  }

  for (const { what, send, status, code } of REFUSED)
    it(`${what}: ${status}, and the upstream answers nothing`, async () => {
      const text = await exchange(send)
      assert.equal(text.slice(0, 12), `HTTP/1.1 ${status}`)
      if (code !== undefined) assert.ok(text.includes(`"code":"${code}"`), text)
      assert.deepEqual(reached, [])
      await until('the permit', () => gateway.gate?.stats.inflight === 0)
    })

  it('the malformed teach the limit nothing: they take no permit', async () => {
    const admitted = gateway.tally.admissions
    await exchange(`TRACE / HTTP/1.1\r\n${H}\r\n`)
    assert.equal(gateway.tally.admissions, admitted)
  })

  it('two spaces in the request line are one, and go on as one', async () => {
    assert.match(await exchange(`GET  /x HTTP/1.1\r\n${H}\r\n`), /^HTTP\/1\.1 200 /)
    assert.equal(reached[0]?.line, 'GET /x')
  })

  it('a versionless request is not passed on', async () => {
    const text = await exchange('GET /\r\n\r\n')
    assert.match(text, /^HTTP\/1\.1 (400|505) /)
    assert.deepEqual(reached, [])
  })

  it('a smuggled request in a chunked DELETE is a body and nothing else', async () => {
    const inner = `GET /smuggled HTTP/1.1\r\n${H}\r\n`
    const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
    const text = await exchange(`DELETE /x HTTP/1.1\r\n${H}transfer-encoding: chunked\r\n\r\n${chunk}`)
    assert.match(text, /^HTTP\/1\.1 200 /)
    assert.deepEqual(
      reached.map(({ line, body }) => [line, body]),
      [['DELETE /x', inner]],
    )
  })

  it('a body of a GET keeps its length, and a coded one is framed anew', async () => {
    await exchange(`GET /x HTTP/1.1\r\n${H}content-length: 003\r\n\r\nabc`)
    assert.equal(reached[0]?.body, 'abc')
    assert.equal(valueOf('content-length'), '3')
    await exchange(
      `POST /x HTTP/1.1\r\n${H}transfer-encoding:\tCHUNKED\r\n\r\n3;ext=1\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n`,
    )
    assert.deepEqual([reached[0]?.body, valueOf('transfer-encoding')], ['abc', 'chunked'])
    assert.equal(valueOf('x-trailer'), undefined)
  })

  it('what concerns the connection stays on it, named in Connection or not', async () => {
    await exchange(
      `${GET}connection: keep-alive, x-secret\r\nx-secret: 1\r\nkeep-alive: 5\r\nte: gzip\r\nproxy-authorization: z\r\n` +
        `upgrade: h2c\r\nhttp2-settings: AA\r\nproxy-connection: x\r\nx-kept: 1\r\n\r\n`,
    )
    for (const name of [
      'x-secret',
      'keep-alive',
      'te',
      'proxy-authorization',
      'upgrade',
      'http2-settings',
      'proxy-connection',
    ])
      assert.equal(valueOf(name), undefined, name)
    assert.equal(valueOf('x-kept'), '1')
    assert.equal(valueOf('host'), 'a')
  })

  it('a client does not say who it speaks for', async () => {
    await exchange(
      `${GET}x-forwarded-for: 9.9.9.9\r\nx-forwarded-proto: https\r\nforwarded: for=9.9.9.9\r\nx-real-ip: 9.9.9.9\r\n\r\n`,
    )
    assert.equal(valueOf('x-forwarded-for'), '127.0.0.1')
    assert.equal(valueOf('x-forwarded-proto'), 'http')
    assert.equal(valueOf('x-forwarded-host'), 'a')
    assert.equal(valueOf('forwarded'), undefined)
    assert.equal(valueOf('x-real-ip'), undefined)
    assert.equal(valueOf('via'), '1.1 sluice')
  })

  it('a refusal in place of 100 Continue ends the connection: what follows could be a body', async () => {
    const client = await stage.connect(gateway.port)
    client.send(`POST / HTTP/1.1\r\n${H}host: b\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`)
    await until('the end', () => client.closed)
    assert.match(client.received(), /^HTTP\/1\.1 400 [\s\S]*connection: close\r\n/i)
  })

  it('the connection is of use after a refusal', async () => {
    const client = await stage.connect(gateway.port)
    client.send(`TRACE / HTTP/1.1\r\n${H}\r\n${GET}\r\n`)
    await until('both answers', () => client.received().split('HTTP/1.1 ').length === 3)
    assert.match(client.received(), /405 [\s\S]*200 OK/)
  })

  function valueOf(name: string): string | undefined {
    const headers = reached[0]?.headers ?? []
    const at = headers.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name)
    return at === -1 ? undefined : headers[at + 1]
  }
})
