import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { app, ask, type Answer } from './config-rig.ts'
import { Scene } from './proxy-rig.ts'
import { launchRun, runToEnd, type Sluice } from './run-child.ts'

const TOKEN = 'a-token-of-the-operator'

describe('the admin port of sluice run', () => {
  const stage = new Scene()
  let run: Sluice
  let folder = ''
  let upstream = 0

  const config = (listen: string): string =>
    `listen: { host: 127.0.0.1, port: 0, adminPort: 0${listen} }\n${app(upstream)}`

  async function fileOf(text: string): Promise<string> {
    const file = join(folder, `${Math.random()}.yaml`)
    await writeFile(file, text)
    return file
  }

  before(async () => {
    upstream = await stage.upstream((_req, res) => res.end('ok'))
    folder = await mkdtemp(join(tmpdir(), 'sluice-admin-'))
    stage.onEnd(() => rm(folder, { recursive: true, force: true }))
    run = await launchRun(await fileOf(config(`, adminToken: ${TOKEN}`)))
    stage.onEnd(() => run.stop())
  })
  after(() => stage.end())

  const post = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    ask(run.adminPort, { path, method: 'POST', headers })
  const known = { authorization: `Bearer ${TOKEN}` }

  for (const address of ['0.0.0.0', '::', '::ffff:127.0.0.1', '192.0.2.1'])
    it(`is not opened to others on ${address} without a token: 2, and why`, async () => {
      for (const way of ['file', 'flag']) {
        const file = await fileOf(config(way === 'file' ? `, adminHost: "${address}"` : ''))
        const { code, err } = await runToEnd(['run', file, ...(way === 'flag' ? ['--admin-host', address] : [])])
        assert.equal(code, 2, `${way}: ${err}`)
        assert.match(err, /adminToken/, way)
      }
    })

  it('a token of the environment is not told by check, nor by /config', async () => {
    const file = await fileOf(config(', adminToken: "${MY_TOKEN}"'))
    const { out, err, code } = await runToEnd(['check', file], { MY_TOKEN: TOKEN })
    assert.equal(code, 0, err)
    assert.ok(!(out + err).includes(TOKEN))
    assert.ok(!(await ask(run.adminPort, { path: '/config', headers: known })).body.includes(TOKEN))
  })

  it('a page of elsewhere cannot have it asked (DNS rebinding), nor give orders (CSRF)', async () => {
    for (const host of ['evil.example', 'evil.example:9090', 'localhost.evil.example', '127.0.0.1.evil.example'])
      for (const path of ['/', '/metrics', '/config', '/snapshot', '/health/live'])
        assert.equal((await ask(run.adminPort, { path, headers: { host } })).status, 403, `${host} ${path}`)
    // A form can be sent from anywhere, but carries no authorization.
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      assert.equal(
        (await post('/control/reload', { 'content-type': type, origin: 'http://evil.example' })).status,
        401,
        type,
      )
    const answer = await ask(run.adminPort, { path: '/metrics', headers: { origin: 'http://evil.example' } })
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  })

  it('an order of a page of elsewhere is refused, also where it has the token', async () => {
    const own = `127.0.0.1:${run.adminPort}`
    for (const origin of ['http://evil.example', 'null', 'http://localhost', `http://${own}.evil.example`, '', own])
      assert.equal((await post('/control/reload', { ...known, host: own, origin })).status, 403, origin)
    for (const origin of [`http://${own}`, `https://${own}`])
      assert.equal((await post('/control/reload', { ...known, host: own, origin })).status, 200, origin)
  })

  it('orders need the token, whole, as a bearer, and nothing else will do', async () => {
    for (const authorization of [
      '',
      TOKEN,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN.toUpperCase()}`,
      `Basic ${Buffer.from(`:${TOKEN}`).toString('base64')}`,
      'Bearer undefined',
    ])
      assert.equal((await post('/control/reload', { authorization })).status, 401, authorization)
    assert.equal((await post(`/control/reload?token=${TOKEN}`)).status, 401)
    assert.equal((await post('/control/reload', { cookie: `token=${TOKEN}` })).status, 401)
    assert.equal((await post('/control/reload', known)).status, 200)
  })

  it('what is served may not be framed, sniffed, kept, or run what is not its own', async () => {
    const page = await ask(run.adminPort, { path: '/' })
    for (const { headers } of [page, await ask(run.adminPort, { path: '/config' })]) {
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['cache-control'], 'no-store')
    }
    if (page.status === 200) {
      const policy = String(page.headers['content-security-policy'])
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /script-src 'sha256-[\w+/=]+'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /script-src[^;]*unsafe/)
    }
  })

  it('names of objects are no paths of it', async () => {
    for (const path of [
      '/__proto__',
      '/constructor',
      '/control/__proto__',
      '/control/toString',
      '//metrics',
      '/metrics/',
    ]) {
      const { status } = await post(path, known)
      assert.ok(status === 404 || status === 405, `${path} ${status}`)
      assert.equal((await ask(run.adminPort, { path })).status === 200, false, path)
    }
  })
})
