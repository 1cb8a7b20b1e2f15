import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { app, ask, gatewayOf } from './config-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { askStream, certificate, noOpenssl, secureGateway, session } from './tls-rig.ts'

const PLAN = `refusals: problem
tenants: { from: api-key, keys: { acme: { key: a-key-of-ours-0123 } }, required: true }
routes: [{ path: /app, upstream: app }]
`

/** What problem details say of themselves. */
function problemIn(type: unknown, body: string): readonly unknown[] {
  assert.equal(type, 'application/problem+json')
  const { title, status, code } = JSON.parse(body) as Readonly<Record<string, unknown>>
  return [title, status, code]
}

describe('what the gateway answers itself', () => {
  it('S3.3 is written as `refusals` says, and as a client asks, with the title of its status', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('done'))
      const gateway = await gatewayOf(stage, PLAN + app(port))
      for (const [asked, ...expected] of [
        [{ path: '/app' }, 'Unauthorized', 401, 'UNAUTHENTICATED'],
        [{ path: '/' }, 'Not Found', 404, 'NO_ROUTE'],
        [{ method: 'TRACE' }, 'Method Not Allowed', 405, 'METHOD_NOT_ALLOWED'],
      ] as const) {
        const { headers, body } = await ask(gateway.port, asked)
        assert.deepEqual(problemIn(headers['content-type'], body), expected)
      }
      // Who does not say so gets the envelope, unless it is problem details that he asks for.
      const plain = await gatewayOf(stage, PLAN.replace(/^refusals.*$/m, '') + app(port))
      const envelope = await ask(plain.port, { path: '/app' })
      assert.match(envelope.body, /^\{"success":false,.*UNAUTHENTICATED/)
      const asked = await ask(plain.port, { path: '/app', headers: { accept: 'application/problem+json' } })
      assert.deepEqual(problemIn(asked.headers['content-type'], asked.body), ['Unauthorized', 401, 'UNAUTHENTICATED'])
    })
  })

  it('S3.3 also to CONNECT, which no request listener hears of', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('done'))
      const gateway = await gatewayOf(stage, PLAN + app(port))
      const client = await stage.connect(gateway.port)
      client.send('CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('the end', () => client.closed)
      assert.match(client.received(), /^HTTP\/1\.1 405 [^]*allow: GET[^]*connection: close/i)
      const [head = '', body = ''] = client.received().split('\r\n\r\n')
      const type = /^content-type: (.*)$/im.exec(head)?.[1]
      assert.deepEqual(problemIn(type, body), ['Method Not Allowed', 405, 'METHOD_NOT_ALLOWED'])
    })
  })

  it('S3.3 also over HTTP/2', { skip: noOpenssl }, async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('done'))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, PLAN + app(port))
      const { headers, body } = await askStream(await session(stage, gateway.port, shown), { ':path': '/app' })
      assert.deepEqual(problemIn(headers['content-type'], String(body)), ['Unauthorized', 401, 'UNAUTHENTICATED'])
    })
  })
})
