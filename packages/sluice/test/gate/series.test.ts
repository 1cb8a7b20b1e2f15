import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defineGate, fifo, semaphore, series, tally, when, type Gate, type GateCore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const clock = (): VirtualClock => new VirtualClock(5000)

const patient = (time: VirtualClock, permits: number, name: string): Gate =>
  semaphore({ permits, queue: fifo({ capacity: 10, maxWait: 1000 }), clock: time, name })

/** A gate that does one thing only. */
function gateThat(enter: GateCore['enter']): Gate {
  const { core } = semaphore({ permits: 1, name: 'inner' })
  return defineGate({ name: 'inner', pressure: core.pressure, stats: core.stats, enter, close() {} })
}

describe('series', () => {
  it('lets in who passes all, and counts it everywhere', () => {
    const [outer, inner] = [semaphore({ permits: 3, name: 'outer' }), semaphore({ permits: 2, name: 'inner' })]
    const gate = series(outer, inner)
    assert.equal(gate.name, 'outer>inner')
    const verdict = gate.tryEnter()
    assert.ok(verdict.admitted)
    assert.deepEqual([outer.stats.inflight, inner.stats.inflight], [1, 1])
    assert.deepEqual(gate.stats, { limit: 2, inflight: 1, queued: 0 })
    verdict.release('success')
    verdict.release('success')
    assert.deepEqual([outer.stats.inflight, inner.stats.inflight], [0, 0])
  })

  it('gives back what was taken further out when somebody further in refuses', () => {
    const [outer, inner] = [semaphore({ permits: 3, name: 'outer' }), semaphore({ permits: 1, name: 'inner' })]
    const gate = series(outer, inner)
    gate.tryEnter()
    const refused = gate.tryEnter()
    assert.ok(!refused.admitted)
    assert.equal(refused.gate, 'inner')
    assert.deepEqual([outer.stats.inflight, inner.stats.inflight], [1, 1])
  })

  it('gives back what was taken further out when somebody further in throws', () => {
    const outer = semaphore({ permits: 1 })
    const gate = series(
      outer,
      gateThat(() => {
        throw new RangeError('arrival.cost')
      }),
    )
    assert.throws(() => gate.tryEnter(), /arrival\.cost/)
    assert.equal(outer.stats.inflight, 0)
  })

  it('answers who waited further out when somebody further in throws', () => {
    const time = clock()
    const outer = patient(time, 1, 'outer')
    const first = outer.tryEnter()
    const broken = gateThat(() => {
      throw new RangeError('arrival.cost')
    })
    let answers = 0
    series(outer, broken).enter({}, () => answers++)
    if (first.admitted) first.release('success')
    assert.throws(() => time.advance(0), /arrival\.cost/)
    assert.equal(outer.stats.inflight, 0)
    assert.equal(answers, 1)
  })

  it('shares the patience between all its gates', () => {
    const time = clock()
    const [outer, inner] = [patient(time, 1, 'outer'), patient(time, 1, 'inner')]
    const [first, second] = [outer.tryEnter(), inner.tryEnter()]
    const said: string[] = []
    series(outer, inner).enter({ maxWait: 100 }, (verdict) =>
      said.push(verdict.admitted ? 'let in' : `${verdict.gate} ${verdict.code} ${time.now() - 5000}`),
    )
    time.advance(60)
    if (first.admitted) first.release('success')
    assert.deepEqual(
      [outer.stats, inner.stats].map((stats) => stats.queued),
      [0, 1],
    )
    time.advance(39)
    assert.deepEqual(said, [])
    time.advance(1)
    assert.deepEqual(said, ['inner queue_timeout 100'])
    assert.equal(outer.stats.inflight, 0)
    if (second.admitted) second.release('success')
  })

  it('adds up what was waited', () => {
    const time = clock()
    const [outer, inner] = [patient(time, 1, 'outer'), patient(time, 1, 'inner')]
    const [first, second] = [outer.tryEnter(), inner.tryEnter()]
    let waited = 0
    series(outer, inner).enter({}, (verdict) => (waited = verdict.admitted ? verdict.waited : -1))
    time.advance(30)
    if (first.admitted) first.release('success')
    time.advance(12)
    if (second.admitted) second.release('success')
    assert.equal(waited, 42)
  })

  it('cancels wherever the waiting has got to', () => {
    const time = clock()
    const [outer, inner] = [patient(time, 2, 'outer'), patient(time, 1, 'inner')]
    inner.tryEnter()
    const codes: string[] = []
    const waiting = series(outer, inner).enter({}, (verdict) => codes.push(verdict.admitted ? '' : verdict.code))
    assert.equal(outer.stats.inflight, 1)
    waiting?.cancel()
    assert.deepEqual(codes, ['cancelled'])
    assert.deepEqual([outer.stats.inflight, inner.stats.queued], [0, 0])
  })

  it('tells the observers of its gates', () => {
    const counts = tally()
    const gate = series(semaphore({ permits: 1, observer: counts }))
    const verdict = gate.tryEnter()
    if (verdict.admitted) verdict.release('success')
    assert.equal(counts.admissions, 1)
    assert.equal(counts.releasesBy.success, 1)
  })

  it('is as pressed as the worst of its gates, and says which', () => {
    const [outer, inner] = [semaphore({ permits: 10, name: 'outer' }), semaphore({ permits: 2, name: 'inner' })]
    const gate = series(outer, inner)
    gate.tryEnter()
    assert.deepEqual(gate.pressure.value, { level: 0.5, cause: 'inner' })
    for (let count = 0; count < 8; count++) outer.tryEnter()
    assert.deepEqual(gate.pressure.value, { level: 0.9, cause: 'outer' })
  })

  it('needs a gate', () => {
    assert.throws(() => series(...([] as unknown as [Gate])), RangeError)
  })
})

describe('when', () => {
  it('holds back only those it is for', () => {
    const inner = semaphore({ permits: 1, name: 'inner' })
    const gate = when((arrival) => arrival.priority === 0, inner)
    assert.equal(gate.name, 'inner')
    assert.ok(gate.tryEnter({ priority: 0 }).admitted)
    assert.equal(gate.tryEnter({ priority: 0 }).admitted, false)
    const free = gate.tryEnter()
    assert.ok(free.admitted)
    assert.equal(free.waited, 0)
    free.release('failure')
    free[Symbol.dispose]()
    assert.equal(inner.stats.inflight, 1)
  })
})
