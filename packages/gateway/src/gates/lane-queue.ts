import type { Arrival, Instant, Millis, Priority, Queue, QueueDiscipline, RejectionCode, Waiter } from 'sluice'

/** What the lanes that meet a gate are sure of, as shares of 1. What is left of 1 is slack for `high`. */
export interface LaneQueueShares {
  readonly high: number
  readonly normal: number
  readonly low: number
}

export interface LaneQueueOptions {
  readonly shares: LaneQueueShares
  /** How many may wait, of all lanes together. */
  readonly capacity: number
  /** Who is next within a lane. Its capacity should be the same. */
  readonly within: QueueDiscipline
}

/**
 * Lanes with shares (requirement S3.6). When all want more than there is, of every hundred dispatches each lane gets its
 * share, and `high` what is over; a lane that nobody waits in lends its share, and has it back with its next waiter: it
 * saves nothing up and owes nothing. Of a full queue the newest of the lane goes that is furthest beyond its share of the
 * places. Deficit round robin (Shreedhar and Varghese, 1995), with what is over going to the most important.
 */
export function laneQueue({ shares, capacity, within }: LaneQueueOptions): QueueDiscipline {
  return {
    name: `lanes of ${within.name}`,
    maxWait: within.maxWait,
    open: <W extends Waiter>(): Queue<W> => {
      const lanes = [shares.low, shares.normal, shares.high].map((share) => new LaneLine<W>(share, within.open<W>()))
      return new Lanes(lanes, capacity)
    },
  }
}

/** One lane: its queue, and who came last. */
class LaneLine<W extends Waiter> {
  readonly share: number
  readonly queue: Queue<W>
  /** Dispatches it is owed. */
  credit = 0
  readonly #here = new Set<W>()
  /** In the order in which they came, with some who have left. */
  #stack: W[] = []

  constructor(share: number, queue: Queue<W>) {
    this.share = share
    this.queue = queue
  }

  get size(): number {
    return this.#here.size
  }

  push(waiter: W, now: Instant): W | undefined {
    const loser = this.queue.push(waiter, now)
    if (loser === waiter) return loser
    if (loser !== undefined) this.#here.delete(loser)
    this.#here.add(waiter)
    this.#stack.push(waiter)
    if (this.#stack.length > 2 * this.#here.size + 16) this.#stack = this.#stack.filter((each) => this.#here.has(each))
    return loser
  }

  /** Takes out whoever came last. */
  evict(): W | undefined {
    for (;;) {
      const last = this.#stack.pop()
      if (last === undefined) return undefined
      if (this.remove(last)) return last
    }
  }

  remove(waiter: W): boolean {
    if (!this.#here.delete(waiter)) return false
    this.queue.remove(waiter)
    return true
  }

  /** Noted as gone: the queue has let it go already. */
  gone(waiter: W): void {
    this.#here.delete(waiter)
  }
}

const [LOW, NORMAL, HIGH] = [0, 1, 2] as const

/** Lowest first. */
class Lanes<W extends Waiter> implements Queue<W> {
  readonly capacity: number
  readonly #lanes: readonly LaneLine<W>[]

  constructor(lanes: readonly LaneLine<W>[], capacity: number) {
    this.#lanes = lanes
    this.capacity = capacity
  }

  get size(): number {
    let size = 0
    for (const lane of this.#lanes) size += lane.size
    return size
  }

  rejects(arrival: Arrival): boolean {
    const own = this.#laneOf(arrival.priority)
    return own.queue.rejects(arrival) || (this.size >= this.capacity && this.#widest(own) === own)
  }

  push(waiter: W, now: Instant): W | undefined {
    const own = this.#laneOf(waiter.priority)
    if (this.size < this.capacity) return own.push(waiter, now)
    const widest = this.#widest(own)
    if (widest === own) return waiter
    const loser = widest.evict()
    const other = own.push(waiter, now)
    // Its own lane may have had no place either: then the one that made room has lost it in vain, and the newcomer goes.
    if (other === undefined || loser === undefined) return other ?? loser
    widest.push(loser, now)
    return other
  }

  next(now: Instant, refuse: (waiter: W, code: RejectionCode) => void): W | undefined {
    for (;;) {
      const lane = this.#due()
      if (lane === undefined) return undefined
      const head = lane.queue.next(now, (waiter, code) => {
        lane.gone(waiter)
        refuse(waiter, code)
      })
      if (head !== undefined) return head
      // Whoever waited there was too late; a line that says otherwise must not be asked for ever.
      if (lane.size > 0) return undefined
    }
  }

  take(waiter: W, now: Instant): void {
    const own = this.#laneOf(waiter.priority)
    for (const lane of this.#lanes) lane.credit = lane.size === 0 ? 0 : lane.credit + lane.share
    own.credit = Math.max(0, own.credit - 1)
    own.gone(waiter)
    own.queue.take(waiter, now)
  }

  remove(waiter: W): boolean {
    return this.#laneOf(waiter.priority).remove(waiter)
  }

  expectedWait(arrival: Arrival): Millis {
    return this.#laneOf(arrival.priority).queue.expectedWait?.(arrival) ?? 0
  }

  limited(slots: number): void {
    for (const { queue } of this.#lanes) queue.limited?.(slots)
  }

  idled(): void {
    for (const { queue } of this.#lanes) queue.idled?.()
  }

  /** The lane to serve: one that is owed a whole dispatch, else the most important that waits. */
  #due(): LaneLine<W> | undefined {
    let owed: LaneLine<W> | undefined
    let best: LaneLine<W> | undefined
    for (const lane of this.#lanes) {
      if (lane.size === 0) continue
      best = lane
      // What is added up in tenths is never quite one.
      if (lane.credit > 1 - 1e-9 && lane.credit > (owed?.credit ?? 0)) owed = lane
    }
    return owed ?? best
  }

  /** The lane furthest beyond its share of the places if one more came to `own`; of two the less important. */
  #widest(own: LaneLine<W>): LaneLine<W> {
    let widest = own
    let most = -Infinity
    for (const lane of this.#lanes) {
      const size = lane.size + (lane === own ? 1 : 0)
      const beyond = size - lane.share * this.capacity
      if (size > 0 && beyond > most) [widest, most] = [lane, beyond]
    }
    return widest
  }

  #laneOf(priority: Priority = 2): LaneLine<W> {
    return this.#lanes[priority === 3 ? HIGH : priority === 2 ? NORMAL : LOW]!
  }
}
