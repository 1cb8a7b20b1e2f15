import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { curl, noCurl } from './proxy-curl.ts'
import { connect, scene, until, type Client, type Scene } from './proxy-rig.ts'
import { startRun, type Sluice } from './run-child.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

/** A gateway with one slot, one request in it and two waiting. */
async function busy(
  stage: Scene,
  ...flags: string[]
): Promise<{ run: Sluice; clients: Client[]; answers: ServerResponse[] }> {
  const answers: ServerResponse[] = []
  const port = await stage.upstream((_req, res) => void answers.push(res))
  const run = await startRun(port, '--max-concurrent', '1', '--queue', '10', '--wait-timeout', '20s', ...flags)
  stage.onEnd(() => run.stop())
  const clients: Client[] = []
  for (let i = 0; i < 3; i++) {
    const client = await stage.connect(run.port)
    clients.push(client)
    client.send(GET)
  }
  await until('the first at the upstream', () => answers.length === 1)
  await waiting(run, 2)
  return { run, clients, answers }
}

async function waiting(run: Sluice, queued: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const { data } = JSON.parse(await curl(`http://127.0.0.1:${run.adminPort}/metrics/backpressure`)) as {
      data: { queued_requests: number }
    }
    if (data.queued_requests === queued) return
  }
  throw new Error(`waited in vain for ${queued} in the queue`)
}

describe('sluice run, ended', { skip: noCurl }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`S1.10 ${signal}: what is in progress and what waits is served, then exit 0`, async () => {
      await scene(async (stage) => {
        const { run, clients, answers } = await busy(stage)
        const ready = `http://127.0.0.1:${run.adminPort}/health/ready`
        assert.match(await curl('-i', ready), /^HTTP\/1\.1 200 /)
        run.kill(signal)
        await until('the drain', () => run.err().includes('to finish'))
        assert.match(await curl('-i', ready), /^HTTP\/1\.1 503 [\s\S]*"draining"/)
        assert.match(await curl('-i', ready.replace('ready', 'live')), /^HTTP\/1\.1 200 /)
        await assert.rejects(connect(run.port), { code: 'ECONNREFUSED' })
        for (let i = 0; i < 3; i++) {
          await until(`request ${i + 1} at the upstream`, () => answers.length === i + 1)
          answers[i]!.end('done')
        }
        for (const client of clients) {
          await until('an answer', () => client.closed)
          assert.match(client.received(), /^HTTP\/1\.1 200 OK\r\n/)
          assert.match(client.received(), /connection: close\r\n/i)
          assert.match(client.received(), /done/)
        }
        assert.equal((await run.ended).code, 0)
        assert.match(run.err(), /3 to finish within 30s\n[^\n]*drained: nothing was lost\n$/)
      })
    })

  it('S1.10 a request that comes on a kept connection while it drains is still served', async () => {
    await scene(async (stage) => {
      const { run, clients, answers } = await busy(stage)
      // Pipelined behind the first: on its way before anybody could know.
      clients[0]!.send(GET)
      run.kill('SIGTERM')
      await until('the drain', () => run.err().includes('to finish'))
      for (let i = 0; i < 3; i++) {
        await until(`request ${i + 1}`, () => answers.length > i)
        answers[i]!.end('done')
      }
      const served = (): number =>
        clients.reduce((sum, client) => sum + client.received().split('200 OK').length - 1, 0)
      await until('three answers', () => served() >= 3)
      assert.equal((await run.ended).code, 0)
    })
  })

  it('S1.10 a second signal ends at once and says what was cut off', async () => {
    await scene(async (stage) => {
      const { run } = await busy(stage)
      run.kill('SIGTERM')
      await until('the drain', () => run.err().includes('to finish'))
      const start = performance.now()
      run.kill('SIGTERM')
      assert.equal((await run.ended).code, 143)
      assert.ok(performance.now() - start < 1000)
      assert.match(run.err(), /3 requests cut off\n$/)
    })
  })

  it('S1.10 an order to drain is no signal: given twice and followed by SIGTERM it cuts nothing off', async () => {
    await scene(async (stage) => {
      const token = 'a-token-for-operators'
      // A token is no flag: every user of a machine sees those.
      process.env['SLUICE_ADMIN_TOKEN'] = token
      const { run, clients, answers } = await busy(stage).finally(() => delete process.env['SLUICE_ADMIN_TOKEN'])
      const order = (): Promise<string> =>
        curl('-X', 'POST', '-H', `authorization: Bearer ${token}`, `http://127.0.0.1:${run.adminPort}/control/drain`)
      assert.match(await order(), /"success":true/)
      await until('the drain', () => run.err().includes('to finish'))
      assert.match(await order(), /"success":true/)
      run.kill('SIGTERM')
      for (let i = 0; i < 3; i++) {
        await until(`request ${i + 1} at the upstream`, () => answers.length === i + 1)
        answers[i]!.end('done')
      }
      for (const client of clients) {
        await until('an answer', () => client.closed)
        assert.match(client.received(), /^HTTP\/1\.1 200 OK\r\n/)
      }
      assert.equal((await run.ended).code, 0)
      assert.match(run.err(), /sluice: drain, by order: no new connections; 3 to finish within 30s\n/)
      assert.match(run.err(), /drained: nothing was lost\n$/)
    })
  })

  it('S1.10 what has not ended in time is cut off, counted, and told by exit 1', async () => {
    await scene(async (stage) => {
      const { run, clients } = await busy(stage, '--drain-timeout', '200ms')
      run.kill('SIGTERM')
      assert.equal((await run.ended).code, 1)
      assert.match(run.err(), /time is up, 3 requests cut off\n$/)
      for (const client of clients) await until('the end', () => client.closed)
    })
  })

  it('an upstream that is not there yet is told in one line and no reason not to start', async () => {
    await scene(async (stage) => {
      const run = await startRun(1)
      stage.onEnd(() => run.stop())
      await until('the warning', () => run.err().includes('\n'))
      assert.match(run.err(), /^sluice: http:\/\/127\.0\.0\.1:1 cannot be reached now \(ECONNREFUSED\)[^\n]*\n$/)
      assert.match(run.out(), /^sluice: [^\n]+\n$/)
      assert.match(await curl('-i', `http://127.0.0.1:${run.port}/`), /^HTTP\/1\.1 502 /)
    })
  })

  it('S3.5 a Redis that is not there yet is told as well, without its password, by several processes once', async () => {
    await scene(async (stage) => {
      const fleet = ['--max-concurrent', '3', '--redis', 'redis://:hunter2@127.0.0.1:1', '--on-down', 'share']
      const run = await startRun(1, ...fleet, '--workers', '2')
      stage.onEnd(() => run.stop())
      await until('both warnings', () => run.err().split('\n').length === 3)
      assert.match(run.err(), /^sluice: http:\/\/127\.0\.0\.1:1 cannot be reached now \(ECONNREFUSED\)[^\n]*\n/m)
      assert.match(
        run.err(),
        /^sluice: redis:\/\/:\*\*\*@127\.0\.0\.1:1 cannot be reached now \(ECONNREFUSED\)[^\n]*\n/m,
      )
    })
  })
})
