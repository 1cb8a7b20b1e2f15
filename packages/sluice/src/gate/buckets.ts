import {
  refuseValue,
  Rejection,
  Source,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
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

/** One of the buckets, as far as it never changes. */
export interface NamedRefill extends Refill {
  readonly name: string
  /** One token an arrival, whatever it costs. */
  readonly takesOne: boolean
}

/** What is taken of each bucket, by its name, where that is not what the arrival's cost says. */
export type Amounts = Readonly<Record<string, number>>

/** What all siblings share. */
export interface BucketsRule {
  readonly name: string
  readonly clock: Clock
  readonly time: ForwardTime
  readonly buckets: readonly NamedRefill[]
  readonly discipline: QueueDiscipline
}

/** Several token buckets, of which an arrival takes all it needs at one instant, or nothing. See {@link Refill}. */
export class Buckets implements GateCore, TokenKeeper, Settler {
  readonly pressure: Source<Pressure>
  readonly #rule: BucketsRule
  readonly #fullAt: Instant[]
  readonly #amounts = new WeakMap<GateWaiter, Amounts>()
  #turns: Turns | undefined
  #closed = false

  constructor(rule: BucketsRule) {
    this.#rule = rule
    this.#fullAt = rule.buckets.map(() => -Infinity)
    this.pressure = new Source(() => this.#fullest(), rule.clock)
  }

  get name(): string {
    return this.#rule.name
  }

  get clock(): Clock {
    return this.#rule.clock
  }

  get stats(): GateStats {
    return { limit: Infinity, inflight: 0, queued: this.#turns?.size ?? 0 }
  }

  get time(): Instant {
    const { clock, time } = this.#rule
    return time.of(clock.now())
  }

  get atRest(): boolean {
    const { time } = this
    return this.stats.queued === 0 && this.#fullAt.every((fullAt) => fullAt <= time)
  }

  sibling(): Buckets {
    return new Buckets(this.#rule)
  }

  /** Tokens at hand in one of them; below 0 while in debt. */
  available(at: number, time: Instant): number {
    return tokensAt(this.#rule.buckets[at]!, this.#fullAt[at]!, time)
  }

  /** How long until so much is at hand everywhere, in ms. */
  timeUntil(cost: number, amounts: Amounts | undefined, time: Instant): Millis {
    let longest = 0
    for (let at = 0; at < this.#fullAt.length; at++)
      longest = Math.max(longest, this.#timeUntil(at, cost, amounts, time))
    return longest
  }

  check(arrival: Arrival, amounts?: Amounts): number {
    const { buckets, name } = this.#rule
    const cost = costOf(arrival)
    for (const bucket of buckets) {
      const amount = amountOf(bucket, cost, amounts)
      if (amount > bucket.capacity)
        refuseValue(
          amounts?.[bucket.name] === undefined ? 'arrival.cost' : `amounts.${bucket.name}`,
          amount,
          `at most ${bucket.capacity}, the capacity of ${name}.${bucket.name}`,
        )
    }
    return cost
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    return this.request(arrival, mayWait, undefined)
  }

  /** @throws RangeError for what can never be met */
  request(arrival: Arrival, mayWait: boolean, amounts: Amounts | undefined): Verdict | Waiting {
    const { clock, time: forward, name } = this.#rule
    const cost = this.check(arrival, amounts)
    if (this.#closed) return new Rejection('closed', name, 1, 0)
    const now = clock.now()
    const time = forward.of(now)
    const { deadline } = arrival
    if (deadline !== undefined && isLate(deadline, now)) return new Rejection('deadline', name, now, deadline)
    const queued = this.#turns?.size ?? 0
    if (queued === 0 && this.#take(cost, amounts, time)) return new TokenPermit(this, cost, 0)
    if (!mayWait || arrival.maxWait === 0) return this.#refuse('rate_limited', cost, amounts, time, this.#turns)
    return this.#wait(arrival, cost, amounts)
  }

  #wait(arrival: Arrival, cost: number, amounts: Amounts | undefined): Verdict | Waiting {
    const { discipline, clock } = this.#rule
    this.#turns ??= new Turns(discipline, clock, this)
    const note = amounts && ((waiter: GateWaiter): unknown => this.#amounts.set(waiter, amounts))
    const entered = this.#turns.enter(arrival, cost, note)
    if (entered.admitted !== false) this.pressure.changed()
    return entered
  }

  /** Settles an estimate. What ended as `ignored` at no cost has never been: its request comes back too. */
  settle(estimated: number, actual: number, outcome: Outcome): void {
    const more = overuse(estimated, actual)
    if (more === 0) return
    const undone = outcome === 'ignored' && actual === 0
    this.#move((bucket) => (bucket.takesOne ? (undone ? -1 : 0) : more))
  }

  /** Puts tokens into one of them; below 0 takes them out, into debt if need be. */
  adjust(name: string, by: number): void {
    this.#move((bucket) => (bucket.name === name ? -by : 0))
  }

  shut(): void {
    this.#closed = true
    this.#turns?.shut()
  }

  close(): void {
    this.shut()
    this.#turns?.close()
  }

  left(now: Instant): void {
    this.#turns?.serve(now)
  }

  admit(waiter: GateWaiter, time: Instant, waited: Millis): TokenPermit | undefined {
    const { cost } = waiter
    return this.#take(cost, this.#amounts.get(waiter), time) ? new TokenPermit(this, cost, waited) : undefined
  }

  timeFor(waiter: GateWaiter, time: Instant): Millis {
    return this.timeUntil(waiter.cost, this.#amounts.get(waiter), time)
  }

  refusal(code: RejectionCode, cost: number, waiter: GateWaiter): Rejection {
    return this.#refuse(code, cost, this.#amounts.get(waiter), this.time, undefined)
  }

  /** Takes from all of them, or from none. */
  #take(cost: number, amounts: Amounts | undefined, time: Instant): boolean {
    const { buckets } = this.#rule
    const fullAt = this.#fullAt
    for (let at = 0; at < buckets.length; at++) {
      const bucket = buckets[at]!
      const amount = amountOf(bucket, cost, amounts)
      // Who takes nothing of it does not mind its debt.
      if (amount > 0 && !isCovered(bucket, fullAfter(bucket, fullAt[at]!, amount, time), time)) return false
    }
    for (let at = 0; at < buckets.length; at++) {
      const bucket = buckets[at]!
      fullAt[at] = fullAfter(bucket, fullAt[at]!, amountOf(bucket, cost, amounts), time)
    }
    this.pressure.changed()
    return true
  }

  #timeUntil(at: number, cost: number, amounts: Amounts | undefined, time: Instant): Millis {
    const bucket = this.#rule.buckets[at]!
    const amount = amountOf(bucket, cost, amounts)
    return amount > 0 ? timeUntil(bucket, this.#fullAt[at]!, amount, time) : 0
  }

  /** Takes more from each; below 0 gives back. Whoever waits may fit now, or must wait longer. */
  #move(moreOf: (bucket: NamedRefill) => number): void {
    const { buckets, clock, time: forward } = this.#rule
    const now = clock.now()
    const time = forward.of(now)
    for (let at = 0; at < buckets.length; at++)
      this.#fullAt[at] = fullAfter(buckets[at]!, this.#fullAt[at]!, moreOf(buckets[at]!), time)
    this.left(now)
    this.pressure.changed()
  }

  /**
   * Names the bucket that will be the last to have enough, and when that is. Where all have, those who wait are in the way.
   * @param first those who are served before
   */
  #refuse(
    code: RejectionCode,
    cost: number,
    amounts: Amounts | undefined,
    time: Instant,
    first: Turns | undefined,
  ): Rejection {
    const { buckets, name } = this.#rule
    const turn = first?.wait ?? 0
    let binding = 0
    let wait = 0
    for (let at = 0; at < buckets.length; at++) {
      const until = this.#timeUntil(at, cost, amounts, time)
      if (until > wait) [binding, wait] = [at, until]
    }
    if (wait === 0 && first !== undefined && first.size > 0) return new Rejection(code, name, first.size + 1, 1, turn)
    const bucket = buckets[binding]!
    const limit = Math.max(0, this.available(binding, time))
    return new Rejection(code, `${name}.${bucket.name}`, amountOf(bucket, cost, amounts), limit, Math.max(wait, turn))
  }

  #fullest(): Pressure {
    const { buckets, name } = this.#rule
    const { time } = this
    let [level, cause] = [0, name]
    for (let at = 0; at < buckets.length; at++) {
      const { capacity, name: own } = buckets[at]!
      const used = 1 - this.available(at, time) / capacity
      if (used > level) [level, cause] = [used, `${name}.${own}`]
    }
    return { level, cause }
  }
}

function amountOf(bucket: NamedRefill, cost: number, amounts: Amounts | undefined): number {
  return amounts?.[bucket.name] ?? (bucket.takesOne ? 1 : cost)
}
