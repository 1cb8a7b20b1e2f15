import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Snapshot } from '../../src/live/index.ts'
import { ask } from './config-rig.ts'
import { until } from './proxy-rig.ts'
import { startRun, type Sluice } from './run-child.ts'

const TOKEN = 'a-token-for-operators'
const TAKES = 20

/** The workers of a process, in the order of their numbers. */
function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  const numberOf = (child: number): string =>
    /SLUICE_WORKER=(\d+)/.exec(readFileSync(`/proc/${child}/environ`, 'latin1'))?.[1] ?? ''
  return children.sort((a, b) => Number(numberOf(a)) - Number(numberOf(b)))
}

describe('sluice run --workers, as one gateway', { timeout: 60_000 }, () => {
  let upstream: Server
  let run: Sluice
  const came = { served: 0, refused: 0 }

  before(async () => {
    upstream = createServer((_req, res) => setTimeout(() => res.end('ok'), TAKES)).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    process.env['SLUICE_ADMIN_TOKEN'] = TOKEN
    const { port } = upstream.address() as AddressInfo
    run = await startRun(port, '--workers', '2', '--max-concurrent', '4', '--queue', '0')
    delete process.env['SLUICE_ADMIN_TOKEN']
  })

  after(async () => {
    await run.stop()
    upstream.close()
    upstream.closeAllConnections()
  })

  const admin = async (path: string): Promise<string> => (await ask(run.adminPort, { path })).body
  const snapshot = async (): Promise<Snapshot> => JSON.parse(await admin('/snapshot')) as Snapshot
  const order = async (name: string, body: object = {}): Promise<number> => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    return (await ask(run.adminPort, { path: `/control/${name}`, method: 'POST', headers, body: JSON.stringify(body) }))
      .status
  }

  /** All values of a metric added up, of those whose labels say so. */
  const sum = (text: string, name: string, labels = ''): number =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`, 'gm'))]
      .filter(([, said = '']) => said.includes(labels))
      .reduce((total, [, , value]) => total + Number(value), 0)

  /** Asks so many times at once, on connections of their own, and counts what came of it. */
  const crowd = async (people: number): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: people }, () => ask(run.port)))
    const served = answers.filter(({ status }) => status === 200).length
    came.served += served
    came.refused += answers.filter(({ status }) => status === 503).length
    return served
  }

  /** While only one of the workers can accept anything. */
  const at = async <T>(worker: number, act: () => Promise<T>): Promise<T> => {
    const others = workersOf(run.process.pid!).filter((_, index) => index !== worker - 1)
    for (const pid of others) process.kill(pid, 'SIGSTOP')
    try {
      return await act()
    } finally {
      for (const pid of others) process.kill(pid, 'SIGCONT')
    }
  }

  const agrees = async (): Promise<void> => {
    const text = await admin('/metrics')
    assert.equal(sum(text, 'backpressure_admitted_total'), came.served)
    assert.equal(sum(text, 'backpressure_rejected_total'), came.refused)
    assert.equal(sum(text, 'backpressure_upstream_responses_total', '2xx'), came.served)
    assert.equal(sum(text, 'backpressure_wait_time_seconds_count'), came.served)
    assert.equal(sum(text, 'backpressure_wait_time_seconds_bucket', 'le="+Inf"'), came.served)
    const short = JSON.parse(await admin('/metrics/backpressure')) as { data: Record<string, unknown> }
    assert.equal(short.data['rejected_requests'], came.refused)
  }

  it('S3.8 counts what its clients count, whoever served them', async () => {
    await at(1, () => crowd(15))
    await at(2, () => crowd(15))
    for (let round = 0; round < 3; round++) await crowd(20)
    assert.ok(came.served > 0 && came.refused > 0, JSON.stringify(came))
    await agrees()
    const text = await admin('/metrics')
    // One limit, not one for each, and not what a worker holds of it.
    assert.equal(sum(text, 'backpressure_limit'), 4)
    assert.equal(sum(text, 'backpressure_limit_limit'), 4)
    for (const worker of [1, 2]) assert.ok(sum(text, 'process_resident_memory_bytes', `worker="${worker}"`) > 1e7)
    const { instances, limits, fleet, process: all } = await snapshot()
    assert.deepEqual(
      instances.map(({ name }) => name),
      ['worker 1', 'worker 2'],
    )
    assert.deepEqual([limits[0]?.limit, limits[0]?.scope, fleet], [4, 'local', []])
    assert.equal(all.pid, run.process.pid)
    assert.equal((await ask(run.adminPort, { path: '/health/ready' })).status, 200)
  })

  it('has seconds of all of them together', async () => {
    const asked = came.served + came.refused
    let offered = 0
    for (const end = Date.now() + 3000; Math.abs(offered - asked) > 1 && Date.now() < end; await sleep(50))
      offered = (await snapshot()).history.reduce((all, second) => all + (second.offered * second.over) / 1000, 0)
    assert.ok(Math.abs(offered - asked) <= 1, `${offered} of ${asked}`)
    const { state, because, now } = await snapshot()
    assert.equal(state, 'shedding', because)
    assert.ok(now.p99 >= TAKES * 0.95, String(now.p99))
  })

  it('a worker that is killed takes nothing back that was counted', async () => {
    await agrees()
    process.kill(workersOf(run.process.pid!)[1]!, 'SIGKILL')
    for (let seen = 0; !run.err().includes('worker 2 listens again');) {
      const count = sum(await admin('/metrics'), 'backpressure_admitted_total')
      assert.ok(count >= seen && count === came.served, `${count} after ${seen}`)
      seen = count
    }
    await agrees()
    await crowd(10)
    await agrees()
  })

  it('what is ordered is ordered of all, and of whoever follows one of them', async () => {
    assert.equal(await order('pause'), 200)
    assert.equal((await snapshot()).dryRun, true)
    for (const worker of [1, 2]) assert.equal(await at(worker, () => crowd(10)), 10, `worker ${worker}`)
    process.kill(workersOf(run.process.pid!)[0]!, 'SIGKILL')
    await until('it to be followed', () => run.err().includes('worker 1 listens again'), 10_000)
    for (const worker of [1, 2]) assert.equal(await at(worker, () => crowd(10)), 10, `worker ${worker} later`)
    assert.equal(await order('resume'), 200)
    for (const worker of [1, 2]) assert.ok((await at(worker, () => crowd(10))) < 10, `worker ${worker} again`)
    assert.equal(await order('limit', { limit: 9, minutes: 1 }), 200)
    assert.equal(sum(await admin('/metrics'), 'backpressure_limit'), 9)
    assert.equal(await order('limit', { limit: 9, minutes: 1, name: 'none' }), 404)
  })

  it('drains all of them from afar', async () => {
    const slow = ask(run.port)
    await sleep(5)
    assert.equal(await order('drain'), 200)
    assert.equal((await slow).status, 200)
    assert.deepEqual(await run.ended, { code: 0, signal: null })
  })
})
