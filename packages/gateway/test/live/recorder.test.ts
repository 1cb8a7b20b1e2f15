import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Rejection, systemClock } from 'sluice'
import type { Lane } from 'sluice/http'
import { Recorder, Second, type Recorded } from '../../src/live/index.ts'

function visitor(lane: Lane = 'normal', tenant?: string, target = '/x'): Recorded {
  return { lane, tenant, target, method: 'GET', began: systemClock.now() }
}

const none = (tenant: string | undefined): string => tenant ?? ''

describe('Recorder', () => {
  it('S1.14 counts who came, who was let in, who was turned away and why, by lane', () => {
    const recorder = new Recorder()
    const observer = recorder.observer((arrival) => arrival as Recorded)
    const high = visitor('high', 'acme')
    for (let i = 0; i < 4; i++) {
      observer.admitted?.(high as object, 5)
      observer.released?.(high as object, i === 0 ? 'failure' : 'success')
    }
    observer.rejected?.(visitor('low') as object, new Rejection('queue_full', 'default', 3, 2))
    observer.rejected?.(visitor('low') as object, new Rejection('cancelled', 'default', 3, 2))
    recorder.passed('critical')
    recorder.tick()
    const [tick] = recorder.history
    assert.deepEqual(tick?.lanes, { high: [4, 4], low: [0, 1], critical: [1, 1] })
    assert.deepEqual(tick.by, { queue_full: 1 })
    assert.ok(Math.abs(tick.shedPercent - 100 / 6) < 0.01)
    assert.ok(tick.wait50 >= 5 && tick.wait50 < 5.3)
    assert.ok(Math.abs(tick.good / tick.admitted - 3 / 5) < 0.01)
    assert.ok(recorder.figures().offered > 0)
    assert.equal(recorder.tenants.top(1)[0]?.tenant, 'acme')
    recorder.passed('critical')
    const { high: best, low, critical } = recorder.counted
    assert.deepEqual([best?.admitted, low?.rejected, critical?.admitted], [4, 1, 2])
  })

  it('S1.14 on trial whoever would have been refused came once, and came in', () => {
    const recorder = new Recorder()
    const observer = recorder.observer((arrival) => arrival as Recorded)
    const guest: object = { ...visitor('low', 'acme'), trial: true }
    for (let i = 0; i < 4; i++) {
      if (i > 0) observer.rejected?.(guest, new Rejection('queue_full', 'default', 3, 2))
      observer.admitted?.(guest, 0)
      observer.released?.(guest, 'success')
    }
    recorder.tick()
    const [tick] = recorder.history
    assert.deepEqual(tick?.lanes, { low: [4, 4] })
    assert.deepEqual([tick.by, tick.shedPercent, tick.good], [{ queue_full: 3 }, 75, tick.offered])
    const [{ offered, rejected } = { offered: 0, rejected: 0 }] = recorder.tenants.top(1)
    assert.ok(Math.abs(rejected / offered - 0.75) < 0.01, `${rejected} of ${offered}`)
  })

  it('S3.6 S1.14 who goes round the gate is seen to its end', () => {
    const recorder = new Recorder()
    for (const good of [true, true, true, false]) recorder.passed('critical')(good)
    recorder.tick()
    const [tick] = recorder.history
    assert.equal(tick!.ended, tick!.admitted)
    assert.ok(Math.abs(tick!.good / tick!.ended - 3 / 4) < 0.01)
  })

  it('S1.14 the seconds of several processes make one', () => {
    const whole = new Recorder()
    for (const lane of ['high', 'low'] as const) {
      const own = new Recorder()
      const observer = own.observer((arrival) => arrival as Recorded)
      for (let i = 0; i < 3; i++) observer.admitted?.(visitor(lane) as object, 5)
      observer.released?.({ ...visitor(lane), began: systemClock.now() - 100 } as object, 'success')
      observer.rejected?.(visitor(lane) as object, new Rejection('queue_full', 'default', 3, 2))
      whole.receive(Second.of(structuredClone(own.tick().data)))
    }
    whole.tick({ loop: 0.25, cpu: 1.5 })
    const [tick] = whole.history
    assert.deepEqual(tick?.lanes, { high: [3, 4], low: [3, 4] })
    assert.deepEqual(tick.by, { queue_full: 2 })
    assert.deepEqual([tick.shedPercent, tick.loop, tick.cpu], [25, 0.25, 1.5])
    assert.ok(tick.p50 >= 100 && tick.p50 < 110 && tick.wait99 >= 5 && tick.wait99 < 5.3)
    assert.ok(whole.lanes(undefined).every(({ p99 }) => p99 >= 100))
  })

  it('S3.6 S1.14 lanes stand in the order of their importance, whoever came first, and all of them where they have shares', () => {
    const recorder = new Recorder()
    for (const lane of ['low', 'high'] as const) recorder.passed(lane)
    const shown = (shares?: Record<Lane, number>): unknown =>
      recorder.lanes(shares).map(({ lane, share }) => [lane, share])
    assert.deepEqual(shown(), [
      ['high', 0],
      ['low', 0],
    ])
    assert.deepEqual(shown({ low: 1, normal: 4, high: 4, critical: 0 }), [
      ['critical', 0],
      ['high', 4],
      ['normal', 4],
      ['low', 1],
    ])
  })

  it('counts who passes where there is no gate, as long as they are there', () => {
    const recorder = new Recorder()
    const [first, second] = [recorder.ungated(), recorder.ungated()]
    assert.equal(recorder.figures().inflight, 2)
    first(true)
    recorder.tick()
    second(false)
    recorder.tick()
    assert.equal(recorder.figures().inflight, 0)
    const [before, after] = recorder.history
    assert.deepEqual([before!.good > 0, before!.ended > 0, before!.inflight], [true, true, 1])
    assert.deepEqual([after!.good, after!.ended > 0, after!.inflight], [0, true, 0])
  })

  it('remembers ten minutes and fifty refusals, and no more', () => {
    const recorder = new Recorder()
    for (let i = 0; i < 700; i++) recorder.tick()
    assert.equal(recorder.history.length, 600)
    for (let i = 0; i < 1000; i++)
      recorder.refused(
        visitor('normal', undefined, `/${i}${'x'.repeat(500)}?secret=1`),
        new Rejection('shed', 'a', 2, 1),
      )
    const rejections = recorder.rejections(none)
    assert.equal(rejections.length, 50)
    assert.match(rejections[0]!.path, /^\/999x+$/)
    assert.equal(rejections[0]!.path.length, 200)
    assert.match(rejections[0]!.because, /^a refused: it is not among what/)
    for (let i = 0; i < 500; i++) recorder.moved({ at: i, limit: 'a', from: 1, to: 2, reason: 'x' })
    assert.equal(recorder.moves.length, 200)
  })

  it('every figure of a snapshot survives JSON', () => {
    const recorder = new Recorder()
    recorder.tick()
    assert.deepEqual(JSON.parse(JSON.stringify(recorder.history)), recorder.history)
    assert.deepEqual(JSON.parse(JSON.stringify(recorder.figures())), recorder.figures())
    assert.equal(recorder.figures().limit, -1)
  })
})
