import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  adaptiveLifo,
  codel,
  earliestDeadline,
  fair,
  fifo,
  lifo,
  priority,
  type Priority,
  type Queue,
  type QueueDiscipline,
  type RejectionCode,
} from '../../src/index.ts'
import type { Waiter } from '../../src/queue/index.ts'

/** How often a queue looks at or changes a waiter: work that does not depend on how busy the machine is. */
let touches = 0

class Touched implements Waiter {
  readonly cost = 1
  readonly priority: Priority
  readonly flow: string
  readonly since: number
  readonly expiry: RejectionCode = 'queue_timeout'
  readonly #expires: number
  #previous: Waiter | undefined
  #next: Waiter | undefined
  #place = -1

  constructor(index: number) {
    this.priority = (index % 4) as Priority
    // Few enough that each has several waiting at a thousand deep already: one alone in its line has no neighbours.
    this.flow = `tenant ${index % 100}`
    this.since = index / 1e6
    this.#expires = 10 + ((index * 7919) % 10_007)
  }

  get expires(): number {
    touches++
    return this.#expires
  }
  get previous(): Waiter | undefined {
    touches++
    return this.#previous
  }
  set previous(waiter: Waiter | undefined) {
    touches++
    this.#previous = waiter
  }
  get next(): Waiter | undefined {
    touches++
    return this.#next
  }
  set next(waiter: Waiter | undefined) {
    touches++
    this.#next = waiter
  }
  get place(): number {
    touches++
    return this.#place
  }
  set place(place: number) {
    touches++
    this.#place = place
  }
}

const waiters = Array.from({ length: 1_001_000 }, (_, index) => new Touched(index))

/** Touches for a push, a take, and a leaving from the middle, at a depth. */
function touchesAt(discipline: QueueDiscipline, depth: number, clears = true): number {
  const queue: Queue<Touched> = discipline.open()
  for (let index = 0; index < depth; index++) queue.push(waiters[index]!, 1)
  const refuse = (): never => assert.fail('nobody is late')
  const before = touches
  for (let round = 0; round < 500; round++) {
    queue.push(waiters[depth + round]!, 2)
    queue.take(queue.next(2, refuse)!, 2)
    queue.remove(waiters[(depth >> 1) + round]!)
  }
  const each = (touches - before) / 500
  if (clears) queue.next(Infinity, () => {})
  return each
}

/** What one would write first. */
const sorted: QueueDiscipline = {
  name: 'an array that is searched',
  maxWait: 1,
  open: <W extends Waiter>(): Queue<W> => {
    const line: W[] = []
    return {
      get size() {
        return line.length
      },
      capacity: Infinity,
      rejects: () => false,
      push: (waiter) => {
        waiter.place = line.push(waiter)
        return undefined
      },
      next: (now) => (now === Infinity ? line.splice(0)[-1] : line.find((waiter) => waiter.expires > now)),
      take: (waiter) => void line.splice(line.indexOf(waiter), 1),
      remove: (waiter) => {
        const at = line.findIndex((one) => one.place === waiter.place)
        if (at >= 0) line.splice(at, 1)
        return at >= 0
      },
    }
  },
}

const bounds = { capacity: 2_000_000 }
/** How much more a thousand times the depth may cost: nothing, or as the logarithm. */
const disciplines: readonly (readonly [QueueDiscipline, number])[] = [
  [fifo(bounds), 1.1],
  [lifo(bounds), 1.1],
  [adaptiveLifo(bounds), 1.1],
  [codel(bounds), 1.1],
  [priority(bounds), 1.1],
  // Clearing a heap of a million takes seconds: these are the last, and leave their waiters as they are.
  [earliestDeadline(bounds), 2.5],
  [fair(bounds), 1.3],
]

describe('S1.4 S0.1 a queue a million deep', () => {
  it('control: an array that is searched costs more the deeper it is', () => {
    const [shallow, deep] = [touchesAt(sorted, 1000), touchesAt(sorted, 10_000)]
    assert.ok(deep > 5 * shallow, `${shallow} touches at 1,000, ${deep} at 10,000`)
  })

  for (const [discipline, most] of disciplines)
    it(`S1.4 ${discipline.name} costs no more than ${most} times what it costs a thousand deep`, () => {
      const [shallow, deep] = [touchesAt(discipline, 1000), touchesAt(discipline, 1_000_000, most < 1.2)]
      assert.ok(deep <= most * shallow, `${shallow} touches at 1,000, ${deep} at 1,000,000`)
    })
})
