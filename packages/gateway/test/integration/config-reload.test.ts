import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ConfigProblems } from '../../src/config/index.ts'
import { app, ask, gatewayOf, named, planOf } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { launchRun } from './run-child.ts'

const TOKEN = 'a-token-of-the-operator'

function file(stage: Scene, text: string): { readonly path: string; write(text: string): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
  stage.onEnd(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'sluice.yaml')
  const write = (content: string): void => writeFileSync(path, content)
  write(text)
  return { path, write }
}

describe('a new plan', () => {
  it('lets what is under way end under the old one, and whoever waits wait on', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const old = await stage.upstream((_req, res) => void held.push(res))
      const fresh = await stage.upstream(named('new'))
      const gateway = await gatewayOf(stage, `${app(old)}limits: { default: { kind: fixed, limit: 1 } }`)
      const first = ask(gateway.port)
      await until('the first', () => held.length === 1)
      const second = ask(gateway.port)
      await until('the second to wait', () => gateway.gate?.stats.queued === 1)
      await gateway.reload(planOf(`${app(fresh)}limits: { default: { kind: fixed, limit: 2 } }`))
      assert.equal((await ask(gateway.port)).headers['x-served-by'], 'new')
      held[0]!.end('old')
      assert.equal((await first).body, 'old')
      // The second waited under the old plan, and goes where it was to go.
      await until('the second at the old upstream', () => held.length === 2)
      held[1]!.end('old again')
      assert.equal((await second).body, 'old again')
      // Nobody is left who came under the old plan: its connections go.
      await until('the old connections to be gone', () => held.every(({ req }) => req.socket.destroyed))
      assert.equal(gateway.gate?.stats.limit, 2)
    })
  })

  it('leaves alone what it does not change: the limit goes on with whoever is inside', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const limits = 'limits: { default: { kind: fixed, limit: 1, queue: { capacity: 0 } } }'
      const gateway = await gatewayOf(stage, `${app(port)}${limits}`)
      const first = ask(gateway.port)
      await until('the first', () => held.length === 1)
      for (let i = 0; i < 3; i++)
        await gateway.reload(planOf(`${app(port)}${limits}\nroutes: [{ name: route-${i}, timeout: ${i + 1}h }]`))
      assert.equal((await ask(gateway.port)).status, 503)
      assert.equal(gateway.gate?.stats.inflight, 1)
      held[0]!.end()
      assert.equal((await first).status, 200)
      const next = ask(gateway.port)
      await until('the next', () => held.length === 2)
      held[1]!.end()
      assert.equal((await next).status, 200)
      assert.equal(gateway.snapshot().plan.loads, 4)
    })
  })

  it('that cannot be carried out changes nothing at all', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(named('a'))
      const gateway = await gatewayOf(stage, app(port))
      const before = gateway.snapshot().plan.hash
      const bad = `${app(1)}tenants: { from: jwt, publicKeyFile: /nowhere/key.pem, required: true }`
      await assert.rejects(gateway.reload(planOf(bad)), (error) => {
        assert.ok(error instanceof ConfigProblems)
        assert.match(error.message, /^tenants\.publicKeyFile: expected a PEM file .*nowhere/)
        return true
      })
      assert.deepEqual([gateway.snapshot().plan.hash, gateway.snapshot().plan.loads], [before, 1])
      assert.equal((await ask(gateway.port)).headers['x-served-by'], 'a')
    })
  })

  it('comes by POST /control/reload for those who have the token', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream(named('a'))
      const listen = `listen: { host: 127.0.0.1, port: 0, adminPort: 0, adminToken: ${TOKEN} }\n`
      const config = file(stage, `${listen}${app(port)}`)
      const run = await launchRun(config.path)
      stage.onEnd(() => run.stop())
      const control = (headers = {}, method = 'POST') =>
        ask(run.adminPort, { path: '/control/reload', method, headers })
      assert.equal((await control()).status, 401)
      assert.equal((await control({ authorization: `Bearer ${TOKEN}x` })).status, 401)
      assert.equal((await control({ authorization: `Bearer ${TOKEN}` }, 'GET')).status, 405)
      const known = { authorization: `Bearer ${TOKEN}` }
      assert.equal((await control(known)).status, 200)
      config.write(`${listen}${app(port)}limits: { default: { kind: fixed } }\nxyz: 1`)
      const refused = await control(known)
      assert.equal(refused.status, 422)
      const { errors } = JSON.parse(refused.body) as { errors: readonly string[] }
      assert.equal(errors.length, 2)
      assert.match(errors[0]!, /sluice\.yaml:3:\d+: limits\.default\.limit: expected a whole number/)
      assert.equal((await ask(run.port)).status, 200)
      const shown = await ask(run.adminPort, { path: '/config' })
      assert.doesNotMatch(shown.body, new RegExp(TOKEN))
    })
  })

  it('S1.10 SIGHUP under load, good and bad: nobody is dropped, a bad file changes nothing', async () => {
    await scene(async (stage) => {
      const a = await stage.upstream(named('a'))
      const b = await stage.upstream(named('b'))
      const listen = 'listen: { host: 127.0.0.1, port: 0, adminPort: 0 }\n'
      const config = file(stage, `${listen}${app(a)}`)
      const run = await launchRun(config.path)
      stage.onEnd(() => run.stop())
      const load = { running: true }
      const counts = { a: 0, b: 0, other: 0 }
      const clients = Array.from({ length: 8 }, async () => {
        while (load.running) {
          const { status, headers } = await ask(run.port)
          const by = String(headers['x-served-by'])
          counts[status === 200 && (by === 'a' || by === 'b') ? by : 'other']++
        }
      })
      await until('some load', () => counts.a > 50)
      config.write(`${listen}${app(b)}limits: { default: { kind: fixed, limit: 50 } }`)
      run.kill('SIGHUP')
      await until('the new file', () => counts.b > 50)
      await until('a word of it', () =>
        /SIGHUP: .*sluice\.yaml is in force, plan [\da-f]{10}: 50 at once/.test(run.err()),
      )
      config.write(`${listen}${app(a)}limits: { default: { kind: fixed, limit: none } }`)
      const before = counts.b
      run.kill('SIGHUP')
      await until('a word of what is wrong', () => run.err().includes('nothing has changed'))
      assert.match(run.err(), /limits\.default\.limit: expected a whole number from 1 to 1000000, got "none"/)
      await until('more of the old', () => counts.b > before + 50)
      config.write(`${listen}${app(a)}`)
      run.kill('SIGHUP')
      const seen = counts.a
      await until('the good file', () => counts.a > seen + 50)
      load.running = false
      await Promise.all(clients)
      assert.equal(counts.other, 0)
      run.kill('SIGTERM')
      assert.deepEqual(await run.ended, { code: 0, signal: null })
    })
  })
})
