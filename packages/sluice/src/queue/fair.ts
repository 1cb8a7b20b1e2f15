import { checkWhole, hashOf, Heap, mix, type Arrival, type Instant, type Millis } from '../ground/index.ts'
import { DrainRate } from './drain-rate.ts'
import type { Refuse } from './give-up.ts'
import { Line } from './line.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { Queue, QueueDiscipline, Waiter } from './queue.ts'
import { Standing } from './standing.ts'

export interface FairOptions extends QueueOptions {
  /**
   * How many lines there are: as many flows have one each, and beyond them they share. 20 B each, once somebody waits.
   * 1 to 65,536. Default 16,384.
   */
  readonly lines?: number
  /** Among how many of them each flow may look for one of its own. From 1 to 8 and at most `lines`. Default 4. */
  readonly hand?: number
  /**
   * Whether a queue that does not drain may stay as long as it is. False: bursts may wait, and a queue that stands is
   * kept just long enough to keep the slots busy; who is in it are those who have had least. Default true.
   */
  readonly standing?: boolean
}

/** Who asked for less than its share may have so many turns at once, later: arrivals come in clumps. */
const SAVED_TURNS = 3
/** Share of each new cost in what a turn usually costs. */
const SHARE = 1 / 16

/**
 * Every flow gets its share of the dispatches, by cost, however much it asks for: the flow that has had least is next. A
 * newcomer to a full queue pushes out whoever would have come last of all, unless that is itself.
 *
 * Each flow has a line of its own for as long as it has waiters or has had more than the others. It is found by its hash
 * in a hand of few among many lines, so that memory does not grow with the flows; only where all of its hand are taken
 * does it share the shortest of them (shuffle sharding), with whom it would not share the others.
 *
 * Virtual time and the settling of estimates at the end are those of Kubernetes' API Priority and Fairness (KEP-1040);
 * virtual time is due to Demers, Keshav and Shenker (1989). O(log lines) at any depth.
 * @throws RangeError for an option out of range
 */
export function fair(options: FairOptions = {}): QueueDiscipline {
  const { capacity, maxWait } = boundsOf('fair', options)
  const lines = checkWhole('fair.lines', options.lines ?? 16_384, 1, 65_536)
  const hand = checkWhole('fair.hand', options.hand ?? Math.min(4, lines), 1, Math.min(8, lines))
  const standing = options.standing ?? true
  return { name: 'fair', maxWait, open: () => new Fair(capacity, lines, hand, standing) }
}

/** A line in which somebody waits. */
class Share<W extends Waiter> extends Line<W> {
  readonly place: number
  /** Virtual time: the cost dispatched from here, on the common scale. */
  given: number
  /** The cost of those who wait. */
  asked = 0
  /** Place in the heap by what was given, and in the one by what will have been. */
  turn = -1
  rank = -1

  constructor(place: number, given: number) {
    super()
    this.place = place
    this.given = given
  }

  /** What will have been given once everybody in it has been let out. */
  get end(): number {
    return this.given + this.asked
  }
}

class Fair<W extends Waiter> implements Queue<W> {
  readonly #capacity: number
  readonly #count: number
  readonly #hand: number
  /** None where a queue may stand. */
  readonly #standing: Standing | undefined
  readonly #drain = new DrainRate()
  // One of each for every line, once somebody waits.
  /** Those in which somebody waits. */
  #shares: (Share<W> | undefined)[] = []
  /** What the others had been given when their last waiter left. */
  #given: Float64Array = new Float64Array(0)
  /** Whose it is: the hash of the flow. */
  #owner: Int32Array = new Int32Array(0)
  /** Lines with waiters, whoever has had least first. */
  readonly #turns = new Heap<Share<W>>(
    (a, b) => a.given < b.given,
    (share, at) => {
      share.turn = at
    },
  )
  /** The same lines, whoever is last of all first. */
  readonly #ends = new Heap<Share<W>>(
    (a, b) => a.end > b.end,
    (share, at) => {
      share.rank = at
    },
  )
  #size = 0
  /** The most that a line had been given when it was its turn: a line that wakes up starts little before this. */
  #virtual = 0
  /** What a turn costs, on average. */
  #typical = 1

  constructor(capacity: number, lines: number, hand: number, standing: boolean) {
    this.#capacity = capacity
    this.#count = lines
    this.#hand = hand
    this.#standing = standing ? undefined : new Standing()
  }

  get capacity(): number {
    return this.#standing === undefined ? this.#capacity : Math.min(this.#capacity, this.#standing.room)
  }

  get size(): number {
    return this.#size
  }

  limited(slots: number): void {
    this.#standing?.limited(slots)
  }

  idled(): void {
    this.#standing?.idled()
  }

  rejects(arrival: Arrival): boolean {
    if (this.#size < this.capacity || this.#mayPush(this.#placeOf(arrival.flow), arrival.cost ?? 1)) return false
    this.#standing?.turnedAway()
    return true
  }

  push(waiter: W, now: Instant): W | undefined {
    const place = this.#placeOf(waiter.flow)
    let loser: W | undefined
    if (this.#size >= this.capacity) {
      if (!this.#mayPush(place, waiter.cost)) return waiter
      loser = this.#ends.first!.tail!
      this.remove(loser)
      this.#standing?.turnedAway()
    }
    if (this.#size++ === 0) {
      this.#drain.resumed()
      this.#standing?.resumed(now, this.#drain.wait(1))
    }
    // As a small integer: what a hash gives is kept as a boxed double, 16 B for each waiter.
    waiter.place = place | 0
    const share = this.#shares[place] ?? this.#enter(place, waiter.flow)
    share.append(waiter)
    share.asked += waiter.cost
    this.#ends.update(share.rank)
    return loser
  }

  next(now: Instant, refuse: Refuse<W>): W | undefined {
    for (;;) {
      const head = this.#turns.first?.head
      if (head === undefined || head.expires > now) return head
      this.remove(head)
      refuse(head, head.expiry)
    }
  }

  take(waiter: W, now: Instant): void {
    const share = this.#shares[waiter.place]!
    this.#virtual = Math.max(this.#virtual, share.given)
    this.#typical += SHARE * (waiter.cost - this.#typical)
    share.given += waiter.cost
    this.remove(waiter)
    if (share.size > 0) this.#turns.update(share.turn)
    this.#drain.dispatched(now, this.#size > 0)
    this.#standing?.dispatched(now, this.#size, this.#drain.wait(1))
  }

  remove(waiter: W): boolean {
    const share = this.#shares[waiter.place]
    if (share === undefined || !share.remove(waiter)) return false
    this.#size--
    share.asked -= waiter.cost
    if (share.size > 0) this.#ends.update(share.rank)
    else this.#leave(share)
    return true
  }

  expectedWait(arrival: Arrival): Millis {
    const { first } = this.#turns
    if (first === undefined) return 0
    const behind = this.#endOf(this.#placeOf(arrival.flow)) - first.given
    if (behind < 0) return 0
    // Every line ahead is served about once for each of ours.
    const turns = behind / this.#typical + 1
    return this.#drain.wait(Math.min(this.#size, Math.round(turns * this.#turns.size)))
  }

  settle(place: number, estimated: number, actual: number): void {
    const more = actual - estimated
    const share = this.#shares[place]
    if (share !== undefined) {
      share.given += more
      this.#turns.update(share.turn)
      this.#ends.update(share.rank)
    } else if (place >= 0) this.#given[place]! += more
  }

  /** Somebody begins to wait in an empty line. */
  #enter(place: number, flow: string | undefined): Share<W> {
    this.#owner[place] = hashOf(flow ?? '')
    const share = new Share<W>(place, this.#startOf(place))
    this.#shares[place] = share
    this.#turns.push(share)
    this.#ends.push(share)
    return share
  }

  #leave(share: Share<W>): void {
    this.#turns.removeAt(share.turn)
    this.#ends.removeAt(share.rank)
    this.#given[share.place] = share.given
    this.#shares[share.place] = undefined
  }

  /** Where a line begins that wakes up: what it had too much counts, and hardly what it had too little. */
  #startOf(place: number): number {
    return Math.max(this.#given[place]!, this.#earliest)
  }

  get #earliest(): number {
    return this.#virtual - SAVED_TURNS * this.#typical
  }

  #endOf(place: number): number {
    return this.#shares[place]?.end ?? this.#startOf(place)
  }

  /** True when a newcomer to this line of a full queue comes before somebody, and may push it out. */
  #mayPush(place: number, cost: number): boolean {
    const last = this.#ends.first
    return last !== undefined && last.end > this.#endOf(place) + cost
  }

  /** The line of a flow: its own, or one of its hand that is nobody's, or the shortest of them. */
  #placeOf(flow: string | undefined): number {
    if (this.#shares.length === 0) this.#layOut()
    let hash = hashOf(flow ?? '')
    const owner = hash | 0
    let free: number | undefined
    let shortest: number | undefined
    for (let card = 0; card < this.#hand; card++) {
      if (card > 0) hash = mix(hash + card)
      const place = hash % this.#count
      const taken = this.#shares[place] !== undefined || this.#given[place]! > this.#earliest
      if (!taken) free ??= place
      else if (this.#owner[place] === owner) return place
      else if (shortest === undefined || this.#endOf(place) < this.#endOf(shortest)) shortest = place
    }
    return free ?? shortest!
  }

  #layOut(): void {
    this.#shares = Array.from({ length: this.#count }, () => undefined)
    this.#given = new Float64Array(this.#count).fill(-Infinity)
    this.#owner = new Int32Array(this.#count)
  }
}
