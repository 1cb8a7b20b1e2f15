import { checkWhole, hashOf, Heap, mix, type Arrival, type Instant, type Millis } from '../ground/index.ts'
import { DrainRate } from './drain-rate.ts'
import type { Refuse } from './give-up.ts'
import { Line } from './line.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { Queue, QueueDiscipline, Waiter } from './queue.ts'

export interface FairOptions extends QueueOptions {
  /** How many lines the flows are dealt to: memory, whatever the number of flows. 1 to 65,536. Default 512. */
  readonly lines?: number
  /** How many of them each flow may use; it takes the shortest. From 1 to 8 and at most `lines`. Default 4. */
  readonly hand?: number
}

/**
 * Every flow gets its share of the dispatches, by cost, however much it asks for: the line that has had least is next.
 * Flows are dealt to a fixed number of lines by shuffle sharding, so that memory does not grow with them and a flood
 * by one meets a quiet one in all of its lines only with a tiny probability. A newcomer to a full queue pushes out the
 * newest of the longest line, unless that is its own.
 *
 * Virtual time and the settling of estimates at the end are those of Kubernetes' API Priority and Fairness (KEP-1040);
 * virtual time is due to Demers, Keshav and Shenker (1989). O(log lines) at any depth.
 * @throws RangeError for an option out of range
 */
export function fair(options: FairOptions = {}): QueueDiscipline {
  const { capacity, maxWait } = boundsOf('fair', options)
  const lines = checkWhole('fair.lines', options.lines ?? 512, 1, 65_536)
  const hand = checkWhole('fair.hand', options.hand ?? Math.min(4, lines), 1, Math.min(8, lines))
  return { name: 'fair', maxWait, open: () => new Fair(capacity, lines, hand) }
}

/** One line of waiters, and how much it has been given. */
class Share<W extends Waiter> {
  readonly line: Line<W> = new Line()
  /** Virtual time: the cost dispatched from here, on the common scale. */
  given = 0
  /** Place in the heap of lines with waiters, by virtual time; and in the one by length. */
  turn = -1
  length = -1
}

class Fair<W extends Waiter> implements Queue<W> {
  readonly capacity: number
  readonly #shares: readonly Share<W>[]
  readonly #hand: number
  readonly #drain = new DrainRate()
  /** Lines with waiters, whoever has had least first. */
  readonly #turns = new Heap<Share<W>>(
    (a, b) => a.given < b.given,
    (share, at) => {
      share.turn = at
    },
  )
  /** The same lines, the longest first. */
  readonly #longest = new Heap<Share<W>>(
    (a, b) => a.line.size > b.line.size,
    (share, at) => {
      share.length = at
    },
  )
  #size = 0
  /** What the line served last had been given: a line that wakes up starts here, not with what it once saved. */
  #virtual = 0

  constructor(capacity: number, lines: number, hand: number) {
    this.capacity = capacity
    this.#hand = hand
    this.#shares = Array.from({ length: lines }, () => new Share<W>())
  }

  get size(): number {
    return this.#size
  }

  rejects(arrival: Arrival): boolean {
    return this.#size >= this.capacity && !this.#mayPush(this.#shareOf(arrival.flow))
  }

  push(waiter: W): W | undefined {
    const place = this.#shareOf(waiter.flow)
    let loser: W | undefined
    if (this.#size >= this.capacity) {
      if (!this.#mayPush(place)) return waiter
      loser = this.#longest.first!.line.tail!
      this.remove(loser)
    }
    const share = this.#shares[place]!
    // As a small integer: what a hash gives is kept as a boxed double, 16 B for each waiter.
    waiter.place = place | 0
    share.line.append(waiter)
    if (this.#size++ === 0) this.#drain.resumed()
    if (share.line.size === 1) {
      share.given = Math.max(share.given, this.#virtual)
      this.#turns.push(share)
      this.#longest.push(share)
    } else this.#longest.update(share.length)
    return loser
  }

  next(now: Instant, refuse: Refuse<W>): W | undefined {
    for (;;) {
      const head = this.#turns.first?.line.head
      if (head === undefined || head.expires > now) return head
      this.remove(head)
      refuse(head, head.expiry)
    }
  }

  take(waiter: W, now: Instant): void {
    const share = this.#shares[waiter.place]!
    this.#virtual = share.given
    share.given += waiter.cost
    share.line.remove(waiter)
    this.#size--
    this.#shrunk(share)
    if (share.line.size > 0) this.#turns.update(share.turn)
    this.#drain.dispatched(now, this.#size > 0)
  }

  remove(waiter: W): boolean {
    const share = this.#shares[waiter.place]
    if (share === undefined || !share.line.remove(waiter)) return false
    this.#size--
    this.#shrunk(share)
    return true
  }

  expectedWait(arrival: Arrival): Millis {
    // Every line ahead is served about once for each of ours.
    const own = this.#shares[this.#shareOf(arrival.flow)]!.line.size + 1
    return this.#drain.wait(Math.min(this.#size, own * Math.max(1, this.#turns.size)))
  }

  settle(place: number, estimated: number, actual: number): void {
    const share = this.#shares[place]
    if (share === undefined) return
    share.given += actual - estimated
    if (share.line.size > 0) this.#turns.update(share.turn)
  }

  #shrunk(share: Share<W>): void {
    if (share.line.size === 0) this.#leave(share)
    else this.#longest.update(share.length)
  }

  #leave(share: Share<W>): void {
    this.#turns.removeAt(share.turn)
    this.#longest.removeAt(share.length)
    share.turn = -1
    share.length = -1
  }

  /** True when a newcomer to this line of a full queue has somebody in a longer line to push out. */
  #mayPush(place: number): boolean {
    const longest = this.#longest.first
    return longest !== undefined && longest.line.size > this.#shares[place]!.line.size + 1
  }

  /** Deals a hand by the hash of the flow and takes the shortest of its lines. */
  #shareOf(flow: string | undefined): number {
    let hash = hashOf(flow ?? '')
    let best = hash % this.#shares.length
    for (let card = 1; card < this.#hand; card++) {
      hash = mix(hash + card)
      const place = hash % this.#shares.length
      if (this.#shares[place]!.line.size < this.#shares[best]!.line.size) best = place
    }
    return best
  }
}
