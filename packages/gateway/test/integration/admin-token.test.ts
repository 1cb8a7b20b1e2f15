import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { tally } from 'sluice'
import { admin, backpressureReport, registryOf } from '../../src/admin/index.ts'
import { ProxyCounts } from '../../src/proxy/index.ts'
import type { Snapshot } from '../../src/live/index.ts'
import { ask, type Answer } from './config-rig.ts'

const TOKEN = 'a-token-of-the-operator'
const SNAPSHOT = { limits: [], upstreams: [], fleet: [], degradation: [], cache: null } as unknown as Snapshot

describe('an admin port that others can reach', () => {
  let port = 0
  let reloads = 0
  const log: string[] = []
  const counts = tally()
  const proxy = new ProxyCounts()
  const server = admin({
    metrics: registryOf(
      () => undefined,
      counts,
      proxy,
      () => SNAPSHOT,
      () => ({}),
      () => undefined,
    ),
    report: () => backpressureReport(undefined, counts, proxy),
    phase: () => 'ready',
    tick: () => undefined,
    snapshot: () => SNAPSHOT,
    config: () => ({}),
    file: () => 'upstreams: {}\n',
    audit: (line) => log.push(line),
    token: () => TOKEN,
    open: true,
    controls: { reload: async () => ({ status: 200, body: { success: true, data: ++reloads } }) },
  })

  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  after(() => server.close())

  const get = (path: string, headers = {}): Promise<Answer> => ask(port, { path, headers })
  const known = { authorization: `Bearer ${TOKEN}` }

  it('tells everybody its health and nobody else anything', async () => {
    assert.equal((await get('/health/live')).status, 200)
    assert.equal((await get('/health/ready')).status, 200)
    for (const path of ['/metrics', '/metrics/backpressure', '/snapshot', '/config', '/config.yaml']) {
      const refused = await get(path)
      assert.deepEqual(
        [refused.status, refused.headers['www-authenticate']],
        [401, 'Bearer realm="sluice-admin"'],
        path,
      )
      assert.equal((await get(path, known)).status, 200, path)
    }
  })

  it('takes no other token, in no other form', async () => {
    for (const authorization of [
      TOKEN,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      'Bearer ',
      `Bearer ${'x'.repeat(5000)}`,
    ])
      assert.equal((await get('/config', { authorization })).status, 401, authorization.slice(0, 40))
    assert.equal((await get('/config', { authorization: `bearer  ${TOKEN}` })).status, 200)
  })

  it('answers a stranger’s page by no name, unless it has the token', async () => {
    assert.equal((await get('/health/live', { host: 'evil.example' })).status, 403)
    assert.equal((await get('/config', { host: 'gateway.internal', ...known })).status, 200)
  })

  it('does what it is told by POST with the token only', async () => {
    const control = (method: string, headers = {}): Promise<Answer> =>
      ask(port, { path: '/control/reload', method, headers })
    assert.equal((await control('POST')).status, 401)
    assert.equal((await control('GET', known)).status, 405)
    assert.equal(reloads, 0)
    assert.equal((await control('POST', known)).status, 200)
    assert.equal(reloads, 1)
    assert.equal((await get('/control/constructor', known)).status, 404)
  })

  it('writes down who was not let to order anything, and never what was sent along', async () => {
    const path = '/control/reload?token=a-guessed-one'
    for (const headers of [{}, { authorization: 'Bearer guessed' }, { ...known, origin: 'http://evil.example' }])
      await ask(port, { path, method: 'POST', headers })
    assert.match(log[0] ?? '', /UNAUTHENTICATED/)
    for (const line of log)
      assert.match(
        line,
        /^control: reload refused, (?:UNAUTHENTICATED|FORBIDDEN_ORIGIN), from 127\.0\.0\.1(?:, and \d+ more before)?$/,
      )
  })

  it('a hundred may follow; whoever comes then is told so, and no history is made for him', async () => {
    const follow = async (): Promise<Response> =>
      await fetch(`http://127.0.0.1:${port}/events`, { headers: known, signal: leaving.signal })
    const leaving = new AbortController()
    try {
      const all = await Promise.all(Array.from({ length: 100 }, follow))
      assert.ok(all.every(({ status }) => status === 200))
      const refused = await follow()
      assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5'])
      assert.match(await refused.text(), /TOO_MANY_READERS/)
    } finally {
      leaving.abort()
    }
  })
})
