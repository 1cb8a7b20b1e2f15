import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, fixed, limiter, semaphore, type Gate, type QueueDiscipline, type Verdict } from '../../src/index.ts'
import type { Queue, Waiter } from '../../src/queue/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** First come, first served, but for what is said otherwise; `arrives` sees everybody who is put in. */
function otherwise(change: Partial<Queue>, arrives: (waiter: Waiter) => void = () => {}): QueueDiscipline {
  const discipline = fifo({ capacity: 2 })
  return {
    ...discipline,
    open: () => {
      const queue = discipline.open()
      const push = queue.push.bind(queue)
      const watched = (waiter: never, now: number): Waiter | undefined => {
        arrives(waiter)
        return push(waiter, now)
      }
      return Object.assign(queue, { push: watched }, change) as never
    },
  }
}

const gates = (queue: QueueDiscipline): readonly Gate[] => [
  semaphore({ permits: 1, queue, clock: new VirtualClock(1000) }),
  limiter({ limit: fixed(1), queue, clock: new VirtualClock(1000) }),
]

describe('waiting room: what it asks of a queue', () => {
  it('S1.4 whoever would come straight back is not even put in: a refusal costs no waiter', () => {
    let pushed = 0
    const counting = otherwise({}, () => void pushed++)
    for (const gate of gates(counting)) {
      gate.tryEnter()
      pushed = 0
      for (let count = 0; count < 5; count++) gate.enter({}, () => {})
      assert.equal(pushed, 2)
    }
  })

  it('a newcomer that the queue gives back is refused, and is nowhere', () => {
    for (const gate of gates(otherwise({ rejects: () => false, push: (waiter) => waiter }))) {
      gate.tryEnter()
      const said: Verdict[] = []
      assert.equal(
        gate.enter({}, (verdict) => said.push(verdict)),
        undefined,
      )
      const [refused] = said
      assert.ok(refused !== undefined && !refused.admitted)
      assert.deepEqual([said.length, refused.code, refused.load, refused.limit], [1, 'queue_full', 1, 2])
      assert.equal(gate.stats.queued, 0)
    }
  })

  it('S1.13 what work has cost in the end is told of those who waited, wherever they stood, and of nobody else', () => {
    const settled: (readonly number[])[] = []
    let place = 0
    const settling = otherwise({ settle: (...told) => void settled.push(told) }, (waiter) => (waiter.place = place))
    for (const gate of gates(settling)) {
      settled.length = 0
      for (const arrival of [{}, { maxWait: 5 }, { cost: 1 }]) {
        const permit = gate.tryEnter(arrival)
        assert.ok(permit.admitted)
        permit.release('success', 7)
      }
      assert.deepEqual(settled, [], 'these did not wait')
      for (place of [0, 3, -1]) {
        const first = gate.tryEnter()
        gate.enter({}, (verdict) => verdict.admitted && verdict.release('success', 7))
        assert.ok(first.admitted)
        first.release('success')
      }
      assert.deepEqual(settled, [
        [0, 1, 7],
        [3, 1, 7],
      ])
    }
  })

  it('a queue that does not want to hear of it need not', () => {
    const deaf = otherwise({}, (waiter) => (waiter.place = 0))
    for (const gate of gates(deaf)) {
      const first = gate.tryEnter()
      let served = false
      gate.enter({}, (verdict) => {
        if (!verdict.admitted) return
        verdict.release('success', 7)
        served = true
      })
      assert.ok(first.admitted)
      assert.doesNotThrow(() => first.release('success'))
      assert.ok(served)
      assert.equal(gate.stats.inflight, 0)
    }
  })
})
