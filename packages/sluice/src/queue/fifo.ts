import { checkNumber, checkWhole, type Instant, type Millis, type RejectionCode } from '../ground/index.ts'
import { Line } from './line.ts'
import type { Queue, QueueDiscipline, Waiter } from './queue.ts'

export interface FifoOptions {
  /** How many may wait. A whole number of at least 0. Default 1000. */
  readonly capacity?: number
  /** The longest anybody waits, in ms. At least 0. Default 3000. */
  readonly maxWait?: Millis
}

/**
 * First in, first out, bounded in length and in time. Newcomers to a full queue are refused (tail drop).
 * Under lasting overload everybody who is served has waited close to the bound: keep `maxWait` well below what a
 * caller endures.
 * @throws RangeError for an option out of range
 */
export function fifo(options: FifoOptions = {}): QueueDiscipline {
  const capacity = checkWhole('fifo.capacity', options.capacity ?? 1000, 0)
  const maxWait = checkNumber('fifo.maxWait', options.maxWait ?? 3000, 0)
  return { name: 'fifo', maxWait, open: () => new Fifo(capacity) }
}

class Fifo<W extends Waiter> implements Queue<W> {
  readonly capacity: number
  readonly #line = new Line<W>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#line.size
  }

  rejects(): boolean {
    return this.#line.size >= this.capacity
  }

  push(waiter: W): W | undefined {
    if (this.#line.size >= this.capacity) return waiter
    this.#line.append(waiter)
    return undefined
  }

  pop(now: Instant, room: number, refuse: (waiter: W, code: RejectionCode) => void): W | undefined {
    for (;;) {
      const head = this.#line.head
      if (head === undefined) return undefined
      if (head.expires > now) {
        if (head.cost > room) return undefined
        this.#line.remove(head)
        return head
      }
      // Its timer is late, because the event loop was busy: serving it now would be work for nobody.
      this.#line.remove(head)
      refuse(head, head.expiry)
    }
  }

  remove(waiter: W): boolean {
    return this.#line.remove(waiter)
  }
}
