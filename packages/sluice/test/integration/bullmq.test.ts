import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker, type Job } from 'bullmq'
import { bullmqConsumer, type BullmqConsumer, type BullmqOptions } from '../../src/consumers/bullmq.ts'
import { limiter, semaphore, tokenBucket } from '../../src/index.ts'
import { toldLimit } from './broker-limit.ts'
import { missing, redisProgram, type Server } from './broker-servers.ts'
import { RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const skip = missing(['redis-server', redisProgram])

type Task = Job<number, void>

describe('sluice/bullmq, with BullMQ 6, on a Redis', { skip, concurrency: true }, () => {
  let server: Server
  const open: { close(force?: boolean): Promise<void> }[] = []
  before(async () => {
    server = await RedisServer.start()
  })
  after(async () => {
    for (const one of open) await one.close(true)
    await server.stop()
  })

  const filled = async (name: string, count: number): Promise<Queue<number, void>> => {
    const queue = new Queue<number, void>(name, { connection: { port: server.port } })
    open.push(queue)
    for (let from = 0; from < count; from += 1000)
      await queue.addBulk(
        Array.from({ length: Math.min(1000, count - from) }, (_, index) => ({ name: 'task', data: from + index })),
      )
    return queue
  }
  const working = (
    name: string,
    work: (job: Task, context: { readonly signal: AbortSignal }) => Promise<void>,
    options: BullmqOptions<Task> = {},
    settings: { readonly lockDuration?: number; readonly stalledInterval?: number } = {},
  ): { worker: Worker<number, void>; jobs: BullmqConsumer<Task, void> } => {
    const jobs = bullmqConsumer(work, options)
    const worker = new Worker<number, void>(name, jobs.process, { connection: { port: server.port }, ...settings })
    worker.on('error', () => undefined)
    jobs.attach(worker)
    open.push(worker)
    return { worker, jobs }
  }

  it('S1.12 10,000 jobs, a worker stopped in the middle and another cut off: nothing lost, nothing failed', async () => {
    const queue = await filled('stop', 10_000)
    const done = new Map<number, number>()
    const work = async ({ data }: Task): Promise<void> => {
      await sleep(2)
      done.set(data, (done.get(data) ?? 0) + 1)
    }
    const stalls = { lockDuration: 1000, stalledInterval: 300 }
    const first = working('stop', work, { gate: semaphore({ permits: 30 }) }, stalls)
    await until('it has begun', () => done.size > 500)
    assert.deepEqual(await first.jobs.drain(), { cutOff: 0 })
    assert.equal(done.size, (await queue.getJobCounts('completed'))['completed'])
    const held: AbortSignal[] = []
    const second = working(
      'stop',
      (_job, { signal }) => {
        held.push(signal)
        return sleep(1_000_000, undefined, { ref: false, signal })
      },
      { gate: semaphore({ permits: 5 }) },
      stalls,
    )
    await until('five are held', () => held.length === 5)
    assert.deepEqual(await second.jobs.drain({ timeout: 50 }), { cutOff: 5 })
    assert.ok(held.every(({ aborted }) => aborted))
    working('stop', work, { gate: semaphore({ permits: 50 }) }, stalls)
    await until('10,000 are done', () => done.size === 10_000)
    await until('all are completed', async () => (await queue.getJobCounts('completed'))['completed'] === 10_000)
    const { failed, active, waiting, delayed } = await queue.getJobCounts()
    assert.deepEqual({ failed, active, waiting, delayed }, { failed: 0, active: 0, waiting: 0, delayed: 0 })
    assert.deepEqual([...new Set(done.values())], [1])
  })

  it('control: jobs whose work is not waited for are lost when the worker stops', async () => {
    const queue = await filled('naive', 500)
    const done = new Set<number>()
    let alive = true
    const worker = new Worker<number, void>(
      'naive',
      async ({ data }) => {
        void sleep(200 + Math.random() * 500).then(() => {
          if (alive) done.add(data)
        })
      },
      { connection: { port: server.port }, concurrency: 10 },
    )
    open.push(worker)
    await until('it has begun', () => done.size > 0)
    // The process is gone; closing tidies up after it.
    alive = false
    await worker.close()
    working('naive', async ({ data }) => void done.add(data))
    await until('the queue is empty', async () => (await queue.getJobCounts('completed'))['completed'] === 500)
    assert.ok(done.size < 500, `${done.size} of 500 done`)
  })

  it('S1.12 worker.concurrency follows the limit of the gate', async () => {
    await filled('limit', 2000)
    const limit = toldLimit(3)
    let running = 0
    let most = 0
    const { worker, jobs } = working(
      'limit',
      async () => {
        most = Math.max(most, ++running)
        await sleep(5)
        running--
      },
      { gate: limiter({ limit }) },
    )
    await until('100 are done', () => jobs.stats.done > 100)
    assert.deepEqual([worker.concurrency, most], [3, 3])
    limit.limit = 25
    await until('the concurrency has risen', () => worker.concurrency === 25)
    await until('25 are at work', () => most === 25)
    limit.limit = 2
    await until('the concurrency has fallen', () => worker.concurrency === 2)
    await until('fewer are at work', () => running <= 2)
    most = 0
    const { done } = jobs.stats
    await until('50 more are done', () => jobs.stats.done > done + 50)
    assert.equal(most, 2)
    await jobs.drain()
  })

  for (const [name, gate, kind] of [
    ['a spent quota holds the whole queue back', tokenBucket({ tokens: 5, per: 100 }), 'rate'],
    ['a full gate delays the job', semaphore({ permits: 2 }), 'delay'],
  ] as const)
    it(`S1.12 refusals: ${name}, no attempt is lost, and all are done`, async () => {
      const queue = await filled(kind, 30)
      const attempts: number[] = []
      const { worker, jobs } = working(
        kind,
        async (job) => {
          attempts.push(job.attemptsMade)
          await sleep(20)
        },
        { gate },
      )
      // As a gate that is shared with others would have it: more come than are let in.
      worker.concurrency = 10
      await until('30 are completed', async () => (await queue.getJobCounts('completed'))['completed'] === 30)
      assert.ok(jobs.stats.refused > 0)
      assert.deepEqual([...new Set(attempts)], [0])
      assert.equal((await queue.getJobCounts('failed'))['failed'], 0)
    })

  it('control: refusals that are simply thrown fail the jobs', async () => {
    const queue = await filled('thrown', 60)
    const gate = semaphore({ permits: 2 })
    const worker = new Worker<number, void>('thrown', () => gate.run(() => sleep(20)), {
      connection: { port: server.port },
      concurrency: 10,
    })
    open.push(worker)
    await until('all have ended', async () => {
      const { completed = 0, failed = 0 } = await queue.getJobCounts('completed', 'failed')
      return completed + failed === 60
    })
    assert.ok((await queue.getJobCounts('failed'))['failed']! > 0)
  })

  it('S1.6 failed work is left to BullMQ: its attempts and its backoff', async () => {
    const queue = new Queue<number, void>('failing', { connection: { port: server.port } })
    open.push(queue)
    await queue.add('task', 1, { attempts: 3, backoff: 10 })
    let tries = 0
    const { jobs } = working(
      'failing',
      async (_job, { signal }) => {
        if (++tries === 1) throw new Error('once')
        if (tries === 2) await sleep(1_000_000, undefined, { ref: false, signal })
      },
      { timeout: 50 },
    )
    await until('it is completed', async () => (await queue.getJobCounts('completed'))['completed'] === 1)
    assert.deepEqual([tries, jobs.stats.failed, jobs.stats.done], [3, 2, 1])
  })
})
