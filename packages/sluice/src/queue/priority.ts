import { checkNumber, ORDINARY, type Arrival, type Instant, type Millis } from '../ground/index.ts'
import { DrainRate } from './drain-rate.ts'
import { liveHead, type Refuse } from './give-up.ts'
import { Line } from './line.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { Queue, QueueDiscipline, Waiter } from './queue.ts'

export interface PriorityOptions extends QueueOptions {
  /**
   * The share of dispatches that goes to the lowest class that waits, so that it never starves. From 0 to 0.5.
   * Default 0.05.
   */
  readonly trickle?: number
}

const HIGHEST = 3

/**
 * The most important first, first come within a class. A newcomer to a full queue pushes out the newest of the least
 * important class below its own. A reserved share of the dispatches, and of the places, goes to the lowest class that
 * waits. Whoever cannot be reached before its deadline is refused as it comes, and whoever is late is given up when its
 * turn comes.
 *
 * Every operation costs O(classes), and there are four, at any depth.
 * @throws RangeError for an option out of range
 */
export function priority(options: PriorityOptions = {}): QueueDiscipline {
  const { capacity, maxWait } = boundsOf('priority', options)
  const trickle = checkNumber('priority.trickle', options.trickle ?? 0.05, 0, 0.5)
  return { name: 'priority', maxWait, open: () => new Classes(capacity, trickle) }
}

class Classes<W extends Waiter> implements Queue<W> {
  readonly capacity: number
  readonly #trickle: number
  /** Places from which the less important cannot be pushed out: a turn is worth nothing to who cannot stay. */
  readonly #reserved: number
  readonly #lines: readonly [Line<W>, Line<W>, Line<W>, Line<W>] = [new Line(), new Line(), new Line(), new Line()]
  readonly #drain = new DrainRate()
  /** What the lowest class is owed, in dispatches. */
  #owed = 0

  constructor(capacity: number, trickle: number) {
    this.capacity = capacity
    this.#trickle = trickle
    this.#reserved = Math.round(trickle * capacity)
  }

  get size(): number {
    const [a, b, c, d] = this.#lines
    return a.size + b.size + c.size + d.size
  }

  rejects(arrival: Arrival): boolean {
    return this.size >= this.capacity && this.#victimOf(arrival.priority ?? ORDINARY) === undefined
  }

  push(waiter: W): W | undefined {
    let loser: W | undefined
    if (this.size >= this.capacity) {
      const victim = this.#victimOf(waiter.priority)
      if (victim === undefined) return waiter
      // Of its class the newest loses: it has waited least.
      loser = victim.tail!
      victim.remove(loser)
    } else if (this.size === 0) this.#drain.resumed()
    this.#lines[waiter.priority].append(waiter)
    return loser
  }

  next(now: Instant, refuse: Refuse<W>): W | undefined {
    return this.#owed >= 1 ? this.#liveFrom(0, 1, now, refuse) : this.#liveFrom(HIGHEST, -1, now, refuse)
  }

  take(waiter: W, now: Instant): void {
    // Owed only where somebody lower stood by while somebody higher went.
    if (waiter.priority > this.#lowest()) this.#owed += this.#trickle
    // This one counts as well among those of which it is a share.
    else if (this.#owed >= 1) this.#owed -= 1 - this.#trickle
    this.#lines[waiter.priority].remove(waiter)
    this.#drain.dispatched(now, this.size > 0)
  }

  remove(waiter: W): boolean {
    return this.#lines[waiter.priority].remove(waiter)
  }

  expectedWait(arrival: Arrival): Millis {
    let ahead = 0
    for (let rank: number = arrival.priority ?? ORDINARY; rank <= HIGHEST; rank++) ahead += this.#lines[rank]!.size
    return this.#drain.wait(ahead)
  }

  /** The head of the first class, from one end, that has somebody who is not too late. */
  #liveFrom(rank: number, direction: 1 | -1, now: Instant, refuse: Refuse<W>): W | undefined {
    for (let at = rank; at >= 0 && at <= HIGHEST; at += direction) {
      const head = liveHead(this.#lines[at]!, now, refuse)
      if (head !== undefined) return head
    }
    return undefined
  }

  /** Whose newest makes room in a full queue for a newcomer of this class; nobody where the newcomer must go. */
  #victimOf(priority: number): Line<W> | undefined {
    const lowest = this.#lowest()
    let below = 0
    for (let rank = lowest; rank < priority; rank++) below += this.#lines[rank]!.size
    if (below > this.#reserved) return this.#lines[lowest]
    if (below + this.#lines[priority]!.size >= this.#reserved) return undefined
    // The places of the less important were only lent: whoever is least important of those above gives one back.
    for (let rank = priority + 1; rank <= HIGHEST; rank++) if (this.#lines[rank]!.size > 0) return this.#lines[rank]
    return undefined
  }

  /** The lowest class that waits; one above the highest there is when nobody does. */
  #lowest(): number {
    let rank = 0
    while (rank <= HIGHEST && this.#lines[rank]!.size === 0) rank++
    return rank
  }
}
