import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import type { Snapshot } from '../../src/live/index.ts'
import { httpTransport, openLoop, type PhaseReport } from '../../src/load/index.ts'
import { ask } from './config-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { startRun } from './run-child.ts'

const [SLOTS, TAKES] = [6, 50]
const POSSIBLE = (SLOTS * 1000) / TAKES
const RATE = 10 * POSSIBLE
const TOKEN = 'a-token-for-operators'

describe('sluice run --workers, told nothing of its limit', { timeout: 60_000 }, () => {
  it('S3.5 at ten times what can be done, all of it at one worker: the other keeps nothing for itself', async () => {
    await scene(async (stage) => {
      let busy = 0
      const line: ServerResponse[] = []
      const serve = (): void => {
        while (busy < SLOTS && line.length > 0) {
          const res = line.shift()!
          busy++
          setTimeout(() => {
            busy--
            res.end('done')
            serve()
          }, TAKES)
        }
      }
      const upstream = await stage.upstream((_req, res) => {
        line.push(res)
        serve()
      })
      process.env['SLUICE_ADMIN_TOKEN'] = TOKEN
      const run = await startRun(upstream, '--workers', '2')
      delete process.env['SLUICE_ADMIN_TOKEN']
      const pids = /workers \(([\d, ]+)\)/.exec(run.out())![1]!.split(', ').map(Number)
      stage.onEnd(() => run.stop())
      const transport = httpTransport({ url: `http://127.0.0.1:${run.port}/` })
      stage.onEnd(() => transport.close())
      const offer = async (lasts: number): Promise<PhaseReport> =>
        (await openLoop({ transport, phases: [{ name: 'all', rate: RATE, duration: lasts }] })).phases[0]!
      const snapshot = async (): Promise<Snapshot> =>
        JSON.parse((await ask(run.adminPort, { path: '/snapshot' })).body) as Snapshot

      let during = await snapshot()
      // It has accepted nothing, and cannot: everybody is at the first.
      process.kill(pids[1]!, 'SIGSTOP')
      stage.onEnd(() => void process.kill(pids[1]!, 'SIGCONT'))
      await offer(1500)
      const shares: number[] = []
      // A machine that is busy with something else is asked again.
      while (shares.length < 3 && !(shares.at(-1)! > 0.8)) {
        const [{ good, duration, admitted }, told] = await Promise.all([offer(1500), snapshot()])
        shares.push(admitted.p50 < 500 ? good / duration / (POSSIBLE / 1000) : 0)
        during = told
      }
      assert.ok(shares.at(-1)! > 0.8, `${shares.join()} of what is possible`)
      assert.deepEqual(during.instances[1], { name: 'worker 2', count: 1, inflight: 0, queued: 0, held: 0 })
      assert.deepEqual([during.limits[0]?.kind, during.limits[0]?.scope], ['adaptive', 'local'])
      // It has moved: that is told once, by whichever worker was told of it.
      assert.ok(during.moves.length > 0 && new Set(during.moves.map(({ limit }) => limit)).size === 1)
      await until('all to be answered', () => busy === 0 && line.length === 0)

      process.kill(pids[1]!, 'SIGCONT')
      const order = async (name: string, body: object): Promise<void> => {
        const headers = { authorization: `Bearer ${TOKEN}` }
        const asked = { path: `/control/${name}`, method: 'POST', headers, body: JSON.stringify(body) }
        assert.equal((await ask(run.adminPort, asked)).status, 200)
      }
      await order('limit', { limit: 80, minutes: 1 })
      await order('resume', {})
      const [limit] = (await snapshot()).limits
      assert.deepEqual([limit?.kind, limit?.limit], ['adaptive', 80], 'after an order it goes on from there')
    })
  })
})
