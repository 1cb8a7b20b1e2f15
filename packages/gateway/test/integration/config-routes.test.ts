import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose'
import { scene, until } from './proxy-rig.ts'
import { app, ask, gatewayOf, named } from './config-rig.ts'

describe('a gateway from a file', () => {
  it('sends requests where host, path and method say, past the limits of their route', async () => {
    await scene(async (stage) => {
      const [a, b] = [await stage.upstream(named('a')), await stage.upstream(named('b'))]
      const gateway = await gatewayOf(
        stage,
        `upstreams: { a: { servers: [{ url: "http://127.0.0.1:${a}" }] }, b: { servers: [{ url: "http://127.0.0.1:${b}" }] } }
limits: { strict: { kind: rate, requests: 2, per: 1h } }
routes:
  - { host: b.example.com, upstream: b }
  - { path: /b/*, upstream: b, limits: [] }
  - { path: /login, methods: [POST], upstream: a, limits: [strict, default] }
  - { path: /a/*, upstream: a }`,
      )
      const served = async (path: string, headers = {}, method = 'GET'): Promise<string> => {
        const { status, headers: told } = await ask(gateway.port, { path, headers, method })
        return status === 200 ? String(told['x-served-by']) : String(status)
      }
      assert.equal(await served('/x', { host: 'b.example.com:80' }), 'b')
      assert.equal(await served('/b/x?y'), 'b')
      assert.equal(await served('/a/x'), 'a')
      assert.equal(await served('/nowhere'), '404')
      // What one server may read as /a/ and another as /b/ goes to neither, nor past a rule in disguise.
      for (const path of ['/a/%2e%2e/b/x', '/a/../b/x', '/a/..%2fb/x', '//b/x', '/%61/x', String.raw`/a\..\b/x`])
        assert.equal(await served(path), '400', path)
      assert.equal(await served('/%6Cogin', {}, 'POST'), '400')
      assert.equal(await served('/a/%20x%2Fy'), 'a')
      assert.equal(await served('/a/./x//y'), 'a')
      assert.equal(await served('/login', {}, 'POST'), 'a')
      assert.equal(await served('/login', {}, 'POST'), 'a')
      const third = await ask(gateway.port, { path: '/login', method: 'POST' })
      assert.equal(third.status, 429)
      assert.match(String(third.headers['sluice-rejection']), /rate_limited;gate="strict"/)
      const { rejections } = gateway.snapshot()
      assert.equal(rejections.length, 1)
      assert.match(rejections[0]!.because, /^strict refused: this flow has spent its quota/)
      assert.deepEqual([rejections[0]!.method, rejections[0]!.path], ['POST', '/login'])
    })
  })

  it('S1.13 tells tenants apart by key, and gives each a limit of its own', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(named('a'))
      const gateway = await gatewayOf(
        stage,
        `${app(port)}
tenants: { from: api-key, required: true, keys: { acme: { key: acme-key-acme-key }, evil: { key: evil-key-evil-key } } }
limits: { each: { kind: rate, requests: 1, per: 1h, by: tenant } }
routes: [{ limits: [each, default] }]`,
      )
      const status = async (key?: string): Promise<number> =>
        (await ask(gateway.port, { headers: key === undefined ? {} : { 'x-api-key': key } })).status
      assert.equal(await status(), 401)
      assert.equal(await status('acme-key-acme-kez'), 401)
      assert.equal(await status('acme-key-acme-key'), 200)
      assert.equal(await status('acme-key-acme-key'), 429)
      assert.equal(await status('evil-key-evil-key'), 200)
      // Health is asked by those who have no key.
      assert.equal((await ask(gateway.port, { path: '/health' })).status, 200)
      const { tenants } = gateway.snapshot()
      assert.equal(tenants.length, 2)
      for (const { tenant } of tenants) assert.match(tenant, /^[\da-f]{10}$/)
    })
  })

  it('S3.6 verifies tokens, and puts an admin in a lane that nobody can claim', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((req, res) => {
        if (req.url === '/hold') held.push(res)
        else named('a')(req, res)
      })
      const secret = 'a secret of more than thirty-two signs'
      const gateway = await gatewayOf(
        stage,
        `${app(port)}
tenants: { from: jwt, secret: "${secret}", issuer: here, roleClaim: role, required: true }
lanes: { rules: [{ lane: critical, path: /admin/*, role: admin }] }
limits: { default: { kind: fixed, limit: 1, queue: { capacity: 0 } } }`,
      )
      const token = (role: string, by = secret, issuer = 'here', expires = '1m'): Promise<string> =>
        new SignJWT({ role })
          .setProtectedHeader({ alg: 'HS256' })
          .setSubject('ann')
          .setIssuer(issuer)
          .setExpirationTime(expires)
          .sign(new TextEncoder().encode(by))
      const status = async (path: string, bearer?: string): Promise<number> =>
        (await ask(gateway.port, { path, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } }))
          .status
      const user = await token('user')
      const admin = await token('admin')
      const first = status('/hold', user)
      await until('the only slot to be taken', () => held.length === 1)
      assert.equal(await status('/admin/x', admin), 200)
      // Once more: verified lately, so known at once.
      assert.equal(await status('/admin/x', admin), 200)
      assert.equal(await status('/admin/x', user), 503)
      assert.equal(await status('/admin/%2e%2e/x', admin), 503)
      assert.equal(await status('/x', admin), 503)
      assert.equal(await status('/admin/x'), 401)
      assert.equal(await status('/admin/x', await token('admin', 'another secret of thirty-two signs')), 401)
      assert.equal(await status('/admin/x', await token('admin', secret, 'there')), 401)
      assert.equal(await status('/admin/x', await token('admin', secret, 'here', '-1m')), 401)
      assert.equal(await status('/admin/x', `${admin.slice(0, -3)}abc`), 401)
      const [critical] = gateway.snapshot().lanes
      assert.ok(critical?.lane === 'critical' && critical.p99 > 0, 'their answers are timed as all others')
      held[0]!.end()
      assert.equal(await first, 200)
    })
  })

  it('S3.6 believes a tenant and a role by header from a trusted proxy only', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(named('a'))
      for (const [trusted, tenants] of [
        ['loopback', 1],
        ['10.0.0.0/8', 2],
      ] as const) {
        const gateway = await gatewayOf(
          stage,
          `listen: { host: 127.0.0.1, port: 0, adminPort: 0, trustedProxies: [${trusted}] }
${app(port)}tenants: { from: header, header: X-Tenant, labels: name }
limits: { each: { kind: rate, requests: 1, per: 1h, by: tenant } }
routes: [{ limits: [each] }]`,
        )
        const status = async (tenant: string): Promise<number> =>
          (await ask(gateway.port, { headers: { 'x-tenant': tenant } })).status
        assert.equal(await status('acme'), 200)
        assert.equal(await status('bcme'), tenants === 1 ? 200 : 429)
        assert.equal(
          gateway.snapshot().tenants.some(({ tenant }) => tenant === 'acme'),
          tenants === 1,
        )
      }
    })
  })

  it('several servers share the load, one that dies is taken out, and comes back', async () => {
    await scene(async (stage) => {
      let sick = false
      const calls = { a: 0, b: 0 }
      const a = await stage.upstream((req, res) => {
        if (req.url !== '/health') calls.a++
        named('a')(req, res)
      })
      const b = await stage.upstream((req, res) => {
        if (!sick && req.url !== '/health') calls.b++
        if (sick) req.socket.destroy()
        else named('b')(req, res)
      })
      const gateway = await gatewayOf(
        stage,
        `upstreams:
  app:
    servers: [{ url: "http://127.0.0.1:${a}" }, { url: "http://127.0.0.1:${b}" }]
    health: { every: 100ms, timeout: 100ms, failAfter: 2, passAfter: 2 }
    passive: { failures: 0 }`,
      )
      const healthy = (): readonly boolean[] => gateway.snapshot().upstreams.map((server) => server.healthy)
      for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port)).status, 200)
      assert.ok(calls.a > 0 && calls.b > 0, JSON.stringify(calls))
      sick = true
      await until('the second to be taken out', () => !healthy()[1]!)
      assert.deepEqual([gateway.snapshot().state, healthy()], ['upstream-failing', [true, false]])
      for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port)).headers['x-served-by'], 'a')
      sick = false
      await until('the second to be back', () => healthy()[1]!)
      const before = calls.b
      for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port)).status, 200)
      assert.ok(calls.b > before)
    })
  })

  it('S1.8 a breaker leaves a failing upstream alone, and says so', async () => {
    await scene(async (stage) => {
      let calls = 0
      const port = await stage.upstream((_req, res) => {
        calls++
        res.writeHead(500).end()
      })
      const gateway = await gatewayOf(
        stage,
        `upstreams: { app: { servers: [{ url: "http://127.0.0.1:${port}" }], breaker: { failures: 3, openFor: 1h } } }`,
      )
      for (let i = 0; i < 3; i++) assert.equal((await ask(gateway.port)).status, 500)
      const refused = await ask(gateway.port)
      assert.equal(refused.status, 503)
      assert.match(refused.body, /BREAKER_OPEN/)
      assert.equal(calls, 3)
      assert.equal(gateway.snapshot().state, 'upstream-failing')
    })
  })

  it('S3.12 gives up writing first and everything but kept answers next, and takes both back', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const picture = Buffer.from([0, 255, 128, 10, 13, 200])
      const port = await stage.upstream((req, res) => {
        if (req.url === '/hold') held.push(res)
        else if (req.url === '/picture') res.writeHead(200, { 'cache-control': 'max-age=60', etag: '"1"' }).end(picture)
        else res.end('fresh')
      })
      const gateway = await gatewayOf(
        stage,
        `${app(port)}limits: { default: { kind: fixed, limit: 20 } }
degradation: [{ step: read-only }, { step: cached-only, above: 95, until: 85 }]
cache: {}`,
      )
      const status = async (path: string, method = 'GET', headers = {}): Promise<number> =>
        (await ask(gateway.port, { path, method, headers })).status
      assert.equal(await status('/picture'), 200)
      const answers: Promise<unknown>[] = []
      const hold = async (count: number): Promise<void> => {
        while (answers.length < count) answers.push(ask(gateway.port, { path: '/hold' }))
        await until(`${count} in progress`, () => held.length === count)
      }
      await hold(19)
      assert.equal(await status('/x', 'POST'), 503)
      assert.equal(await status('/x'), 200)
      await hold(20)
      const refused = await ask(gateway.port, { path: '/x' })
      assert.equal(refused.status, 503)
      assert.match(String(refused.headers['sluice-rejection']), /^shed;gate="cached-only"/)
      const kept = await ask(gateway.port, { path: '/picture' })
      assert.equal(kept.status, 200)
      assert.deepEqual(Buffer.from(kept.body, 'latin1'), picture)
      assert.match(String(kept.headers['cache-status']), /^sluice; hit; ttl=\d+$/)
      assert.ok(Number(kept.headers['age']) >= 0)
      assert.equal(await status('/picture', 'HEAD'), 200)
      assert.equal(await status('/picture', 'GET', { 'if-none-match': 'W/"1"' }), 304)
      // An answer that does not say it is for everybody is not for somebody who says who he is.
      assert.equal(await status('/picture', 'GET', { authorization: 'Bearer x' }), 503)
      assert.deepEqual(gateway.snapshot().degradation, ['read-only', 'cached-only'])
      assert.equal(gateway.snapshot().state, 'shedding')
      const metrics = await gateway.registry.metrics()
      for (const line of ['degradation_in_force{step="cached-only"} 1', 'cache_lookups_total{result="hit"} 3'])
        assert.ok(metrics.includes(`\nbackpressure_${line}\n`), line)
      // 17 of 20 are 85 %: cached-only is lifted, read-only is not.
      for (const answer of held.slice(0, 3)) answer.end()
      await until('three answers', () => gateway.gate?.stats.inflight === 17)
      assert.equal(await status('/x'), 200)
      assert.equal(await status('/x', 'POST'), 503)
      for (const answer of held.slice(3)) answer.end()
      await Promise.all(answers)
      // Though nobody has come since.
      await until('it to be idle', () => gateway.gate?.stats.inflight === 0)
      assert.deepEqual(gateway.snapshot().degradation, [])
      // Of 30 four were refused, and three answered from the cache.
      assert.equal(gateway.tally.rejections, 4)
      await until('all to have ended', () => {
        const { good, offered } = gateway.snapshot().now
        return Math.abs(good / offered - 26 / 30) < 0.001
      })
      assert.ok(Math.abs(gateway.snapshot().now.shedPercent - 400 / 30) < 0.01)
      assert.equal(await status('/x', 'POST'), 200)
    })
  })

  it('S1.6 a route over its time answers 504, calls the upstream off and gives the slot back', async () => {
    await scene(async (stage) => {
      let [asked, left] = [0, 0]
      const port = await stage.upstream((req, res) => {
        if (req.url === '/slow') {
          asked++
          res.on('close', () => left++)
        } else res.end('fast')
      })
      const gateway = await gatewayOf(
        stage,
        `${app(port)}routes: [{ timeout: 100ms }]\nlimits: { default: { kind: fixed, limit: 1 } }`,
      )
      const late = await ask(gateway.port, { path: '/slow' })
      assert.equal(late.status, 504)
      assert.match(late.body, /DEADLINE_EXCEEDED/)
      await until('the upstream to hear of it', () => asked === 1 && left === 1)
      assert.deepEqual([gateway.gate?.stats.inflight, gateway.proxy.active], [0, 0])
      assert.equal((await ask(gateway.port)).body, 'fast')
    })
  })

  it('believes x-forwarded headers from trusted proxies only', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((req, res) => res.end(String(req.headers['x-forwarded-for'])))
      for (const [trusted, told] of [
        ['loopback', '203.0.113.9, 127.0.0.1'],
        ['10.0.0.0/8', '127.0.0.1'],
      ] as const) {
        const listen = `listen: { host: 127.0.0.1, port: 0, adminPort: 0, trustedProxies: [${trusted}] }`
        const gateway = await gatewayOf(stage, `${listen}\n${app(port)}`)
        const { body } = await ask(gateway.port, { headers: { 'x-forwarded-for': '203.0.113.9' } })
        assert.equal(body, told)
      }
    })
  })

  for (const from of ['publicKeyFile', 'jwks'] as const)
    it(`S3.6 verifies tokens by a public key: ${from}`, async () => {
      await scene(async (stage) => {
        const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
        const folder = mkdtempSync(join(tmpdir(), 'sluice-key-'))
        stage.onEnd(() => rmSync(folder, { recursive: true, force: true }))
        writeFileSync(join(folder, 'key.pem'), await exportSPKI(publicKey))
        const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }] }
        const served = await stage.upstream((_req, res) => res.end(JSON.stringify(keys)))
        const key =
          from === 'jwks' ? `jwks: "http://127.0.0.1:${served}/keys"` : `publicKeyFile: ${join(folder, 'key.pem')}`
        const port = await stage.upstream(named('a'))
        const gateway = await gatewayOf(stage, `${app(port)}tenants: { from: jwt, ${key}, required: true }`)
        const status = async (token: string): Promise<number> =>
          (await ask(gateway.port, { headers: { authorization: `Bearer ${token}` } })).status
        const signed = (by: CryptoKey, alg = 'RS256'): Promise<string> =>
          new SignJWT({}).setProtectedHeader({ alg, kid: 'one' }).setSubject('ann').setExpirationTime('1m').sign(by)
        assert.equal(await status(await signed(privateKey)), 200)
        assert.equal(await status(await signed((await generateKeyPair('RS256')).privateKey)), 401)
        // Algorithm confusion: the public key as a secret, and no signature at all.
        const pem = new TextEncoder().encode(await exportSPKI(publicKey))
        const confused = await new SignJWT({})
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .setSubject('ann')
          .sign(pem)
        assert.equal(await status(confused), 401)
        assert.equal(await status(new UnsecuredJWT({}).setSubject('ann').encode()), 401)
      })
    })

  it('on trial it counts whom it would refuse, and lets everybody in', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(named('a'))
      const gateway = await gatewayOf(
        stage,
        `${app(port)}dryRun: true\nlimits: { default: { kind: rate, requests: 1, per: 1h } }`,
      )
      for (let i = 0; i < 3; i++) assert.equal((await ask(gateway.port)).status, 200)
      assert.equal(gateway.tally.rejections, 2)
      const { state, now } = gateway.snapshot()
      assert.equal(state, 'dry-run')
      // What came of all of them is told as it was.
      assert.equal(gateway.tally.admissions, 3)
      assert.deepEqual([now.admitted, now.good], [now.offered, now.offered])
      assert.ok(Math.abs(now.shedPercent - 200 / 3) < 0.01)
    })
  })

  it('S1.14 on trial times are those of clients, whoever would have waited', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void setTimeout(() => res.end('done'), 100))
      const limits = 'limits: { default: { kind: fixed, limit: 1, queue: { capacity: 20, maxWait: 10s } } }'
      const gateway = await gatewayOf(stage, `${app(port)}dryRun: true\n${limits}`)
      await Promise.all(Array.from({ length: 12 }, () => ask(gateway.port)))
      await until('all to have ended', () => {
        const { good, offered } = gateway.snapshot().now
        return good === offered
      })
      const { p99, wait99 } = gateway.snapshot().now
      assert.ok(p99 >= 100 && p99 < 1000, `${p99} ms`)
      assert.equal(wait99, 0)
    })
  })
})
