import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Snapshot } from '../../src/live/index.ts'
import { ask } from './config-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { launchRun } from './run-child.ts'

describe('sluice run --workers, before an upstream that fails', { timeout: 60_000 }, () => {
  it('S1.8 what fails in both opens the breaker of both, and one of all tries again', async () => {
    await scene(async (stage) => {
      const held: ServerResponse[] = []
      let [calls, fails] = [0, true]
      const upstream = await stage.upstream((_req, res) => {
        calls++
        if (fails) res.writeHead(500).end()
        else if (calls === 5) held.push(res)
        else res.end('done')
      })
      const folder = mkdtempSync(join(tmpdir(), 'sluice-breaker-'))
      stage.onEnd(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'sluice.yaml')
      const breaker = 'breaker: { failures: 4, openFor: 1s, probes: 1 }'
      writeFileSync(
        file,
        `listen: { host: 127.0.0.1, port: 0, adminPort: 0 }
upstreams: { app: { servers: [{ url: "http://127.0.0.1:${upstream}" }], passive: { failures: 0 }, ${breaker} } }
`,
      )
      const run = await launchRun(file, '--workers', '2')
      stage.onEnd(() => run.stop())
      const pids = /workers \(([\d, ]+)\)/.exec(run.out())![1]!.split(', ').map(Number)
      const state = async (): Promise<unknown> =>
        (JSON.parse((await ask(run.adminPort, { path: '/snapshot' })).body) as Snapshot).upstreams[0]!.breaker
      const statuses = (people: number): Promise<number[]> =>
        Promise.all(Array.from({ length: people }, async () => (await ask(run.port)).status))

      const becomes = async (wanted: string): Promise<void> => {
        for (const end = performance.now() + 5000; (await state()) !== wanted; await sleep(10))
          assert.ok(performance.now() < end, `waited 5000 ms in vain for it to be ${wanted}`)
        // By what one of them says; after another answer all have been told.
        await state()
      }

      // While one is stopped only the other can accept anything: two fail in each.
      for (const pid of pids) {
        process.kill(pid, 'SIGSTOP')
        try {
          for (let nth = 0; nth < 2; nth++) assert.equal((await ask(run.port)).status, 500)
        } finally {
          process.kill(pid, 'SIGCONT')
        }
        if (pid === pids[0]) assert.equal(await state(), 'closed')
      }
      await becomes('open')
      assert.deepEqual([await statuses(10), calls], [Array(10).fill(503), 4])

      fails = false
      const answers: number[] = []
      await until('somebody to be let in', () => {
        void ask(run.port).then(({ status }) => answers.push(status))
        return held.length > 0
      })
      assert.deepEqual([await statuses(20), calls], [Array(20).fill(503), 5])
      held[0]!.end('done')
      await becomes('closed')
      await until('the answer', () => answers.includes(200))
      assert.deepEqual(await statuses(10), Array(10).fill(200))
      assert.equal(answers.filter((status) => status === 200).length, 1)
    })
  })
})
