import assert from 'node:assert/strict'
import { getEventListeners, setMaxListeners } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  adaptive,
  breaker,
  fifo,
  limiter,
  priority,
  semaphore,
  series,
  tally,
  tokenBucket,
  tokenBuckets,
  type Permit,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { forgets, staysWhileIdle } from '../limit/before-a-service.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The source of the library, file by file. */
const sources = (): { readonly name: string; readonly text: string }[] => {
  const folder = fileURLToPath(new URL('../../../src/', import.meta.url))
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('testing'))
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))
}

const naming = (pattern: RegExp): string[] => sources().flatMap(({ name, text }) => (pattern.test(text) ? [name] : []))

// Each of these is a fault of well-known naive versions, named at the end of the requirements.
describe('faults that Sluice must not have', () => {
  it('fault: a slot given back twice on error, until the counter is negative', async () => {
    const gate = semaphore({ permits: 2 })
    for (let call = 0; call < 3; call++) {
      await assert.rejects(
        gate.run(() => Promise.reject(new Error('broke'))),
        { message: 'broke' },
      )
      const permit = gate.tryEnter() as Permit
      try {
        using scope = permit
        scope.release('failure')
        throw new Error('broke')
      } catch {
        permit.release('failure')
      } finally {
        permit.release('success')
      }
      assert.deepEqual(gate.stats, { limit: 2, inflight: 0, queued: 0 })
    }
    const admitted = Array.from({ length: 10 }, () => gate.tryEnter()).filter((verdict) => verdict.admitted)
    assert.equal(admitted.length, 2)
  })

  it('fault: utilisation read from what is left', () => {
    const clock = new VirtualClock()
    const gates = [
      semaphore({ permits: 4, clock, queue: fifo() }),
      limiter({ clock, limit: adaptive({ min: 4, max: 4 }) }),
    ]
    for (const gate of gates) {
      const levels = [gate.pressure.value.level]
      for (let arrival = 0; arrival < 6; arrival++) {
        gate.enter({}, () => {})
        levels.push(gate.pressure.value.level)
      }
      assert.deepEqual(levels, [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5], gate.name)
    }
    const bucket = tokenBucket({ tokens: 10, capacity: 4, clock })
    assert.equal(bucket.pressure.value.level, 0)
    bucket.tryTake(3)
    assert.equal(bucket.pressure.value.level, 0.75)
  })

  it('fault: average wait divided by those here now, instead of by all', () => {
    const clock = new VirtualClock()
    const observer = tally()
    const gate = semaphore({ permits: 1, queue: fifo(), clock, observer })
    for (let arrival = 0; arrival < 4; arrival++)
      gate.enter({}, (verdict) => verdict.admitted && clock.after(100, () => verdict.release('success')))
    clock.advance(1000)
    // 0, 100, 200 and 300 ms, and nobody is here any more.
    assert.equal(gate.stats.inflight, 0)
    assert.equal(observer.averageWait, 150)
  })

  it('fault: queued decremented twice on timeout', async () => {
    for (const end of ['timeout', 'timeout and cancel', 'timeout and close', 'abort at the timeout'] as const) {
      const clock = new VirtualClock()
      const gate = semaphore({ permits: 1, queue: priority({ capacity: 10, maxWait: 50 }), clock })
      const permit = gate.tryEnter() as Permit
      const waiting = [gate.enter({}, () => {}), gate.enter({}, () => {})]
      const leaver = new AbortController()
      const promised = assert.rejects(gate.acquire({ signal: leaver.signal }))
      if (end === 'abort at the timeout') clock.after(50, () => leaver.abort())
      assert.equal(gate.stats.queued, 3)
      clock.advance(60)
      if (end === 'timeout and cancel') for (const one of waiting) one?.cancel()
      if (end === 'timeout and close') gate.close()
      leaver.abort()
      await promised
      assert.equal(gate.stats.queued, 0, end)
      permit.release('success')
      assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 0 }, end)
      if (end === 'timeout and close') continue
      gate.tryEnter()
      gate.enter({}, () => {})
      assert.equal(gate.stats.queued, 1, end)
    }
  })

  it('fault: a request token lost to one who is refused, or gives up, for want of model tokens', async () => {
    for (const end of ['refused', 'late', 'cancelled'] as const) {
      const clock = new VirtualClock()
      const requests = tokenBucket({ tokens: 60, per: 60_000, capacity: 3, clock })
      const tokens = tokenBucket({ tokens: 1000, per: 60_000, clock, queue: fifo({ maxWait: 100 }) })
      const gate = series(requests, tokens)
      tokens.tryTake(1000)
      const waiting = gate.enter({ cost: 3, maxWait: end === 'refused' ? 0 : 100 }, () => {})
      if (end === 'cancelled') waiting!.cancel()
      clock.advance(150)
      assert.equal(requests.available, 3, end)
      assert.equal(clock.pending, 0)
    }
  })

  it('S2.1 fault: a request token held while waiting for model tokens', () => {
    const clock = new VirtualClock()
    const requests = { tokens: 60, per: 60_000, capacity: 2 } as const
    const tokens = { tokens: 1000, per: 60_000 } as const
    const both = tokenBuckets({ buckets: { requests: { ...requests, takes: 'one' }, tokens }, clock })
    both.tryTake({ tokens: 1000 })
    both.enter({}, () => {})
    assert.equal(both.stats.queued, 1)
    assert.equal(both.status().requests.available, 1)

    const [outer, inner] = [tokenBucket({ ...requests, clock }), tokenBucket({ ...tokens, clock, queue: fifo() })]
    outer.tryTake()
    inner.tryTake(1000)
    series(outer, inner).enter({}, () => {})
    assert.equal(outer.available, 0, 'control: one after the other')
  })

  it('fault: over-use forgotten when the bucket is short, or when it has been full again meanwhile', () => {
    for (const pause of [0, 60_000]) {
      const clock = new VirtualClock()
      const bucket = tokenBucket({ tokens: 10, capacity: 5, clock })
      const permit = bucket.tryEnter({ cost: 5 }) as Permit
      clock.advance(pause)
      const before = bucket.available
      permit.release('success', 105)
      assert.equal(bucket.available, before - 100)
      assert.ok(!bucket.tryTake(1))
      assert.equal(bucket.available, before - 100, 'asking forgives nothing')
    }
  })

  it('S2.1 fault: over-use forgotten where one of several buckets is short', () => {
    for (const pause of [0, 60_000]) {
      const clock = new VirtualClock()
      const buckets = { requests: { tokens: 10, takes: 'one' }, tokens: { tokens: 10, capacity: 5 } } as const
      const gate = tokenBuckets({ buckets, clock })
      const permit = gate.tryEnter({ cost: 5 }) as Permit
      clock.advance(pause)
      const before = gate.status().tokens.available
      permit.release('success', 105)
      assert.equal(gate.status().tokens.available, before - 100)
      assert.ok(!gate.tryTake())
      assert.equal(gate.status().tokens.available, before - 100, 'asking forgives nothing')
    }
  })

  it('fault: a half-open breaker lets the whole herd in', async () => {
    const clock = new VirtualClock()
    const gate = breaker({ clock })
    gate.trip()
    clock.advance(30_000)
    let calls = 0
    const herd = Array.from({ length: 500 }, () => gate.run(async () => calls++).catch(() => {}))
    assert.equal(calls, 1)
    await Promise.all(herd)
    assert.equal(gate.state.value, 'closed')
  })

  staysWhileIdle(adaptive)
  forgets(adaptive, 20)

  it('fault: shift() on a huge array', () => {
    // That queues do not get slower as they get longer is counted in queue/depth.test.ts.
    // The ring of stream/ has a shift() of its own.
    const core = naming(/\.(shift|unshift)\(|\.splice\(0/).filter((name) =>
      /^(ground|measure|limit|queue|gate)\b/.test(name),
    )
    assert.deepEqual(core, [])
    assert.ok(naming(/class Line/).length > 0, 'control: the sources are read')
  })

  it('fault: timers and listeners left behind on timeout', async () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, queue: fifo({ maxWait: 1000 }), clock })
    const permit = gate.tryEnter() as Permit
    const { signal } = new AbortController()
    setMaxListeners(0, signal)
    const waits = Array.from({ length: 500 }, (_, index) =>
      assert.rejects(gate.acquire({ signal, maxWait: 1 + index }), { code: 'queue_timeout' }),
    )
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    assert.ok(clock.pending <= 10, `${clock.pending} timers for 500 who wait`)
    clock.advance(600)
    await Promise.all(waits)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    assert.equal(clock.pending, 0)
    permit.release('success')
  })

  it('fault: a caller who has left keeps its slot', async () => {
    const gate = semaphore({ permits: 1 })
    const leaver = new AbortController()
    const work = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
    const left = assert.rejects(gate.run(work, { signal: leaver.signal }))
    assert.equal(gate.stats.inflight, 1)
    leaver.abort()
    await left
    await turn()
    assert.equal(gate.stats.inflight, 0)
  })

  it('fault: a timeout by Promise.race, which leaves the work running', async () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, clock })
    let steps = 0
    const work = async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        steps++
        await turn()
      }
    }
    const late = assert.rejects(gate.run(work, { timeout: 10 }), { code: 'deadline' })
    clock.advance(10)
    await late
    await turn()
    const done = steps
    await turn()
    await turn()
    assert.equal(steps, done)
    assert.equal(gate.stats.inflight, 0)
    assert.deepEqual(naming(/Promise\.race\(/), [])
  })
})
