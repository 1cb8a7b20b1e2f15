import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { describe, it } from 'node:test'
import { connect as secure } from 'node:tls'
import { ask } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { startRun } from './run-child.ts'
import { askStream, certificate, noOpenssl, session } from './tls-rig.ts'

const LIMIT = 3
const [SESSIONS, STREAMS, PLAIN] = [4, 8, 12]

async function serialShown(stage: Scene, port: number): Promise<string> {
  const socket = secure({ host: '127.0.0.1', port, rejectUnauthorized: false })
  stage.onEnd(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket.getPeerCertificate().serialNumber
}

/** Over HTTP/1.1. */
function plainly(port: number, ca: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', port, ca, agent }, (res) => {
      res.resume().on('end', () => resolve(res.statusCode ?? 0))
    })
      .on('error', reject)
      .end()
  })
}

describe('sluice run --workers behind TLS', { skip: noOpenssl, timeout: 30_000 }, () => {
  it('S3.5 has one limit and one set of figures for h2 and HTTP/1.1, and whoever follows a worker shows the new certificate', async () => {
    await scene(async (stage) => {
      let [busy, most] = [0, 0]
      const upstream = await stage.upstream((_req, res) => {
        most = Math.max(most, ++busy)
        setTimeout(() => {
          busy--
          res.end('x')
        }, 10)
      })
      const shown = certificate(stage)
      const flags = ['--tls-cert', shown.cert, '--tls-key', shown.key, '--max-concurrent', String(LIMIT)]
      const run = await startRun(upstream, ...flags, '--workers', '2')
      stage.onEnd(() => run.stop())
      const pids = /workers \(([\d, ]+)\)/.exec(run.out())![1]!.split(', ').map(Number)
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => session(stage, run.port, shown)))
      const agent = new Agent({ keepAlive: true })
      stage.onEnd(() => agent.destroy())
      const [streams, plain] = await Promise.all([
        Promise.all(sessions.flatMap((on) => Array.from({ length: STREAMS }, () => askStream(on)))),
        Promise.all(Array.from({ length: PLAIN }, () => plainly(run.port, shown.ca, agent))),
      ])
      assert.ok(streams.every(({ status }) => status === 200) && plain.every((status) => status === 200))
      assert.equal(most, LIMIT)
      const metrics = (await ask(run.adminPort, { path: '/metrics' })).body
      assert.match(metrics, new RegExp(`\\nbackpressure_admitted_total ${SESSIONS * STREAMS + PLAIN}\\n`))
      const before = await serialShown(stage, run.port)
      certificate(stage, shown)
      run.kill('SIGHUP')
      await until('a word of it', () => /SIGHUP: .* is in force/.test(run.err()))
      process.kill(pids[0]!, 'SIGKILL')
      await until('it to be followed', () => run.err().includes('worker 1 listens again'), 10_000)
      // Only the one that follows can accept.
      process.kill(pids[1]!, 'SIGSTOP')
      stage.onEnd(() => void process.kill(pids[1]!, 'SIGCONT'))
      const after = await serialShown(stage, run.port)
      assert.notEqual(after, before)
      process.kill(pids[1]!, 'SIGCONT')
      assert.equal(await serialShown(stage, run.port), after)
    })
  })
})
