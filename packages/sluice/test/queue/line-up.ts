import type { Priority, Queue, QueueDiscipline, RejectionCode } from '../../src/index.ts'
import type { Waiter } from '../../src/queue/index.ts'

export interface Comer {
  readonly cost?: number
  readonly priority?: Priority
  readonly flow?: string
  readonly expires?: number
  readonly deadline?: boolean
}

/** One who waits, by name. */
export class Named implements Waiter {
  readonly name: string
  readonly cost: number
  readonly priority: Priority
  readonly flow: string | undefined
  readonly since: number
  readonly expires: number
  readonly expiry: RejectionCode
  previous: Waiter | undefined
  next: Waiter | undefined
  place = -1

  constructor(name: string, since: number, comer: Comer) {
    this.name = name
    this.since = since
    this.cost = comer.cost ?? 1
    this.priority = comer.priority ?? 2
    this.flow = comer.flow
    this.expires = comer.expires ?? Infinity
    this.expiry = comer.deadline === true ? 'deadline' : 'queue_timeout'
  }
}

/** A queue and a clock that is set by hand. */
export class LineUp {
  now: number
  readonly queue: Queue<Named>
  /** Who was refused while waiting, and why. */
  readonly refused: string[] = []

  constructor(discipline: QueueDiscipline, now: number = 1000) {
    this.queue = discipline.open()
    this.now = now
  }

  /** Somebody comes. Says who must go for that, if anybody. */
  push(name: string, comer: Comer = {}): string | undefined {
    return this.queue.push(new Named(name, this.now, comer), this.now)?.name
  }

  /** The same, and keeps hold of who came. */
  keep(name: string, comer: Comer = {}): Named {
    const waiter = new Named(name, this.now, comer)
    this.queue.push(waiter, this.now)
    return waiter
  }

  /** Lets the next one out. */
  take(): Named | undefined {
    const next = this.queue.next(this.now, (waiter, code) => this.refused.push(`${waiter.name}: ${code}`))
    if (next !== undefined) this.queue.take(next, this.now)
    return next
  }

  /** Lets so many out, or everybody; says who. */
  drain(count: number = Infinity): string[] {
    const names: string[] = []
    while (names.length < count) {
      const next = this.take()
      if (next === undefined) break
      names.push(next.name)
    }
    return names
  }
}
