import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fifo, semaphore, type Gate, type QueueDiscipline } from '../../src/index.ts'
import type { VirtualClock } from '../../src/sim/index.ts'
import { constant, run, type PhaseResult } from '../sim/rig.ts'

const LONG = { capacity: 1000, maxWait: 2000 } as const

/** Twice what twenty slots of 50 ms can do, each answer good for half a second. */
function twice(discipline: QueueDiscipline): PhaseResult {
  return run({
    slots: 20,
    service: constant(50),
    settle: 3,
    gate: (clock: VirtualClock): Gate => semaphore({ permits: 20, queue: discipline, clock }),
    phases: [{ seconds: 20, rate: 800 }],
  })[0]!
}

/** A discipline with which a queue of a thousand keeps every slot useful; `inTime` has more to say of who is served. */
export function servesInTime(
  name: string,
  discipline: (options: typeof LONG) => QueueDiscipline,
  inTime: (result: PhaseResult) => void,
): void {
  it(name, () => {
    const result = twice(discipline(LONG))
    assert.ok(result.goodput > 0.9 * 400, `goodput ${result.goodput} of 400`)
    inTime(result)
  })

  it('control: first in, first out the same queue makes everybody late', () => {
    const result = twice(fifo(LONG))
    assert.ok(result.goodput < 0.05 * 400, `goodput ${result.goodput} of 400`)
  })
}
