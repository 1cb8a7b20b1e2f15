import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  fifo,
  semaphore,
  shadow,
  tokenBucket,
  type Gate,
  type Observer,
  type Outcome,
  type Permit,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** What an observer is told, in words. */
function log(): { readonly said: string[]; readonly observer: Observer } {
  const said: string[] = []
  return {
    said,
    observer: {
      admitted: (_arrival, waited) => said.push(`admitted after ${waited}`),
      rejected: (_arrival, { code }) => said.push(`rejected: ${code}`),
      released: (_arrival, outcome) => said.push(`released: ${outcome}`),
    },
  }
}

const slots = (clock: VirtualClock): Gate =>
  semaphore({ permits: 1, clock, queue: fifo({ capacity: 1, maxWait: 100 }) })

describe('a shadow', () => {
  it('S2.8 never refuses and never delays, whatever the gate behind it would do (control: it would)', () => {
    const clock = new VirtualClock()
    const inner = slots(clock)
    const { said, observer } = log()
    const gate = shadow(inner, observer)
    for (let arrival = 0; arrival < 50; arrival++) {
      let answered = false
      gate.enter({}, (verdict) => {
        answered = verdict.admitted && verdict.waited === 0
      })
      assert.ok(answered)
    }
    assert.equal(said.filter((line) => line === 'rejected: queue_full').length, 48)
    assert.ok(!inner.tryEnter().admitted, 'control')
  })

  it('S2.8 tells what the gate would have done, when it would have', () => {
    const clock = new VirtualClock()
    const { said, observer } = log()
    const gate = shadow(slots(clock), observer)
    const [first, second, third] = Array.from({ length: 3 }, () => gate.tryEnter()) as [Permit, Permit, Permit]
    assert.deepEqual(said, ['admitted after 0', 'rejected: queue_full'])
    clock.advance(30)
    first.release('success')
    assert.deepEqual(said.slice(2), ['released: success', 'admitted after 30'])
    second.release('failure')
    third.release('success')
    assert.deepEqual(said.slice(4), [], 'begun 30 ms later, it would have ended 30 ms later')
    clock.advance(30)
    assert.deepEqual(said.slice(4), ['released: failure'], 'whoever would have been refused is never let go')
  })

  it('S2.8 who would have given up waiting is told of as refused, though it works on', () => {
    const clock = new VirtualClock()
    const { said, observer } = log()
    const gate = shadow(slots(clock), observer)
    const first = gate.tryEnter() as Permit
    const second = gate.tryEnter() as Permit
    clock.advance(101)
    assert.deepEqual(said, ['admitted after 0', 'rejected: queue_timeout'])
    second.release('success')
    first.release('success')
    assert.deepEqual(said.slice(2), ['released: success'])
  })

  it('S2.8 whoever has ended before its turn would have come takes its turn all the same, for as long as it took', () => {
    const clock = new VirtualClock()
    const inner = slots(clock)
    const { said, observer } = log()
    const gate = shadow(inner, observer)
    const first = gate.tryEnter() as Permit
    const second = gate.tryEnter() as Permit
    clock.advance(10)
    second.release('success')
    assert.deepEqual(inner.stats, { limit: 1, inflight: 1, queued: 1 })
    clock.advance(20)
    first.release('success')
    assert.deepEqual(said.slice(1), ['released: success', 'admitted after 30'])
    assert.deepEqual(inner.stats, { limit: 1, inflight: 1, queued: 0 })
    clock.advance(10)
    assert.equal(said.at(-1), 'released: success')
    assert.deepEqual(inner.stats, { limit: 1, inflight: 0, queued: 0 })
  })

  it('S2.8 everything it takes behind the scenes comes back, whatever the order', () => {
    const step = fc.record({
      does: fc.constantFrom('enter', 'enter', 'end', 'tick'),
      who: fc.nat(),
      outcome: fc.constantFrom<Outcome>('success', 'failure', 'dropped', 'ignored'),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), (steps) => {
        const clock = new VirtualClock()
        const inner = semaphore({ permits: 2, clock, queue: fifo({ capacity: 3, maxWait: 50 }) })
        const told = { answers: 0, ends: 0, admitted: 0 }
        const gate = shadow(inner, {
          admitted: () => void (told.answers++, told.admitted++),
          rejected: () => told.answers++,
          released: () => told.ends++,
        })
        const permits: Permit[] = []
        let arrivals = 0
        for (const { does, who, outcome } of steps)
          if (does === 'enter') {
            const verdict = gate.tryEnter()
            assert.ok(verdict.admitted)
            permits.push(verdict)
            arrivals++
          } else if (does === 'tick') clock.advance(20)
          else permits[who % permits.length]?.release(outcome)
        for (const permit of permits) {
          permit.release('success')
          permit.release('success')
        }
        clock.advance(10_000)
        assert.deepEqual(inner.stats, { limit: 2, inflight: 0, queued: 0 })
        assert.equal(clock.pending, 0)
        assert.deepEqual(told, { answers: arrivals, ends: told.admitted, admitted: told.admitted })
      }),
      { numRuns: 300, seed: 4 },
    )
  })

  it('S2.8 a bucket behind it settles what the work really took', () => {
    const clock = new VirtualClock()
    const bucket = tokenBucket({ tokens: 10, capacity: 10, clock })
    const gate = shadow(bucket, {})
    const permit = gate.tryEnter({ cost: 4 }) as Permit
    permit.release('success', 6)
    assert.equal(bucket.available, 4)
  })

  it('S2.8 closing it closes nothing: the gate behind it may be in use elsewhere', () => {
    const inner = slots(new VirtualClock())
    const gate = shadow(inner, {})
    gate.close()
    assert.ok(gate.tryEnter().admitted)
    assert.equal(inner.stats.inflight, 1)
  })
})

describe('shadow of a gate that throws', () => {
  it('lets in what the gate cannot make sense of', () => {
    const gate = shadow(tokenBucket({ tokens: 1, capacity: 1, clock: new VirtualClock() }), {})
    assert.ok(gate.tryEnter({ cost: 5 }).admitted)
  })
})
