import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { ask } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { launchRun, runToEnd, startRun, type Sluice } from './run-child.ts'

interface Service {
  readonly port: number
  busy: number
  most: number
}

/** Counts what is in progress at once; a request whose client is gone is in progress no longer. */
async function service(stage: Scene, takes: number): Promise<Service> {
  const seen = { port: 0, busy: 0, most: 0 }
  seen.port = await stage.upstream((_req, res) => {
    seen.most = Math.max(seen.most, ++seen.busy)
    const timer = setTimeout(() => res.end('done'), takes)
    res.on('close', () => {
      clearTimeout(timer)
      seen.busy--
    })
  })
  return seen
}

/** Asks over and over from so many, each on connections of its own; says what came of it. */
function crowd(port: number, people: number): { stop(): Promise<Map<string, number>> } {
  const outcomes = new Map<string, number>()
  const crew = { going: true }
  const one = async (): Promise<void> => {
    while (crew.going) {
      const what = await status(port)
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
      if (what !== '200') await sleep(5)
    }
  }
  const all = Promise.all(Array.from({ length: people }, one))
  return {
    async stop() {
      crew.going = false
      await all
      return outcomes
    },
  }
}

const agent = new Agent({ keepAlive: false })

function status(port: number): Promise<string> {
  return new Promise((resolve) => {
    const req = request({ host: '127.0.0.1', port, agent, timeout: 6000 }, (res) => {
      res.on('end', () => resolve(String(res.statusCode))).on('error', () => resolve('cut'))
      res.resume()
    })
    req.on('timeout', () => req.destroy(new Error('hangs')))
    req.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end()
  })
}

const pidsOf = (run: Sluice): number[] => /workers \(([\d, ]+)\)/.exec(run.out())![1]!.split(', ').map(Number)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function started(stage: Scene, port: number, ...flags: string[]): Promise<Sluice> {
  const run = await startRun(port, '--workers', '2', ...flags)
  const pids = pidsOf(run)
  stage.onEnd(async () => {
    await run.stop()
    await until('the workers to end', () => !pids.some(isAlive))
  })
  return run
}

describe('sluice run --workers', { concurrency: 3 }, () => {
  it('S1.10 share one limit; one that is killed is followed by another, and never more are in progress', async () => {
    await scene(async (stage) => {
      const app = await service(stage, 20)
      const run = await started(stage, app.port, '--max-concurrent', '8', '--queue', '100', '--wait-timeout', '5s')
      const people = crowd(run.port, 30)
      await until('all of the limit to be in use', () => app.most >= 8)
      const [first = 0, second = 0] = pidsOf(run)
      process.kill(second, 'SIGKILL')
      await until('another to follow', () => run.err().includes('worker 2 has ended (SIGKILL); another one follows'))
      await until('it to serve', () => run.err().includes('worker 2 listens again'), 10_000)
      await sleep(500)
      const outcomes = await people.stop()
      assert.equal(app.most, 8)
      const served = outcomes.get('200') ?? 0
      // Lost is what the killed one had: at most all of the crowd once.
      const lost = [...outcomes].filter(([what]) => what !== '200' && what !== '503').reduce((sum, [, n]) => sum + n, 0)
      assert.ok(lost <= 30, `${lost} were lost`)
      assert.equal(outcomes.get('hangs'), undefined)
      assert.ok(served > 100, JSON.stringify([...outcomes]))
      assert.ok(isAlive(first) && !isAlive(second))
      await until('it to be idle', () => app.busy === 0)
      run.kill('SIGTERM')
      assert.deepEqual(await run.ended, { code: 0, signal: null })
      assert.ok(!isAlive(first))
    })
  })

  // A service manager tells a whole control group to end, and the first process tells its workers.
  for (const all of [false, true])
    it(`S1.10 SIGTERM to ${all ? 'all of them' : 'the first'}: what was accepted is answered, exit 0`, async () => {
      await scene(async (stage) => {
        const app = await service(stage, 300)
        const run = await started(stage, app.port, '--max-concurrent', '10', '--queue', '100')
        const asked = Array.from({ length: 20 }, () => status(run.port))
        await until('ten in progress', () => app.busy === 10)
        await sleep(50)
        run.kill('SIGTERM')
        if (all) for (const pid of pidsOf(run)) process.kill(pid, 'SIGTERM')
        assert.deepEqual([...new Set(await Promise.all(asked))], ['200'])
        assert.deepEqual(await run.ended, { code: 0, signal: null })
        assert.equal(run.err().match(/drained: nothing was lost/g)?.length, 2)
      })
    })

  it('S1.10 the first of them is killed: the others serve what they have, and end', async () => {
    await scene(async (stage) => {
      const app = await service(stage, 400)
      const run = await startRun(app.port, '--workers', '2')
      const pids = pidsOf(run)
      const asked = Array.from({ length: 6 }, () => status(run.port))
      await until('six in progress', () => app.busy === 6)
      run.kill('SIGKILL')
      assert.deepEqual([...new Set(await Promise.all(asked))], ['200'])
      await until('the workers to end', () => !pids.some(isAlive))
    })
  })

  it('a port that is taken: one sentence, and exit code 2', async () => {
    await scene(async (stage) => {
      const { port } = await service(stage, 0)
      for (const [flag, other] of [
        ['--port', '--admin-port'],
        ['--admin-port', '--port'],
      ] as const) {
        const upstream = ['--upstream', 'http://127.0.0.1:1', '--host', '127.0.0.1', '--workers', '2']
        const { code, err } = await runToEnd(['run', ...upstream, flag, String(port), other, '0'])
        assert.equal(code, 2, err)
        assert.ok(err.includes(`sluice: port ${port} is taken; choose another with ${flag}\n`), err)
      }
    })
  })

  it('S3.4 SIGHUP: all of them take the new file over, or none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-workers-'))
    try {
      await scene(async (stage) => {
        const app = await service(stage, 30)
        const file = join(folder, 'gateway.yaml')
        const write = (limit: number, more = ''): void =>
          writeFileSync(
            file,
            `listen: { host: 127.0.0.1, port: 0, adminPort: 0 }
upstreams: { app: { servers: [{ url: "http://127.0.0.1:${app.port}" }] } }
limits: { default: { kind: fixed, limit: ${limit} } }
${more}`,
          )
        write(3)
        const run = await launchRun(file, '--workers', '2')
        stage.onEnd(() => run.stop())
        write(6)
        run.kill('SIGHUP')
        await until('it to be in force', () => run.err().includes('is in force'))
        assert.match((await ask(run.adminPort, { path: '/config' })).body, /"permits":6/)
        // What only a worker finds out: there is no such file.
        write(9, `tenants: { from: jwt, publicKeyFile: "${join(folder, 'none.pem')}", issuer: me, audience: us }`)
        run.kill('SIGHUP')
        await until('it to be refused', () => run.err().includes('nothing has changed'))
        assert.match((await ask(run.adminPort, { path: '/config' })).body, /"permits":6/)
        const people = crowd(run.port, 20)
        await until('all of the new limit to be in use', () => app.most >= 6)
        await people.stop()
        assert.equal(app.most, 6)
        run.kill('SIGTERM')
        assert.equal((await run.ended).code, 0)
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
