import { checkNumber, ORDINARY, type Arrival, type Instant, type Millis } from '../ground/index.ts'
import { DrainRate } from './drain-rate.ts'
import { liveHead, type Refuse } from './give-up.ts'
import { Line } from './line.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { Queue, QueueDiscipline, Waiter } from './queue.ts'
import { Standing } from './standing.ts'

export interface PriorityOptions extends QueueOptions {
  /**
   * The share of dispatches that goes to the lowest class that waits, so that it never starves. From 0 to 0.5.
   * Default 0.05.
   */
  readonly trickle?: number
  /**
   * Whether a queue that does not drain may stay as long as it is. False: bursts may wait, and a queue that stands is
   * kept just long enough to keep the slots busy, so that those who are served are served soon and the others are
   * refused at once. Judged class by class: the important do not pay for a flood of the others. Default true.
   */
  readonly standing?: boolean
}

const HIGHEST = 3
const CLASSES = [0, 1, 2, HIGHEST] as const

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
  const standing = options.standing ?? true
  return { name: 'priority', maxWait, open: () => new Classes(capacity, trickle, standing) }
}

class Classes<W extends Waiter> implements Queue<W> {
  readonly #capacity: number
  readonly #trickle: number
  readonly #lines: readonly [Line<W>, Line<W>, Line<W>, Line<W>] = [new Line(), new Line(), new Line(), new Line()]
  /** For each class how a queue of it and all above it does; none where a queue may stand. */
  readonly #standing: readonly Standing[] | undefined
  readonly #drain = new DrainRate()
  /** What the lowest class is owed, in dispatches. */
  #owed = 0

  constructor(capacity: number, trickle: number, standing: boolean) {
    this.#capacity = capacity
    this.#trickle = trickle
    this.#standing = standing ? undefined : CLASSES.map(() => new Standing())
  }

  /** For an arrival of the lowest class: others may have more room. */
  get capacity(): number {
    return this.#roomOf(0)
  }

  get size(): number {
    const [a, b, c, d] = this.#lines
    return a.size + b.size + c.size + d.size
  }

  limited(slots: number): void {
    if (this.#standing !== undefined) for (const each of this.#standing) each.limited(slots)
  }

  idled(): void {
    if (this.#standing !== undefined) for (const each of this.#standing) each.idled()
  }

  rejects(arrival: Arrival): boolean {
    const priority = arrival.priority ?? ORDINARY
    if (!this.#full(priority) || this.#victimOf(priority) !== undefined) return false
    this.#turnedAway(priority)
    return true
  }

  push(waiter: W, now: Instant): W | undefined {
    let loser: W | undefined
    const full = this.#full(waiter.priority)
    if (full || this.#crowds(waiter.priority)) {
      const victim = this.#victimOf(waiter.priority)
      if (victim === undefined && full) return waiter
      if (victim !== undefined) {
        // Of its class the newest loses: it has waited least.
        loser = victim.tail!
        victim.remove(loser)
        this.#turnedAway(loser.priority)
      }
    } else if (this.size === 0) {
      this.#drain.resumed()
      if (this.#standing !== undefined) for (const each of this.#standing) each.resumed(now, this.#drain.wait(1))
    }
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
    const standing = this.#standing
    if (standing === undefined) return
    let left = 0
    for (let rank = HIGHEST; rank >= 0; rank--) {
      left += this.#lines[rank]!.size
      standing[rank]!.dispatched(now, left, this.#drain.wait(1), waiter.priority < rank)
    }
  }

  remove(waiter: W): boolean {
    return this.#lines[waiter.priority].remove(waiter)
  }

  expectedWait(arrival: Arrival): Millis {
    return this.#drain.wait(this.#from(arrival.priority ?? ORDINARY))
  }

  /** The head of the first class, from one end, that has somebody who is not too late. */
  #liveFrom(rank: number, direction: 1 | -1, now: Instant, refuse: Refuse<W>): W | undefined {
    for (let at = rank; at >= 0 && at <= HIGHEST; at += direction) {
      const head = liveHead(this.#lines[at]!, now, refuse)
      if (head !== undefined) return head
    }
    return undefined
  }

  /** How many of this class and those above it may wait. */
  #roomOf(rank: number): number {
    return this.#standing === undefined ? this.#capacity : Math.min(this.#capacity, this.#standing[rank]!.room)
  }

  /** How many of this class and those above it wait. */
  #from(rank: number): number {
    let count = 0
    for (let at = rank; at <= HIGHEST; at++) count += this.#lines[at]!.size
    return count
  }

  /** Whether there is no room for one more of this class. */
  #full(priority: number): boolean {
    if (this.size >= this.#capacity) return true
    return this.#from(priority) >= this.#roomOf(priority) && !this.#hasSparePlace(priority)
  }

  /** Whether one of the reserved places is free for it, and nobody above has to give one back for that. */
  #hasSparePlace(priority: number): boolean {
    if (this.#standing === undefined || !this.#mayReclaim(priority)) return false
    const above = this.#firstAbove(priority)
    return above <= HIGHEST && this.#from(above) < this.#roomOf(above)
  }

  /** Whether one more of this class is one too many for one below that waits. */
  #crowds(priority: number): boolean {
    let waiting = this.#from(priority)
    for (let rank = priority - 1; rank >= 0; rank--) {
      const { size } = this.#lines[rank]!
      waiting += size
      if (size > 0 && waiting >= this.#roomOf(rank)) return true
    }
    return false
  }

  /** Whose newest makes room in a full queue for a newcomer of this class; nobody where the newcomer must go. */
  #victimOf(priority: number): Line<W> | undefined {
    const lowest = this.#lowest()
    if (lowest > HIGHEST) return undefined
    if (this.#below(priority) > this.#reservedFor(lowest)) return this.#lines[lowest]
    // The places of the less important were only lent: whoever is least important of those above gives one back.
    return this.#mayReclaim(priority) ? this.#lines[this.#firstAbove(priority)] : undefined
  }

  /** Places from which the less important cannot be pushed out: a turn is worth nothing to who cannot stay. */
  #reservedFor(lowest: number): number {
    const share = Math.round(this.#trickle * this.#roomOf(lowest))
    return this.#standing === undefined || this.#trickle === 0 ? share : Math.max(1, share)
  }

  /** Whether this class and those below it hold less than their reserved places. */
  #mayReclaim(priority: number): boolean {
    const lowest = Math.min(this.#lowest(), priority)
    return this.#below(priority) + this.#lines[priority]!.size < this.#reservedFor(lowest)
  }

  /** How many less important ones wait. */
  #below(priority: number): number {
    let count = 0
    for (let rank = 0; rank < priority; rank++) count += this.#lines[rank]!.size
    return count
  }

  /** The least important class above this one that waits; one above the highest there is when none does. */
  #firstAbove(priority: number): number {
    let rank = priority + 1
    while (rank <= HIGHEST && this.#lines[rank]!.size === 0) rank++
    return rank
  }

  /** The lowest class that waits; one above the highest there is when nobody does. */
  #lowest(): number {
    let rank = 0
    while (rank <= HIGHEST && this.#lines[rank]!.size === 0) rank++
    return rank
  }

  #turnedAway(priority: number): void {
    if (this.#standing !== undefined) for (let rank = 0; rank <= priority; rank++) this.#standing[rank]!.turnedAway()
  }
}
