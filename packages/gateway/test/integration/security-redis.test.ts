import assert from 'node:assert/strict'
import { connect as open } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { app, ask, gatewayOf } from './config-rig.ts'
import { Scene, until } from './proxy-rig.ts'
import { noRedis, RedisProcess } from './redis-process.ts'

const HOSTILE = [
  'evil-tenant',
  'evil-}{a}',
  'evil-\u0022}) redis.call("FLUSHALL") --',
  "evil-'] redis.call('flushall') --",
  'evil- FLUSHALL',
  'evil-*3 $3 SET $1 a $1 b',
  'evil-{other}:tb',
  'evil-*',
  'evil-%0d%0aFLUSHALL%0d%0a',
] as const

describe('hostile names and a real redis-server', { skip: noRedis }, () => {
  const stage = new Scene()
  let server: RedisProcess

  before(async () => {
    server = await RedisProcess.start()
    stage.onEnd(() => server.stop())
  })
  after(() => stage.end())

  it('MONITOR shows no word of a client: keys are hashes, values are numbers', async () => {
    let seen = ''
    const monitor = open(server.port, '127.0.0.1', () => monitor.write('SET kept 1\r\nMONITOR\r\n'))
    monitor.on('data', (part: Buffer) => (seen += part.toString('latin1')))
    monitor.on('error', () => {})
    stage.onEnd(() => void monitor.destroy())
    await until('MONITOR', () => seen.split('+OK').length === 3)
    const port = await stage.upstream((_req, res) => res.end('ok'))
    const gateway = await gatewayOf(
      stage,
      `listen: { host: 127.0.0.1, port: 0, adminPort: 0, trustedProxies: [loopback] }
${app(port)}
redis: { url: "${server.url}" }
tenants: { from: header, header: x-tenant }
limits: { each: { kind: rate, requests: 1, per: 1h, by: tenant, scope: fleet, onDown: closed } }
routes: [{ limits: [each] }]`,
    )
    for (const tenant of HOSTILE) {
      const asked = { path: `/evil-path/${HOSTILE.indexOf(tenant)}`, headers: { 'x-tenant': tenant } }
      assert.equal((await ask(gateway.port, asked)).status, 200, tenant)
      assert.equal((await ask(gateway.port, asked)).status, 429, tenant)
    }
    await until('something to be seen', () => /"evalsha"/i.test(seen))
    assert.doesNotMatch(seen, /evil|flushall|x-tenant/i)
    const keys = [...seen.matchAll(/"(sl1:[^"]*)"/g)].map(([, key]) => key!)
    assert.ok(keys.length >= HOSTILE.length)
    for (const key of keys) assert.match(key, /^sl1:\{[\da-f]{32,40}\}:\w+(?::[\w-]+)?$/)
    let kept = ''
    const asking = open(server.port, '127.0.0.1', () => asking.write('GET kept\r\n'))
    asking.on('data', (part: Buffer) => (kept += part.toString('latin1')))
    await until('the answer', () => kept.length > 0)
    asking.destroy()
    assert.equal(kept, '$1\r\n1\r\n')
  })
})
