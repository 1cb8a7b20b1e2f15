import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { LookupFunction } from 'node:net'
import { describe, it } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { UpstreamConfig } from '../../src/config/index.ts'
import { guardedLookup } from '../../src/outward/index.ts'
import { ProxyCounts, type Upstream } from '../../src/proxy/index.ts'
import { undiciUpstream } from '../../src/proxy/undici-upstream.ts'
import { tokens, type TokenReader } from '../../src/tenants/tokens.ts'
import { Balancer, type BalancerOptions } from '../../src/upstreams/index.ts'
import { listenForUpgrades, Tunnels } from '../../src/websocket/index.ts'
import { ask } from './config-rig.ts'
import { connect, scene, until, type Scene } from './proxy-rig.ts'

/** Nobody has this one: where the guard fails, nobody is asked either. */
const LINK_LOCAL = '169.254.1.1'
const BLOCKED = 'the upstream cannot be reached (ELINKLOCAL)'

/** A name that leads here so often, and from then on to where credentials might be. */
function rebound(times: number) {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    asked.push(hostname)
    const address = asked.length <= times ? '127.0.0.1' : LINK_LOCAL
    if (all === true) callback(null, [{ address, family: 4 }])
    else callback(null, address, 4)
  }
  return { asked, lookup }
}

const config = (url: string, change: Partial<UpstreamConfig> = {}): UpstreamConfig => ({
  servers: [{ url, weight: 1 }],
  hostHeader: 'client',
  http2: false,
  passive: { failures: 0, restFor: 10_000 },
  timeouts: { connect: 1000, headers: 1000, body: 1000 },
  allowLinkLocal: false,
  ...change,
})

function balancerOf(stage: Scene, made: UpstreamConfig, options: BalancerOptions): Balancer {
  const balancer = new Balancer(made, options)
  stage.onEnd(() => balancer.close())
  return balancer
}

/** Every connection carries one request. */
async function server(stage: Scene): Promise<number> {
  return await stage.upstream((_req, res) => res.setHeader('connection', 'close').end('here'))
}

function told(upstream: Upstream): Promise<string> {
  return new Promise((resolve) => {
    const request = { method: 'GET', target: '/', headers: ['host', 'a'], body: undefined }
    const receiver = { head() {}, data() {}, end: () => resolve('answered') }
    upstream.send(request, { ...receiver, failed: ({ message }) => resolve(message) })
  })
}

describe('a name that leads to a link-local address later', () => {
  for (const client of ['raw', 'undici'] as const)
    it(`is not connected to by the ${client} client`, async () => {
      await scene(async (stage) => {
        const { asked, lookup } = rebound(1)
        const url = `http://rebound.example:${await server(stage)}`
        const timeouts = { connectTimeout: 1000, headersTimeout: 1000, bodyTimeout: 1000 }
        const guarded = guardedLookup(lookup)
        const connect = (origin: URL): Upstream => undiciUpstream({ origin, ...timeouts, lookup: guarded })
        const balancer = balancerOf(stage, config(url), client === 'raw' ? { lookup } : { connect })
        assert.equal(await told(balancer), 'answered')
        assert.equal(await told(balancer), BLOCKED)
        // Once for each connection: there is no time between what was looked at and what is connected to.
        assert.deepEqual(asked, ['rebound.example', 'rebound.example'])
      })
    })

  it('nor by TLS', async () => {
    await scene(async (stage) => {
      const { lookup } = rebound(1)
      const url = `https://rebound.example:${await server(stage)}`
      const balancer = balancerOf(stage, config(url), { lookup })
      // The server speaks no TLS: it was connected to.
      assert.notEqual(await told(balancer), BLOCKED)
      assert.equal(await told(balancer), BLOCKED)
    })
  })

  it('nor by a health check, which follows no redirect either', async () => {
    await scene(async (stage) => {
      let followed = 0
      const elsewhere = await stage.upstream((_req, res) => res.end(String(++followed)))
      const port = await stage.upstream((_req, res) =>
        res.writeHead(302, { location: `http://127.0.0.1:${elsewhere}/`, connection: 'close' }).end(),
      )
      const { asked, lookup } = rebound(3)
      const health = { path: '/', every: 10, timeout: 500, failAfter: 1, passAfter: 1 }
      const balancer = balancerOf(stage, config(`http://rebound.example:${port}`, { health }), { lookup })
      const { condition } = balancer.members[0]!
      await until('three good checks', () => asked.length >= 3 && condition.fit)
      await until('a bad one', () => !condition.fit)
      assert.equal(followed, 0)
    })
  })

  it('nor by a WebSocket', async () => {
    await scene(async (stage) => {
      const { lookup } = rebound(1)
      const url = `http://rebound.example:${await server(stage)}`
      const balancer = balancerOf(stage, config(url), { lookup })
      const tunnels = new Tunnels(new ProxyCounts())
      const rules = { host: 'client', upstreamHost: 'a', trustForwarded: false } as const
      const front = createServer()
      listenForUpgrades(front, (req, res) =>
        tunnels.start(req, res, { balancer, rules, headersTimeout: 1000, holds: true }),
      )
      await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
      stage.onEnd(() => void front.close())
      const address = front.address()
      assert.ok(typeof address === 'object' && address !== null)
      const handshake = async (): Promise<string> => {
        const client = await connect(address.port)
        stage.onEnd(() => client.leave())
        client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
        await until('the end of it', () => client.closed)
        return client.received()
      }
      assert.match(await handshake(), /^HTTP\/1\.1 200 /)
      assert.match(await handshake(), /^HTTP\/1\.1 502 [^]*ELINKLOCAL/)
    })
  })

  it('nor for a key set, which is had from no redirect either', async () => {
    await scene(async (stage) => {
      const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
      const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }] })
      let asked = 0
      const port = await stage.upstream((req, res) => {
        asked++
        if (req.url === '/keys') res.end(keys)
        else res.writeHead(302, { location: `http://localhost:${port}/keys` }).end()
      })
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .setSubject('ann')
        .setExpirationTime('1m')
        .sign(privateKey)
      const reader = (path: string, lookup: LookupFunction, allowLinkLocal = false): Promise<TokenReader> => {
        const jwks = `http://localhost:${port}${path}`
        const common = { required: true, fair: true, max: 10, labels: 'hash', claim: 'sub' } as const
        return tokens({ from: 'jwt', jwks, allowLinkLocal, ...common }, lookup)
      }
      const { lookup } = rebound(1)
      assert.deepEqual(await (await reader('/keys', lookup))(token), { tenant: 'ann', roles: [] })
      assert.equal(asked, 1)
      // The same name again, with a key set of its own. A reader of tokens does not say what it failed at.
      const failures: unknown[] = []
      const note = (message: unknown): void =>
        void failures.push((message as { readonly error: { readonly code?: unknown } }).error.code)
      subscribe('undici:client:connectError', note)
      stage.onEnd(() => void unsubscribe('undici:client:connectError', note))
      assert.equal(await (await reader('/keys', lookup))(token), undefined)
      assert.deepEqual([asked, failures], [1, ['ELINKLOCAL']])
      assert.equal(await (await reader('/moved', rebound(9).lookup))(token), undefined)
      assert.equal(asked, 2)
    })
  })

  it('control: what a name leads to is connected to, and is not looked at where the configuration allows it', async () => {
    await scene(async (stage) => {
      const port = await server(stage)
      const { asked, lookup } = rebound(9)
      const allowed = balancerOf(stage, config(`http://rebound.example:${port}`, { allowLinkLocal: true }), { lookup })
      for (let i = 0; i < 2; i++) assert.equal(await told(allowed), 'answered')
      assert.equal(asked.length, 2)
      assert.equal(allowed.lookup, lookup)
      assert.equal((await ask(port)).body, 'here')
    })
  })
})
