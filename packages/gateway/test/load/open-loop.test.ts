import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock, Millis } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { openLoop, type LiveSecond, type Receiver, type Reply, type Transport } from '../../src/load/index.ts'

function reply(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body, header: (name) => headers[name] }
}

/** A target in virtual time. */
class Target implements Transport {
  readonly sent: Millis[] = []
  aborted = 0
  readonly #clock: Clock
  readonly #latency: (index: number) => Millis | undefined
  readonly #answer: (receiver: Receiver) => void

  /**
   * @param latency of the request of that number; `undefined`: it is never answered
   * @param answer tells the receiver what became of it
   */
  constructor(clock: Clock, latency: (index: number) => Millis | undefined, answer: (receiver: Receiver) => void) {
    this.#clock = clock
    this.#latency = latency
    this.#answer = answer
  }

  send(receiver: Receiver): { abort(): void } {
    const latency = this.#latency(this.sent.length)
    if (latency !== undefined) this.#clock.after(latency, () => this.#answer(receiver))
    this.sent.push(this.#clock.now())
    return { abort: () => this.aborted++ }
  }

  close(): void {}
}

const ok = (receiver: Receiver): void => receiver.answered(reply(200))

describe('openLoop', () => {
  it('sends when due, whatever happens to what was sent before', async () => {
    const clock = new VirtualClock(5000)
    const target = new Target(clock, () => undefined, ok)
    const phases = [
      { name: 'slow', rate: 10, duration: 1000 },
      { name: 'fast', rate: 100, duration: 1000 },
    ]
    const run = openLoop({ transport: target, phases, clock })
    clock.advance(10_000)
    const report = await run
    assert.equal(target.sent.length, 110)
    assert.deepEqual(target.sent.slice(0, 3), [5000, 5100, 5200])
    assert.deepEqual(target.sent.slice(10, 13), [6000, 6010, 6020])
    assert.deepEqual(
      report.phases.map(({ name, offered, timeouts, late, punctual }) => ({ name, offered, timeouts, late, punctual })),
      [
        { name: 'slow', offered: 10, timeouts: 10, late: 0, punctual: true },
        { name: 'fast', offered: 100, timeouts: 100, late: 0, punctual: true },
      ],
    )
    assert.equal(target.aborted, 110)
    assert.equal(clock.pending, 0)
  })

  it('tells good from slow by the bound, and gives up at the timeout', async () => {
    const clock = new VirtualClock()
    // 1, 11, 21 … 1191 ms: fifty within 500, fifty more within 1000, and twenty never.
    const target = new Target(clock, (index) => index * 10 + 1, ok)
    const run = openLoop({ transport: target, phases: [{ name: 'x', rate: 120, duration: 1000 }], clock })
    clock.advance(5000)
    const [phase] = (await run).phases
    assert.deepEqual([phase?.good, phase?.slow, phase?.timeouts], [50, 50, 20])
    assert.equal(target.aborted, 20)
    assert.ok(phase)
    // Timeouts count with the time they were given, so that the percentiles cannot flatter.
    assert.ok(Math.abs(phase.admitted.p99 - 1000) < 2, `${phase.admitted.p99}`)
    assert.ok(Math.abs(phase.admitted.p50 - 590) < 12, `${phase.admitted.p50}`)
    assert.equal(phase.admitted.count, 120)
  })

  it('counts refusals by reason, apart from what was let in', async () => {
    const clock = new VirtualClock()
    const replies = [
      reply(503, '{"error":{"code":"QUEUE_FULL"}}', { 'retry-after': '1' }),
      reply(429, 'go away'),
      reply(500),
      reply(204),
    ]
    let next = 0
    const target = new Target(
      clock,
      () => 5,
      (receiver) => {
        if (next === 4) receiver.failed('ECONNREFUSED')
        else receiver.answered(replies[next]!)
        next = (next + 1) % 5
      },
    )
    const run = openLoop({ transport: target, phases: [{ name: 'x', rate: 50, duration: 1000 }], clock })
    clock.advance(2000)
    const [phase] = (await run).phases
    assert.equal(phase?.rejected, 20)
    assert.equal(phase.unexplained, 10)
    assert.equal(phase.failed, 10)
    assert.equal(phase.good, 10)
    assert.equal(phase.errors, 10)
    assert.deepEqual(phase.reasons, { QUEUE_FULL: 10, 'status 429': 10 })
    assert.deepEqual(phase.statuses, { 204: 10, 429: 10, 500: 10, 503: 10 })
    assert.deepEqual(phase.causes, { ECONNREFUSED: 10 })
    assert.equal(phase.refused.count, 20)
    assert.equal(phase.admitted.count, 10)
  })

  it('counts latency from the due time and marks what it sent late', async () => {
    const virtual = new VirtualClock()
    let heldUp = 0
    const clock: Clock = { now: () => virtual.now() + heldUp, after: (delay, run) => virtual.after(delay, run) }
    // The generator's own process stands still for 100 ms at the 500th request: coordinated omission, if it lets it.
    const latency = (index: number): Millis => {
      if (index === 500) heldUp = 100
      return 10
    }
    const target = new Target(clock, latency, ok)
    const run = openLoop({ transport: target, phases: [{ name: 'x', rate: 1000, duration: 1000 }], clock })
    virtual.advance(3000)
    const [phase] = (await run).phases
    assert.equal(phase?.offered, 1000)
    assert.ok(phase.late >= 78 && phase.late <= 80, `${phase.late}`)
    assert.equal(phase.punctual, false)
    assert.ok(phase.admitted.max >= 109 && phase.admitted.max < 112, `${phase.admitted.max}`)
    assert.ok(Math.abs(phase.admitted.p50 - 10) < 1)
  })

  it('writes off what it owes when it is behind by a whole timeout, and is punctual again', async () => {
    const virtual = new VirtualClock()
    let heldUp = 0
    const clock: Clock = { now: () => virtual.now() + heldUp, after: (delay, run) => virtual.after(delay, run) }
    const latency = (index: number): Millis => {
      if (index === 500) heldUp = 1200
      return 10
    }
    const target = new Target(clock, latency, ok)
    const run = openLoop({ transport: target, phases: [{ name: 'x', rate: 1000, duration: 2000 }], clock })
    virtual.advance(4000)
    const [phase] = (await run).phases
    assert.equal(phase?.offered, 2000)
    // 1200 came due meanwhile, and up to 11 before were still on their way.
    assert.ok(phase.timeouts >= 1199 && phase.timeouts <= 1212, `${phase.timeouts}`)
    assert.equal(phase.good, 2000 - phase.timeouts)
    assert.ok(Math.abs(target.sent.length - 800) <= 2, `${target.sent.length}`)
    assert.ok(phase.late >= 1175 && phase.late <= 1200, `${phase.late}`)
    assert.equal(phase.punctual, false)
  })

  it('counts by second within the phase, by due time', async () => {
    const clock = new VirtualClock()
    // Everything is answered 400 ms later, so half of what the last second counts comes after its end.
    const target = new Target(clock, () => 400, ok)
    const phases = [
      { name: 'a', rate: 10, duration: 1500 },
      { name: 'b', rate: 20, duration: 2000 },
    ]
    const live: LiveSecond[] = []
    const run = openLoop({ transport: target, phases, clock, onSecond: (second) => live.push(second) })
    clock.advance(10_000)
    const report = await run
    const good = report.phases.map(({ seconds }) => seconds.map((second) => second.good))
    assert.deepEqual(good, [
      [10, 5],
      [20, 20],
    ])
    // Live figures go by the clock instead.
    assert.deepEqual(
      live.map(({ at, phase, offered, good }) => [at, phase.name, offered, good]),
      [
        [1, 'a', 10, 7],
        [2, 'b', 15, 11],
        [3, 'b', 20, 20],
      ],
    )
    assert.ok(Math.abs((live[2]?.p99 ?? 0) - 400) < 1)
  })

  it('ends when the last answer is in, and not before its time is up', async () => {
    for (const [latency, end] of [
      [30, 1500],
      [700, 2100],
    ] as const) {
      const clock = new VirtualClock()
      const target = new Target(clock, () => latency, ok)
      const run = openLoop({ transport: target, phases: [{ name: 'x', rate: 10, duration: 1500 }], clock })
      clock.advance(end - 1)
      assert.notEqual(clock.pending, 0)
      clock.advance(1)
      assert.equal(clock.pending, 0)
      assert.equal((await run).phases[0]?.offered, 15)
    }
  })

  it('stops at once when told to, and leaves', async () => {
    const clock = new VirtualClock()
    const target = new Target(clock, () => undefined, ok)
    const stop = new AbortController()
    const phases = [{ name: 'x', rate: 10, duration: 10_000 }]
    const run = openLoop({ transport: target, phases, clock, signal: stop.signal })
    clock.advance(450)
    stop.abort()
    const report = await run
    assert.equal(report.stopped, true)
    assert.equal(target.aborted, 5)
    assert.equal(clock.pending, 0)
    clock.advance(1000)
    assert.equal(target.sent.length, 5)
  })

  it('does not begin when it was stopped before', async () => {
    const clock = new VirtualClock()
    const target = new Target(clock, () => 1, ok)
    const phases = [{ name: 'x', rate: 10, duration: 1000 }]
    const report = await openLoop({ transport: target, phases, clock, signal: AbortSignal.abort() })
    assert.equal(report.stopped, true)
    assert.equal(target.sent.length, 0)
  })
})
