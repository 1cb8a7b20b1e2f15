import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bullmqConsumer, jobConsumer, type BullmqConsumer, type BullmqOptions } from '../../src/consumers/bullmq.ts'
import { limiter, RejectedError, Rejection, semaphore, type RejectionCode } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle } from '../stream/settle.ts'

class FakeJob {
  readonly processedOn = 1_000_000
  readonly said: string[] = []

  async moveToDelayed(timestamp: number, token?: string): Promise<void> {
    this.said.push(`delayed until ${timestamp}, ${token}`)
  }
}

class FakeWorker {
  readonly said: string[] = []
  concurrency = 1
  #idle: (() => void) | undefined

  async rateLimit(duration: number): Promise<void> {
    this.said.push(`limited ${duration}`)
  }

  pause(): Promise<void> {
    this.said.push('pause')
    return new Promise((resolve) => (this.#idle = resolve))
  }

  async close(force?: boolean): Promise<void> {
    this.said.push(`close ${force}`)
  }

  idle(): Promise<void> {
    this.#idle!()
    return settle()
  }
}

interface Bench {
  readonly clock: VirtualClock
  readonly worker: FakeWorker
  readonly jobs: BullmqConsumer<FakeJob, string>
  readonly working: { resolve(result: string): void; reject(error: unknown): void; readonly signal: AbortSignal }[]
}

function bench(options: BullmqOptions<FakeJob> = {}): Bench {
  const clock = new VirtualClock(500)
  const worker = new FakeWorker()
  const working: Bench['working'] = []
  const jobs = bullmqConsumer<FakeJob, string>(
    (_job, { signal }) => new Promise((resolve, reject) => working.push({ resolve, reject, signal })),
    { clock, gate: semaphore({ permits: 5, clock }), ...options },
  )
  jobs.attach(worker)
  return { clock, worker, jobs, working }
}

function refused(code: RejectionCode): RejectedError {
  return new RejectedError(new Rejection(code, 'sink', 1, 0, 2500))
}

describe('bullmqConsumer', () => {
  it('declares three parameters: BullMQ counts them to see whether a signal is wanted', () => {
    assert.equal(bench().jobs.process.length, 3)
  })

  it('S1.12 sets the concurrency of the worker, and gives it what the work gives', async () => {
    const { worker, jobs, working } = bench()
    assert.equal(worker.concurrency, 5)
    const result = jobs.process(new FakeJob(), 'token')
    await settle()
    working[0]!.resolve('sent')
    assert.equal(await result, 'sent')
    assert.deepEqual(jobs.stats, { concurrency: 5, running: 0, done: 1, failed: 0, refused: 0 })
    const unlimited = bench({ gate: limiter(), mostConcurrency: 3 })
    assert.equal(unlimited.worker.concurrency, 3)
  })

  it('S1.12 a refusal delays the job by what the gate said, from now on, and is the error BullMQ knows by name', async () => {
    const { clock, jobs, working } = bench()
    const job = new FakeJob()
    const result = jobs.process(job, 'token')
    await settle()
    clock.advance(400)
    working[0]!.reject(refused('shed'))
    await assert.rejects(result, { name: 'DelayedError' })
    assert.deepEqual(job.said, ['delayed until 1002900, token'])
    assert.deepEqual([jobs.stats.refused, jobs.stats.failed], [1, 0])
  })

  it('S1.12 a refusal that all workers share holds the queue, and is the error BullMQ knows by its message', async () => {
    for (const code of ['rate_limited', 'breaker_open'] as const) {
      const { worker, jobs, working } = bench()
      const job = new FakeJob()
      const result = jobs.process(job, 'token')
      await settle()
      working[0]!.reject(refused(code))
      await assert.rejects(result, { message: 'bullmq:rateLimitExceeded' })
      assert.deepEqual([worker.said, job.said], [['limited 2500'], []])
    }
    const { worker, jobs, working } = bench({ holdsQueue: (code) => code === 'shed' })
    const result = jobs.process(new FakeJob())
    await settle()
    working[0]!.reject(refused('breaker_open'))
    await assert.rejects(result, { name: 'DelayedError' })
    assert.deepEqual(worker.said, [])
  })

  it('everything else is a failure, and left to BullMQ: errors, the time that is up, a job that is cancelled', async () => {
    const { clock, jobs, working } = bench({ timeout: 1000 })
    const failed = jobs.process(new FakeJob())
    const late = jobs.process(new FakeJob())
    const controller = new AbortController()
    const cancelled = jobs.process(new FakeJob(), 'token', controller.signal)
    await settle()
    working[0]!.reject(new Error('sink'))
    await assert.rejects(failed, /sink/)
    controller.abort(new Error('by its user'))
    await assert.rejects(cancelled, /by its user/)
    assert.equal(working[2]!.signal.aborted, true)
    clock.advance(1000)
    await assert.rejects(late, { code: 'deadline' })
    assert.deepEqual([jobs.stats.failed, jobs.stats.refused], [3, 0])
  })

  it('S1.10 drain waits for the jobs in progress, then closes', async () => {
    const { clock, worker, jobs } = bench()
    const drained = jobs.drain()
    await settle()
    assert.deepEqual(worker.said, ['pause'])
    await worker.idle()
    assert.deepEqual(await drained, { cutOff: 0 })
    assert.deepEqual(worker.said, ['pause', 'close false'])
    assert.equal(clock.pending, 0)
  })

  it('S1.10 S1.12 drain does not wait for ever: closes by force first and calls off then, so that nothing is failed', async () => {
    const { clock, worker, jobs, working } = bench()
    const result = jobs.process(new FakeJob())
    await settle()
    working[0]!.signal.addEventListener('abort', () => worker.said.push('abort'))
    const drained = jobs.drain({ timeout: 5000 })
    clock.advance(5000)
    await assert.rejects(result, /draining took too long/)
    assert.deepEqual(await drained, { cutOff: 1 })
    assert.deepEqual(worker.said, ['pause', 'close true', 'abort'])
  })

  it('says what is wrong with an option', () => {
    for (const options of [{ mostConcurrency: 0 }, { timeout: 0 }]) assert.throws(() => bench(options), RangeError)
  })
})

describe('jobConsumer', () => {
  it('S1.12 puts a refused job back as its queue wants it, and follows the limit', async () => {
    const put: number[] = []
    const jobs = jobConsumer((job: { readonly id: string }) => job.id, { gate: semaphore({ permits: 1 }) })
    assert.equal(await jobs.process({ id: 'a' }, () => undefined), 'a')
    const busy = semaphore({ permits: 1 })
    busy.tryEnter()
    const full = jobConsumer((job: { readonly id: string }) => job.id, { gate: busy })
    await assert.rejects(
      full.process({ id: 'a' }, ({ retryAfter }) => put.push(retryAfter)),
      { code: 'limit_exceeded' },
    )
    assert.deepEqual(put, [1000])
    const moves: number[] = []
    const following = full.follow((limit) => moves.push(limit))
    busy.tryEnter()
    busy.core.close()
    following[Symbol.dispose]()
    assert.deepEqual(moves, [1])
  })
})
