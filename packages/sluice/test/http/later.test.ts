import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptForLater, type Later, type LaterOptions } from '../../src/http/index.ts'
import { fifo, RejectedError, semaphore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

interface Begun {
  readonly job: string
  readonly done: () => void
  readonly fail: (error: Error) => void
}

class Play {
  readonly clock = new VirtualClock()
  readonly gate = semaphore({
    permits: 1,
    name: 'jobs',
    queue: fifo({ capacity: 2, maxWait: 60_000 }),
    clock: this.clock,
  })
  readonly begun: Begun[] = []
  readonly failures: string[] = []
  readonly later: Later<string>

  constructor(options: Partial<LaterOptions<string>> = {}) {
    this.later = acceptForLater<string>({
      gate: this.gate,
      work: (job) => new Promise<void>((resolve, reject) => void this.begun.push({ job, done: resolve, fail: reject })),
      onFailure: (cause, job, id) =>
        void this.failures.push(`${id} ${job} ${cause instanceof RejectedError ? cause.code : String(cause)}`),
      ...options,
    })
  }

  statuses(...jobs: string[]): number[] {
    return jobs.map((job) => this.later.accept(job).status)
  }
}

/** Lets promises that are settled go on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

describe('acceptForLater', () => {
  it('S1.1 202 while there is room, 503 with retry-after when the bounded queue is full', () => {
    const { later, gate } = new Play({ location: (id) => `/jobs/${id}` })
    const [first, second] = [later.accept('a'), later.accept('b')]
    assert.deepEqual([first.status, first.body], [202, '{"success":true,"data":{"id":"1","state":"running"}}'])
    assert.deepEqual([second.status, second.body], [202, '{"success":true,"data":{"id":"2","state":"queued"}}'])
    assert.deepEqual(
      [first.headers['location'], first.headers['content-length']],
      ['/jobs/1', String(first.body.length)],
    )
    assert.equal(later.accept('c').status, 202)
    const full = later.accept('d')
    assert.equal(full.status, 503)
    assert.equal(full.headers['retry-after'], '1')
    assert.match(full.body, /"code":"QUEUE_FULL"/)
    assert.deepEqual([later.pending, gate.stats.inflight, gate.stats.queued], [3, 1, 2])
  })

  it('S1.1 does every job it took, once, in order, and a refused one never', async () => {
    const play = new Play()
    assert.deepEqual(play.statuses('a', 'b', 'c', 'd'), [202, 202, 202, 503])
    const order: string[] = []
    for (let done = 0; done < 3; done++) {
      order.push(play.begun[done]!.job)
      play.begun[done]!.done()
      await turns()
    }
    assert.deepEqual(order, ['a', 'b', 'c'])
    assert.deepEqual([play.begun.length, play.later.pending, play.gate.stats.inflight], [3, 0, 0])
    assert.deepEqual(play.statuses('e'), [202])
  })

  it('work that fails gives its place back and is told', async () => {
    const play = new Play()
    play.statuses('a', 'b')
    play.begun[0]!.fail(new Error('disk'))
    await turns()
    assert.deepEqual(play.failures, ['1 a Error: disk'])
    assert.equal(play.begun[1]?.job, 'b')
  })

  it('work that throws at once is a failure like any other', async () => {
    const play = new Play({
      work: () => {
        throw new Error('at once')
      },
    })
    assert.deepEqual(play.statuses('a'), [202])
    await turns()
    assert.deepEqual([play.failures, play.later.pending], [['1 a Error: at once'], 0])
  })

  it('what was taken and is given up is told, never lost in silence', () => {
    const play = new Play()
    play.statuses('a', 'b', 'c')
    play.clock.advance(61_000)
    assert.deepEqual(play.failures.toSorted(), ['2 b queue_timeout', '3 c queue_timeout'])
    play.statuses('d')
    play.gate.close()
    assert.deepEqual(play.failures.at(-1), '4 d closed')
    assert.equal(play.later.pending, 1)
  })

  it('S1.10 drain takes no more and waits for what it took', async () => {
    const play = new Play()
    play.statuses('a', 'b')
    let drained = false
    const draining = play.later.drain().then(() => (drained = true))
    const refused = play.later.accept('c')
    assert.deepEqual([refused.status, /"code":"SHUTTING_DOWN"/.test(refused.body)], [503, true])
    play.begun[0]!.done()
    await turns()
    assert.equal(drained, false)
    play.begun[1]!.done()
    await draining
    await play.later.drain()
  })

  it('naming that fails takes nothing', () => {
    const play = new Play({
      nextId: () => {
        throw new Error('no name')
      },
    })
    assert.throws(() => play.later.accept('a'), /no name/)
    assert.deepEqual([play.later.pending, play.gate.stats.inflight], [0, 0])
  })

  it('nor does a place that cannot be told', () => {
    const play = new Play({
      location: () => {
        throw new Error('no place')
      },
    })
    assert.throws(() => play.later.accept('a'), /no place/)
    assert.deepEqual([play.later.pending, play.gate.stats.inflight, play.begun.length], [0, 0, 0])
  })
})
