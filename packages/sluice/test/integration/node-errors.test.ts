import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Surfaced } from './errors-server.ts'
import { connect } from './loopback.ts'

async function withServer(prove: (port: number, until: Until) => Promise<void>): Promise<void> {
  const child = fork(new URL('errors-server.js', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    const [{ port }] = (await once(child, 'message')) as [Surfaced]
    await prove(port, (condition, question) => until(child, condition, question))
  } finally {
    const exit = once(child, 'exit')
    child.kill()
    await exit
  }
}

type Until = (condition: (report: Surfaced) => boolean, question?: 'let go') => Promise<Surfaced>

async function until(
  child: ChildProcess,
  condition: (report: Surfaced) => boolean,
  question = 'stats',
): Promise<Surfaced> {
  for (const end = Date.now() + 5000; ; await sleep(2)) {
    child.send(question)
    const [report] = (await once(child, 'message')) as [Surfaced]
    if (condition(report)) return report
    assert.ok(Date.now() < end, `waited 5 s in vain: ${JSON.stringify(report)}`)
  }
}

async function get(port: number, path: string): Promise<{ leave(): void }> {
  const client = await connect(port)
  client.send(`GET ${path} HTTP/1.1\r\nhost: loopback\r\n\r\n`)
  return client
}

describe('sluice/node, a handler that fails', () => {
  for (const [path, expected] of [
    ['/throw', 'uncaughtException: thrown'],
    ['/reject', 'unhandledRejection: rejected'],
  ] as const) {
    it(`${path}: the slot comes back as failure and the error surfaces as without a gate`, async () => {
      await withServer(async (port, until) => {
        const client = await get(port, path)
        const { inflight, outcomes, surfaced } = await until((report) => report.surfaced.length > 0)
        assert.deepEqual([inflight, outcomes, surfaced], [0, ['failure'], [expected]])
        client.leave()
      })
    })

    it(`${path} after a wait: the error surfaces by itself and harms nobody else`, async () => {
      await withServer(async (port, until) => {
        const clients = [await get(port, '/hold')]
        await until((report) => report.inflight === 1)
        clients.push(await get(port, path))
        await until((report) => report.queued === 1)
        clients.push(await get(port, '/'))
        await until((report) => report.queued === 2)
        const all = ({ outcomes, surfaced }: Surfaced): boolean => outcomes.length === 3 && surfaced.length > 0
        const { outcomes, surfaced } = await until(all, 'let go')
        assert.deepEqual(outcomes.toSorted(), ['failure', 'success', 'success'])
        assert.deepEqual(surfaced, [expected])
        for (const client of clients) client.leave()
        const { inflight, queued } = await until((report) => report.inflight === 0)
        assert.deepEqual([inflight, queued], [0, 0])
      })
    })
  }

  it('a rejection after the answer surfaces too, and ends nothing twice', async () => {
    await withServer(async (port, until) => {
      const client = await get(port, '/reject-late')
      const { inflight, outcomes, surfaced } = await until((report) => report.surfaced.length > 0)
      assert.deepEqual([inflight, outcomes, surfaced], [0, ['success'], ['unhandledRejection: rejected late']])
      client.leave()
    })
  })
})
