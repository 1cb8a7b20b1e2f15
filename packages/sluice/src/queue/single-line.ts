import type { Arrival, Instant, Millis } from '../ground/index.ts'
import { DrainRate } from './drain-rate.ts'
import type { Refuse } from './give-up.ts'
import { Line } from './line.ts'
import type { Queue, Waiter } from './queue.ts'

/** Picks who is next from a line, giving up on whom it must; leaves them in. */
export type Pick<W extends Waiter> = (line: Line<W>, now: Instant, refuse: Refuse<W>) => W | undefined

/** A queue of one line with tail drop: disciplines differ in whom they pick. */
export class SingleLine<W extends Waiter> implements Queue<W> {
  readonly capacity: number
  readonly #line: Line<W> = new Line()
  readonly #pick: Pick<W>
  readonly #drain: DrainRate = new DrainRate()

  constructor(capacity: number, pick: Pick<W>) {
    this.capacity = capacity
    this.#pick = pick
  }

  get size(): number {
    return this.#line.size
  }

  rejects(): boolean {
    return this.#line.size >= this.capacity
  }

  push(waiter: W): W | undefined {
    if (this.#line.size >= this.capacity) return waiter
    if (this.#line.size === 0) this.#drain.resumed()
    this.#line.append(waiter)
    return undefined
  }

  next(now: Instant, refuse: Refuse<W>): W | undefined {
    return this.#pick(this.#line, now, refuse)
  }

  take(waiter: W, now: Instant): void {
    this.#line.remove(waiter)
    this.#drain.dispatched(now, this.#line.size > 0)
  }

  remove(waiter: W): boolean {
    return this.#line.remove(waiter)
  }

  expectedWait(_arrival: Arrival): Millis {
    return this.#drain.wait(this.#line.size)
  }
}
