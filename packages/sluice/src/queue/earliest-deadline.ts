import { Heap, type Arrival, type Instant, type Millis } from '../ground/index.ts'
import { DrainRate } from './drain-rate.ts'
import type { Refuse } from './give-up.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { Queue, QueueDiscipline, Waiter } from './queue.ts'

/**
 * Earliest deadline first: who has least time left is next; those without a deadline count with the end of their
 * patience. Optimal while everybody can be served in time (Liu and Layland, 1973); under overload it serves those who are
 * nearly late: put it behind a limit that is found. O(log n).
 * @throws RangeError for an option out of range
 */
export function earliestDeadline(options: QueueOptions = {}): QueueDiscipline {
  const { capacity, maxWait } = boundsOf('earliestDeadline', options)
  return { name: 'earliest-deadline', maxWait, open: () => new EarliestDeadline(capacity) }
}

class EarliestDeadline<W extends Waiter> implements Queue<W> {
  readonly capacity: number
  readonly #drain = new DrainRate()
  readonly #heap = new Heap<W>(
    (a, b) => a.expires < b.expires || (a.expires === b.expires && a.since < b.since),
    (waiter, at) => {
      waiter.place = at
    },
  )

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#heap.size
  }

  rejects(): boolean {
    return this.#heap.size >= this.capacity
  }

  push(waiter: W): W | undefined {
    if (this.rejects()) return waiter
    if (this.#heap.size === 0) this.#drain.resumed()
    this.#heap.push(waiter)
    return undefined
  }

  next(now: Instant, refuse: Refuse<W>): W | undefined {
    for (;;) {
      const { first } = this.#heap
      if (first === undefined || first.expires > now) return first
      this.remove(first)
      refuse(first, first.expiry)
    }
  }

  take(waiter: W, now: Instant): void {
    this.remove(waiter)
    this.#drain.dispatched(now, this.#heap.size > 0)
  }

  remove(waiter: W): boolean {
    if (this.#heap.at(waiter.place) !== waiter) return false
    this.#heap.removeAt(waiter.place)
    waiter.place = -1
    return true
  }

  expectedWait(_arrival: Arrival): Millis {
    return this.#drain.wait(this.#heap.size)
  }
}
