import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { app, ask, planOf } from './config-rig.ts'
import { startGateway } from '../../src/gateway.ts'
import { scene, until } from './proxy-rig.ts'
import { launchRun } from './run-child.ts'

const listen = (readiness: string): string => `listen: { host: 127.0.0.1, port: 0, adminPort: 0${readiness} }\n`
const ONE = 'limits: { default: { kind: fixed, limit: 1, queue: { capacity: 0 } } }\n'
/** Any process has some memory. */
const FULL = listen(', readiness: { above: 0 }')
const SHEDDING = listen(', readiness: { above: 100, sheddingAbove: 0, sheddingFor: 0s, settle: 0s }')

const READY = /^\{"status":"ready"\}$/
const SHEDS = /^\{"status":"unready","causes":\["shedding"\]\}$/
const TOO_HIGH = /^\{"status":"unready","causes":\[("cpu",)?"memory"\]\}$/

/** Asks until it says so, for at most four seconds; liveness is not to change meanwhile. */
async function tells(
  adminPort: number,
  status: number,
  says: RegExp,
  meanwhile?: () => Promise<unknown>,
): Promise<void> {
  let last: readonly [number, string] = [0, '']
  for (const end = performance.now() + 4000; performance.now() < end; await sleep(20)) {
    assert.equal((await ask(adminPort, { path: '/health/live' })).status, 200)
    await meanwhile?.()
    const answer = await ask(adminPort, { path: '/health/ready' })
    last = [answer.status, answer.body]
    if (answer.status === status) break
  }
  assert.equal(last[0], status, last[1])
  assert.match(last[1], says)
}

describe('/health/ready that looks at load', { timeout: 30_000, concurrency: true }, () => {
  it('S1.9 is 503 with what is too high, and 200 under a plan that has room; liveness is 200 throughout', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('ok'))
      const gateway = await startGateway({ config: planOf(`${FULL}${app(port)}`) })
      stage.onEnd(() => gateway.close())
      await tells(gateway.adminPort, 503, TOO_HIGH)
      await gateway.reload(planOf(`${listen('')}${app(port)}`))
      await tells(gateway.adminPort, 200, READY)
    })
  })

  it('S1.9 is 503 while it sheds, whatever else asks, and 200 by itself after', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const gateway = await startGateway({ config: planOf(`${SHEDDING}${app(port)}${ONE}`) })
      stage.onEnd(() => gateway.close())
      const first = ask(gateway.port)
      await until('the first', () => held.length === 1)
      const refused = async (): Promise<void> => assert.equal((await ask(gateway.port)).status, 503)
      await tells(gateway.adminPort, 503, SHEDS, refused)
      await tells(gateway.adminPort, 200, READY)
      held[0]!.end('ok')
      await first
    })
  })

  it('S1.9 the one admin port of several processes speaks for what they use and refuse together', async () => {
    await scene(async (stage) => {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-readiness-'))
      stage.onEnd(() => rmSync(folder, { recursive: true, force: true }))
      const held: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void held.push(res))
      const path = join(folder, 'sluice.yaml')
      writeFileSync(path, `${SHEDDING}${app(port)}${ONE}`)
      const run = await launchRun(path, '--workers', '2')
      stage.onEnd(() => run.stop())
      await tells(run.adminPort, 200, READY)
      stage.onEnd(() => held.forEach((answer) => answer.end()))
      const first = ask(run.port)
      await until('the first', () => held.length === 1)
      const refused = async (): Promise<void> => assert.equal((await ask(run.port)).status, 503)
      await tells(run.adminPort, 503, SHEDS, refused)
      await tells(run.adminPort, 200, READY)
      writeFileSync(path, `${FULL}${app(port)}${ONE}`)
      run.kill('SIGHUP')
      await tells(run.adminPort, 503, TOO_HIGH)
      held[0]!.end('ok')
      await first
      run.kill('SIGTERM')
      assert.deepEqual(await run.ended, { code: 0, signal: null })
    })
  })
})
