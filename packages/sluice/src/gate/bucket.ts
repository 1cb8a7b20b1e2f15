import {
  Rejection,
  Source,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'
import type { ForwardTime } from './forward-time.ts'
import type { GateCore, GateStats, Verdict, Waiting } from './gate.ts'
import { costOf, isLate } from './waiter.ts'
import { WaitingRoom, type RoomKeeper } from './waiting-room.ts'

/** What all buckets of a kind share, so that a bucket for each of a million keys is small. */
export interface BucketRule {
  readonly name: string
  readonly clock: Clock
  readonly time: ForwardTime
  /** The most tokens that can be saved up. */
  readonly capacity: number
  /** Ms for one token to come back. */
  readonly interval: Millis
  /** Who waits. */
  readonly discipline: QueueDiscipline
  /** False: nobody waits unless it insists. */
  readonly patient: boolean
  readonly extras: BucketExtras
}

/** A weak map that knows whether it was ever used: nearly never, and then asking it costs nothing. */
export class BucketExtras {
  used = false
  readonly #map = new WeakMap<Bucket, Extras>()

  get(bucket: Bucket): Extras | undefined {
    return this.#map.get(bucket)
  }

  set(bucket: Bucket, extras: Extras): void {
    this.used = true
    this.#map.set(bucket, extras)
  }
}

/** What only few buckets need: those where somebody has waited, that were closed, or whose pressure was asked for. */
interface Extras {
  room: WaitingRoom | undefined
  timer: Timer | undefined
  serving: boolean
  closed: boolean
  pressure: Source<Pressure> | undefined
}

/**
 * A token bucket that remembers one number: when it would be full if nobody came any more. That is the generic cell rate
 * algorithm (ITU-T I.371): nothing is counted up as time passes, so nothing drifts.
 */
export class Bucket implements GateCore, RoomKeeper {
  // Two fields and no more: there may be a million of these.
  readonly #rule: BucketRule
  #fullAt: Instant = -Infinity

  constructor(rule: BucketRule) {
    this.#rule = rule
  }

  get name(): string {
    return this.#rule.name
  }

  get pressure(): Source<Pressure> {
    return (this.#extras.pressure ??= new Source(
      () => ({
        level: 1 - this.available(this.time) / this.#rule.capacity,
        cause: this.name,
      }),
      this.#rule.clock,
    ))
  }

  get stats(): GateStats {
    return { limit: Infinity, inflight: 0, queued: this.#known?.room?.size ?? 0 }
  }

  get clock(): Clock {
    return this.#rule.clock
  }

  get atRest(): boolean {
    return this.#fullAt <= this.time && this.stats.queued === 0
  }

  /** Now, on the axis that never goes back. */
  get time(): Instant {
    const { clock, time } = this.#rule
    return time.of(clock.now())
  }

  sibling(): Bucket {
    return new Bucket(this.#rule)
  }

  /** Tokens at hand; below 0 while in debt. */
  available(time: Instant): number {
    const { capacity, interval } = this.#rule
    return capacity - Math.max(0, this.#fullAt - time) / interval
  }

  /** How long until so many are at hand. */
  timeUntil(tokens: number, time: Instant): Millis {
    const { capacity, interval } = this.#rule
    return Math.max(0, this.#fullAt - time - (capacity - tokens) * interval)
  }

  /** What it takes. @throws RangeError where that can never be met */
  check(arrival: Arrival): number {
    const { capacity, name } = this.#rule
    const cost = costOf(arrival)
    if (cost > capacity)
      throw new RangeError(`arrival.cost: expected at most ${capacity}, the capacity of ${name}, got ${cost}`)
    return cost
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    return this.request(arrival, mayWait && this.#rule.patient)
  }

  /** The same for those who insist on waiting. @throws RangeError for a cost that can never be met */
  request(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    const { clock, time: forward, name } = this.#rule
    const cost = this.check(arrival)
    const extras = this.#known
    if (extras?.closed === true) return new Rejection('closed', name, 1, 0)
    const now = clock.now()
    const time = forward.of(now)
    if (arrival.deadline !== undefined && isLate(arrival.deadline, now))
      return new Rejection('deadline', name, now, arrival.deadline)
    if ((extras?.room === undefined || extras.room.size === 0) && this.#take(cost, time))
      return new BucketPermit(this, cost, 0)
    if (!mayWait || arrival.maxWait === 0)
      return new Rejection('rate_limited', name, cost, Math.max(0, this.available(time)), this.timeUntil(cost, time))
    return this.#wait(arrival, cost, now)
  }

  #wait(arrival: Arrival, cost: number, now: Instant): Verdict | Waiting {
    const { discipline, clock } = this.#rule
    const extras = this.#extras
    const room = (extras.room ??= new WaitingRoom(discipline, clock, this))
    const entered = room.enter(arrival, cost)
    // A newcomer may stand before all others: the timer goes by whoever is next now.
    if (entered.admitted === false) return entered
    this.#arm(extras, room, now)
    extras.pressure?.changed()
    return entered.early ?? entered
  }

  /** Takes tokens, without a permit that could settle them. False when they are not there or others wait for them. */
  spend(cost: number): boolean {
    const { capacity } = this.#rule
    if (!(cost > 0 && cost <= capacity)) this.check({ cost })
    const extras = this.#known
    if (extras !== undefined && (extras.closed || (extras.room?.size ?? 0) > 0)) return false
    return this.#take(cost, this.time)
  }

  /** Settles an estimate: gives back what was not needed, or goes into debt for what was needed beyond. */
  settle(estimated: number, actual: number): void {
    if (actual === estimated) return
    const { clock, time, interval } = this.#rule
    const now = clock.now()
    // A bucket that has been full for a while owes it from now on: the time since then was lost to it, not saved.
    this.#fullAt = Math.max(this.#fullAt, time.of(now)) + (actual - estimated) * interval
    this.left(now)
    this.#known?.pressure?.changed()
  }

  shut(): void {
    this.#extras.closed = true
  }

  close(): void {
    this.shut()
    const extras = this.#extras
    extras.room?.close()
    extras.timer?.cancel()
  }

  /** Lets in whoever is next while there are tokens for it. */
  left(now: Instant): void {
    const extras = this.#known
    const room = extras?.room
    if (extras === undefined || room === undefined || extras.serving || extras.closed) return
    extras.serving = true
    const { time } = this
    for (;;) {
      const waiter = room.next(now)
      if (waiter === undefined || !this.#take(waiter.cost, time)) break
      room.take(waiter, now)
      room.answer(waiter, new BucketPermit(this, waiter.cost, Math.max(0, now - waiter.since)))
    }
    extras.serving = false
    this.#arm(extras, room, now)
  }

  refusal(code: RejectionCode, cost: number): Rejection {
    const { time } = this
    return new Rejection(code, this.name, cost, Math.max(0, this.available(time)), this.timeUntil(cost, time))
  }

  get #known(): Extras | undefined {
    return this.#rule.extras.used ? this.#rule.extras.get(this) : undefined
  }

  get #extras(): Extras {
    let extras = this.#known
    if (extras === undefined) {
      extras = { room: undefined, timer: undefined, serving: false, closed: false, pressure: undefined }
      this.#rule.extras.set(this, extras)
    }
    return extras
  }

  /** Takes tokens if they are there. */
  #take(cost: number, time: Instant): boolean {
    const { capacity, interval } = this.#rule
    const next = Math.max(this.#fullAt, time) + cost * interval
    // So much is rounding, not greed.
    if (next > time + capacity * interval + interval * 1e-6) return false
    this.#fullAt = next
    return true
  }

  #arm(extras: Extras, room: WaitingRoom, now: Instant): void {
    extras.timer?.cancel()
    extras.timer = undefined
    if (extras.closed || extras.serving) return
    const next = room.next(now)
    if (next !== undefined)
      extras.timer = this.#rule.clock.after(this.timeUntil(next.cost, this.time), () =>
        this.left(this.#rule.clock.now()),
      )
  }
}

/** Holds nothing: its tokens are spent. It is there to settle what was really needed. */
class BucketPermit implements Permit {
  readonly waited: Millis
  readonly #cost: number
  #bucket: Bucket | undefined

  constructor(bucket: Bucket, cost: number, waited: Millis) {
    this.#bucket = bucket
    this.#cost = cost
    this.waited = waited
  }

  get admitted(): true {
    return true
  }

  release(_outcome: Outcome, cost: number = this.#cost): void {
    const bucket = this.#bucket
    if (bucket === undefined) return
    this.#bucket = undefined
    bucket.settle(this.#cost, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
