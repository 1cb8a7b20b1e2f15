import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type Clock, type Millis } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import {
  closedLoop,
  type ClosedLoopOptions,
  type ClosedLoopReport,
  type Fate,
  type Receiver,
  type Reply,
  type Transport,
} from '../../src/load/index.ts'

function reply(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body, header: (name) => headers[name] }
}

/** A target in virtual time; `undefined` is never answered. */
class Target implements Transport {
  readonly sent: Millis[] = []
  inflight = 0
  aborted = 0
  readonly #clock: Clock
  readonly #latency: (index: number) => Millis | undefined
  readonly #reply: (index: number) => Reply | string

  constructor(
    clock: Clock,
    latency: (index: number) => Millis | undefined,
    answer: (index: number) => Reply | string = () => reply(200),
  ) {
    this.#clock = clock
    this.#latency = latency
    this.#reply = answer
  }

  send(receiver: Receiver): { abort(): void } {
    const index = this.sent.length
    this.sent.push(this.#clock.now())
    this.inflight++
    const latency = this.#latency(index)
    const timer =
      latency === undefined
        ? undefined
        : this.#clock.after(latency, () => {
            this.inflight--
            const answer = this.#reply(index)
            if (typeof answer === 'string') receiver.failed(answer)
            else receiver.answered(answer)
          })
    return {
      abort: () => {
        timer?.cancel()
        this.inflight--
        this.aborted++
      },
    }
  }

  close(): void {}
}

/** A loop on a target, played to its end: what became of each request, and of the loop. */
async function played(
  clock: VirtualClock,
  target: Target,
  options: Omit<ClosedLoopOptions, 'transport' | 'clock' | 'onFate'>,
): Promise<{ readonly fates: readonly Fate[]; readonly end: ClosedLoopReport }> {
  const fates: Fate[] = []
  const run = closedLoop({ ...options, transport: target, clock, onFate: (fate) => fates.push(fate) })
  clock.advance(options.duration)
  return { fates, end: await run }
}

describe('closedLoop', () => {
  it('S3.11 waits for all answers of a visit, thinks, and comes again', async () => {
    const clock = new VirtualClock(7000)
    const target = new Target(clock, (index) => (index % 2 === 0 ? 50 : 80))
    const { fates, end } = await played(clock, target, { users: () => 1, page: 2, think: [100, 100], duration: 500 })
    assert.deepEqual(end, { stopped: false, late: 0 })
    // Nothing comes after the end.
    clock.advance(500)
    assert.deepEqual(
      target.sent.map((at) => at - 7000),
      [0, 0, 180, 180, 360, 360],
    )
    assert.deepEqual(
      fates.map(({ at, latency }) => [at, latency]),
      [
        [50, 50],
        [80, 80],
        [230, 50],
        [260, 80],
        [410, 50],
        [440, 80],
      ],
    )
    assert.equal(clock.pending, 0)
  })

  it('S3.11 offers what the interactive response time law says: users / (think + answer)', async () => {
    const clock = new VirtualClock()
    const target = new Target(clock, () => 50)
    await played(clock, target, { users: () => 70, think: [500, 1500], duration: 200_000, random: seeded(5) })
    const rate = target.sent.length / 200
    assert.ok(Math.abs(rate - 70 / 1.05) < 1, `${rate}`)
  })

  it('loses patience, asks anew, and counts from the first time', async () => {
    const clock = new VirtualClock()
    // The first two are never answered.
    const target = new Target(clock, (index) => (index < 2 ? undefined : 30))
    const options = { users: () => 1, think: [5000, 5000] as const, patience: 200, duration: 1000 }
    const { fates } = await played(clock, target, options)
    assert.deepEqual(
      fates.map(({ kind, latency }) => [kind, latency]),
      [
        ['timeout', 200],
        ['timeout', 400],
        ['served', 430],
      ],
    )
    assert.deepEqual([target.aborted, target.inflight], [2, 0])
  })

  it('tells served, refused, failed and broken apart, and reads what a gate says', async () => {
    const clock = new VirtualClock()
    const replies = [
      reply(200, '', { 'x-queue-wait-time': '0.250' }),
      reply(503, '{"error":{"code":"QUEUE_FULL"}}', { 'retry-after': '1' }),
      reply(503, 'busy'),
      reply(500),
      'ECONNRESET',
    ]
    const target = new Target(
      clock,
      () => 10,
      (index) => replies[index]!,
    )
    const { fates } = await played(clock, target, { users: () => 1, page: 5, think: [5000, 5000], duration: 100 })
    assert.deepEqual(
      fates.map(({ kind, reason, explained, waited }) => [kind, reason, explained, waited]),
      [
        ['served', undefined, true, 250],
        ['rejected', 'QUEUE_FULL', true, undefined],
        ['rejected', 'status 503', false, undefined],
        ['failed', 'status 500', true, undefined],
        ['error', 'ECONNRESET', true, undefined],
      ],
    )
  })

  it('follows the number of users up and down, and leaves nothing behind', async () => {
    const clock = new VirtualClock()
    const target = new Target(clock, () => 50)
    const users = (at: Millis): number => (at < 1000 ? (at / 1000) * 10 : at < 2000 ? 10 : 2)
    await played(clock, target, { users, think: [50, 50], duration: 3000 })
    const sent = (from: Millis, to: Millis): number => target.sent.filter((at) => at >= from && at < to).length
    assert.ok(sent(0, 100) < 10)
    assert.equal(sent(1200, 1900), 70)
    assert.equal(sent(2200, 2900), 14)
    assert.equal(target.inflight, 0)
    assert.equal(clock.pending, 0)
  })

  it('lets nobody stay beyond the end, not even who was leaving', async () => {
    const clock = new VirtualClock()
    const target = new Target(clock, () => undefined)
    const options = { users: (at: Millis): number => (at < 100 ? 3 : 1), patience: 60_000, duration: 500 }
    const { fates } = await played(clock, target, options)
    assert.deepEqual([fates.length, target.sent.length, target.inflight, clock.pending], [0, 3, 0, 0])
  })

  it('stops when told to, and tells nothing afterwards', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const target = new Target(clock, () => 50)
    let told = 0
    const options = { users: () => 3, duration: 1000, clock, signal: stop.signal }
    const run = closedLoop({ transport: target, ...options, onFate: () => told++ })
    clock.advance(60)
    stop.abort()
    clock.advance(1000)
    assert.equal((await run).stopped, true)
    assert.equal(told, 3)
    assert.equal(target.inflight, 0)
  })

  it('refuses what makes no sense', () => {
    const transport = new Target(new VirtualClock(), () => 1)
    const common = { transport, users: () => 1, duration: 1, onFate: (): void => {} }
    for (const [wrong, why] of [
      [{ page: 0 }, /page must be a whole number from 1, not 0/],
      [{ duration: 0 }, /duration must be above 0 ms, not 0/],
      [{ think: [2, 1] as const }, /think must be two times in order, not 2 to 1/],
      [{ patience: 0 }, /patience must be above 0 ms, not 0/],
    ] as const)
      assert.throws(() => closedLoop({ ...common, ...wrong }), why)
  })
})
