import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, fixed, limiter, semaphore, type Gate, type Permit, type QueueDiscipline } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** First come, first served, by a queue that notes what it is told of the slots. */
function listening(): { readonly told: (number | 'idled')[]; readonly queue: QueueDiscipline } {
  const told: (number | 'idled')[] = []
  const discipline = fifo({ maxWait: 100 })
  return {
    told,
    queue: {
      ...discipline,
      open: () =>
        Object.assign(discipline.open(), {
          limited: (slots: number): void => void told.push(slots),
          idled: (): void => void told.push('idled'),
        }) as never,
    },
  }
}

const take = (gate: Gate, count: number): Permit[] =>
  Array.from({ length: count }, () => {
    const verdict = gate.tryEnter()
    assert.ok(verdict.admitted)
    return verdict
  })

describe('S1.4 what a queue is told of the slots before which it stands', () => {
  it('how many there are, as it is opened', () => {
    for (const make of [
      (queue: QueueDiscipline): Gate => semaphore({ permits: 7, queue, clock: new VirtualClock(1000) }),
      (queue: QueueDiscipline): Gate => limiter({ limit: fixed(7), queue, clock: new VirtualClock(1000) }),
    ]) {
      const { told, queue } = listening()
      make(queue)
      assert.deepEqual(told, [7])
    }
  })

  it('that one fell free and nobody was there to take it: the first, not every further one', () => {
    const { told, queue } = listening()
    const gate = limiter({ limit: fixed(3), queue, clock: new VirtualClock(1000) })
    const permits = take(gate, 3)
    told.length = 0
    permits[0]!.release('success')
    assert.deepEqual(told, ['idled'])
    permits[1]!.release('success')
    permits[2]!.release('success')
    assert.deepEqual(told, ['idled'], 'two and three are free: not enough come, and no queue would help')
    take(gate, 3)[0]!.release('success')
    assert.deepEqual(told, ['idled', 'idled'], 'and again')
  })

  it('nothing where somebody was there to take it', () => {
    const { told, queue } = listening()
    const gate = limiter({ limit: fixed(2), queue, clock: new VirtualClock(1000) })
    const permits = take(gate, 2)
    let served = 0
    for (let count = 0; count < 2; count++) gate.enter({}, () => served++)
    told.length = 0
    for (const permit of permits) permit.release('success')
    assert.equal(served, 2)
    assert.deepEqual(told, [])
  })

  it('nothing where whoever waits does not fit: it is taken', () => {
    const { told, queue } = listening()
    const gate = limiter({ limit: fixed(3), queue, clock: new VirtualClock(1000) })
    const permits = take(gate, 3)
    gate.enter({ cost: 3 }, () => {})
    told.length = 0
    permits[0]!.release('success')
    assert.equal(gate.stats.queued, 1)
    assert.deepEqual(told, [])
  })

  it('the same where the last who waited has left meanwhile', () => {
    const clock = new VirtualClock(1000)
    for (const gateOf of [
      (queue: QueueDiscipline): Gate => limiter({ limit: fixed(2), queue, clock }),
      (queue: QueueDiscipline): Gate => semaphore({ permits: 2, queue, clock }),
    ]) {
      const { told, queue } = listening()
      const gate = gateOf(queue)
      take(gate, 1)
      const wide = gate.enter({ cost: 2 }, () => {})
      told.length = 0
      wide!.cancel()
      assert.deepEqual(told, ['idled'])
    }
  })

  it('how many there are, as often as that changes', () => {
    const { told, queue } = listening()
    const clock = new VirtualClock(1000)
    const limits = [2, 4.7, 4.7, 0.2]
    const until = { samples: 1, error: 1, atLeast: 0, atMost: 1 }
    const step = (): { state: null; limit: number; reason: string; until: typeof until } => ({
      state: null,
      limit: limits.shift()!,
      reason: 'told',
      until,
    })
    const gate = limiter({ limit: { name: 'told', init: step, step }, queue, clock })
    for (let count = 0; count < 3; count++) {
      const [permit] = take(gate, 1)
      clock.advance(10)
      permit!.release('success')
    }
    assert.deepEqual(
      told.filter((each) => each !== 'idled'),
      [2, 4, 1],
    )
    assert.equal(gate.stats.limit, 1)
  })
})
