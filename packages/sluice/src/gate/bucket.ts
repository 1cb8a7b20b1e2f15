import {
  Rejection,
  Source,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type RejectionCode,
} from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'
import type { ForwardTime } from './forward-time.ts'
import type { GateCore, GateStats, Verdict, Waiting } from './gate.ts'
import { fullAfter, isCovered, overuse, timeUntil, tokensAt, type Refill } from './refill.ts'
import { TokenPermit, type Settler } from './token-permit.ts'
import { Turns, type TokenKeeper } from './turns.ts'
import { costOf, isLate, type GateWaiter } from './waiter.ts'

/** What all buckets of a kind share, so that a bucket for each of a million keys is small. */
export interface BucketRule extends Refill {
  readonly name: string
  readonly clock: Clock
  readonly time: ForwardTime
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
  turns: Turns | undefined
  closed: boolean
  pressure: Source<Pressure> | undefined
}

/** A token bucket that remembers one number: when it would be full, see {@link Refill}. */
export class Bucket implements GateCore, TokenKeeper, Settler {
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
    return { limit: Infinity, inflight: 0, queued: this.#known?.turns?.size ?? 0 }
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
    return tokensAt(this.#rule, this.#fullAt, time)
  }

  /** How long until so many are at hand. */
  timeUntil(tokens: number, time: Instant): Millis {
    return timeUntil(this.#rule, this.#fullAt, tokens, time)
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
    const rule = this.#rule
    const cost = this.check(arrival)
    const extras = this.#known
    if (extras?.closed === true) return new Rejection('closed', rule.name, 1, 0)
    const now = rule.clock.now()
    const time = rule.time.of(now)
    const { deadline } = arrival
    if (deadline !== undefined && isLate(deadline, now)) return new Rejection('deadline', rule.name, now, deadline)
    const turns = extras?.turns
    if ((turns === undefined || turns.size === 0) && this.#take(cost, time, extras))
      return new TokenPermit(this, cost, 0)
    if (mayWait && arrival.maxWait !== 0) return this.#wait(arrival, cost)
    return this.#refuse('rate_limited', cost, time, turns)
  }

  #wait(arrival: Arrival, cost: number): Verdict | Waiting {
    const { discipline, clock } = this.#rule
    const extras = this.#extras
    extras.turns ??= new Turns(discipline, clock, this)
    const entered = extras.turns.enter(arrival, cost)
    if (entered.admitted !== false) extras.pressure?.changed()
    return entered
  }

  /** Takes tokens, without a permit that could settle them. False when they are not there or others wait for them. */
  spend(cost: number): boolean {
    const { capacity } = this.#rule
    if (!(cost > 0 && cost <= capacity)) this.check({ cost })
    const extras = this.#known
    if (extras !== undefined && (extras.closed || (extras.turns?.size ?? 0) > 0)) return false
    return this.#take(cost, this.time, extras)
  }

  /** Settles an estimate: gives back what was not needed, or goes into debt for what was needed beyond. */
  settle(estimated: number, actual: number): void {
    const more = overuse(estimated, actual)
    if (more === 0) return
    const { clock, time } = this.#rule
    const now = clock.now()
    this.#fullAt = fullAfter(this.#rule, this.#fullAt, more, time.of(now))
    this.left(now)
    this.#known?.pressure?.changed()
  }

  shut(): void {
    const extras = this.#extras
    extras.closed = true
    extras.turns?.shut()
  }

  close(): void {
    this.shut()
    this.#extras.turns?.close()
  }

  left(now: Instant): void {
    this.#known?.turns?.serve(now)
  }

  admit({ cost }: GateWaiter, time: Instant, waited: Millis): TokenPermit | undefined {
    return this.#take(cost, time, this.#known) ? new TokenPermit(this, cost, waited) : undefined
  }

  timeFor({ cost }: GateWaiter, time: Instant): Millis {
    return this.timeUntil(cost, time)
  }

  refusal(code: RejectionCode, cost: number): Rejection {
    return this.#refuse(code, cost, this.time, undefined)
  }

  /** @param first those who are served before */
  #refuse(code: RejectionCode, cost: number, time: Instant, first: Turns | undefined): Rejection {
    const rule = this.#rule
    const fullAt = this.#fullAt
    let wait = timeUntil(rule, fullAt, cost, time)
    if (first !== undefined) wait = Math.max(wait, first.wait)
    return new Rejection(code, rule.name, cost, Math.max(0, tokensAt(rule, fullAt, time)), wait)
  }

  get #known(): Extras | undefined {
    return this.#rule.extras.used ? this.#rule.extras.get(this) : undefined
  }

  get #extras(): Extras {
    let extras = this.#known
    if (extras === undefined) {
      extras = { turns: undefined, closed: false, pressure: undefined }
      this.#rule.extras.set(this, extras)
    }
    return extras
  }

  /** Takes tokens if they are there. */
  #take(cost: number, time: Instant, extras: Extras | undefined): boolean {
    const next = fullAfter(this.#rule, this.#fullAt, cost, time)
    if (!isCovered(this.#rule, next, time)) return false
    this.#fullAt = next
    extras?.pressure?.changed()
    return true
  }
}
