import type { Instant, Millis, Priority } from '../ground/index.ts'
import { fullAfter, timeUntil, tokensAt, type Refill } from '../gate/index.ts'
import {
  BELIEVED,
  REMEMBERED,
  type BucketsDemand,
  type BucketsGrant,
  type BucketsStatement,
  type SharedRefill,
} from './buckets.ts'
import { BucketsFeedback } from './buckets-feedback.ts'

/** A millionth of a token is rounding, not greed. */
const ROUNDING = 1e-6

/** The largest part of a bucket that is reserved. */
const MOST = 0.9

/** The class that may take what is reserved. */
const CRITICAL: Priority = 3

/**
 * What this process has of one tenant's tokens. All figures are levels of the account (see `BucketsStatement`): what lies
 * between `used` and `level` is at hand, for as long as the lease: what was taken later than that before it is used would
 * let more through in a while than the rate says.
 */
export class Hold {
  readonly feedback: BucketsFeedback
  readonly #buckets: readonly Refill[]
  readonly #lease: Millis
  readonly #reserve: number
  readonly #used: number[]
  readonly #level: number[]
  readonly #claim: number[]
  /** Used beyond the estimate, below 0 what comes back: told with the next statement. */
  readonly #owed: number[]
  #until: Instant = -Infinity
  /** Up to here it comes from an earlier lease. */
  readonly #older: number[]
  #olderUntil: Instant = -Infinity
  #turn = 0
  /** What was granted up to this statement may not be used. */
  #revoked = 0
  #heard: Instant = -Infinity
  readonly #fullAt: Instant[]
  #notBefore: Instant = -Infinity
  /** The class of whoever was refused last. */
  #refused = -1
  readonly #offered: number[]
  readonly #demand: number[]
  readonly #batch: number[]
  #stated: Instant = -Infinity
  #scarce = false

  constructor(buckets: readonly SharedRefill[], lease: Millis, reserve: number) {
    const zeros = (): number[] => buckets.map(() => 0)
    this.feedback = new BucketsFeedback(buckets)
    this.#buckets = this.feedback.refills
    this.#lease = lease
    this.#reserve = reserve
    this.#used = zeros()
    this.#level = zeros()
    this.#claim = zeros()
    this.#owed = zeros()
    this.#older = zeros()
    this.#fullAt = buckets.map(() => -Infinity)
    this.#offered = zeros()
    this.#demand = zeros()
    this.#batch = zeros()
  }

  /** Tokens at hand of one of them. */
  held(at: number): number {
    return this.#level[at]! - this.#used[at]!
  }

  /** Used beyond what was granted, and not yet told. */
  owed(at: number): number {
    return this.#owed[at]!
  }

  /** What was left for everybody when last heard of, and has come back since. */
  available(at: number, now: Instant): number {
    return tokensAt(this.#buckets[at]!, this.#fullAt[at]!, now)
  }

  /** True where something is to be told: tokens at hand, or owed, or what a provider has said. */
  get isOpen(): boolean {
    return (
      this.feedback.hasNews ||
      this.#owed.some((owed) => owed !== 0) ||
      this.#level.some((_, at) => this.held(at) > ROUNDING)
    )
  }

  /** True where something should be told now: tokens are at hand for longer than the lease, or something is owed. */
  isDue(now: Instant): boolean {
    return this.feedback.hasNews || this.#owed.some((owed) => owed !== 0) || this.#isStale(now)
  }

  /** Notes that so much is asked for: it tells how much to hold. */
  offer(amounts: readonly number[]): void {
    for (let at = 0; at < amounts.length; at++) this.#offered[at]! += amounts[at]!
  }

  /** Takes all of it from what is at hand, or nothing. */
  take(amounts: readonly number[], now: Instant): boolean {
    if (now >= this.#until || now < this.feedback.heldUntil) return false
    const older = now >= this.#olderUntil
    for (let at = 0; at < amounts.length; at++) {
      const amount = amounts[at]!
      if (amount === 0) continue
      const used = this.#used[at]!
      if (this.#level[at]! - used < amount - ROUNDING || (older && used < this.#older[at]! - ROUNDING)) return false
    }
    for (let at = 0; at < amounts.length; at++) this.#used[at]! += amounts[at]!
    return true
  }

  /** True where it is time to ask for more before it runs out. */
  get runsLow(): boolean {
    if (this.#scarce) return false
    for (let at = 0; at < this.#batch.length; at++)
      if (this.#batch[at]! > 0 && this.#level[at]! - this.#used[at]! <= this.#batch[at]! / 3) return true
    return false
  }

  /** What is at hand, and what is being granted, may not be used any more: something has been said elsewhere. */
  revoke(): void {
    this.#until = -Infinity
    this.#revoked = this.#turn
  }

  /** So much is left of one of them, says who must know. True where that is less than was known. */
  correct(at: number, left: number, now: Instant): boolean {
    if (left >= this.available(at, now)) return false
    this.#fullAt[at] = fullAfter(this.#buckets[at]!, now, this.#buckets[at]!.capacity - left, now)
    this.feedback.correctAt(at, left, now)
    return true
  }

  /** Other limits: what is left stays, as far as it fits. */
  pace(at: number, refill: Refill, now: Instant): void {
    const left = Math.min(refill.capacity, this.available(at, now))
    this.feedback.paceAt(at, refill)
    this.#fullAt[at] = fullAfter(refill, now, refill.capacity - left, now)
  }

  /** Whoever was refused is there no more: what is next may be there sooner. */
  forgetRefusal(): void {
    this.#notBefore = -Infinity
  }

  /** True where so much can be there at once at all. */
  canHold(amounts: readonly number[], priority: Priority): boolean {
    const critical = priority === CRITICAL
    for (let at = 0; at < amounts.length; at++)
      if (amounts[at]! > this.#buckets[at]!.capacity * (critical ? 1 : 1 - this.#reserve) + ROUNDING) return false
    return true
  }

  /** Settles: so much more was used of one of them; below 0 so much less. What is at hand pays first. */
  owe(at: number, more: number): void {
    const paid = Math.max(0, Math.min(more, this.held(at)))
    this.#used[at]! += paid
    this.#owed[at]! += more - paid
  }

  /** Notes what was let in while nobody could be asked. At most what fits into a bucket is ever owed for that. */
  oweUnasked(amounts: readonly number[]): void {
    for (let at = 0; at < amounts.length; at++)
      this.#owed[at] = Math.max(this.#owed[at]!, Math.min(this.#buckets[at]!.capacity, this.#owed[at]! + amounts[at]!))
  }

  /** How long there will not be so much, going by what was heard last; 0 where it is worth asking. */
  timeUntil(amounts: readonly number[], priority: Priority, now: Instant): Millis {
    const held = this.feedback.heldFor(now)
    if (held > 0 || now - this.#heard >= BELIEVED) return held
    // What was refused to somebody may be there for who is more important.
    let longest = priority > this.#refused ? 0 : this.#notBefore - now
    for (let at = 0; at < amounts.length; at++)
      longest = Math.max(longest, this.#timeUntilOf(at, amounts[at]!, priority === CRITICAL, now))
    return Math.max(0, longest)
  }

  /** Which of them will be the last to suffice. */
  bindingOf(amounts: readonly number[], priority: Priority, now: Instant): number {
    let [binding, longest] = [0, 0]
    for (let at = 0; at < amounts.length; at++) {
      const wait = this.#timeUntilOf(at, amounts[at]!, priority === CRITICAL, now)
      if (wait > longest) [binding, longest] = [at, wait]
    }
    return binding
  }

  #timeUntilOf(at: number, amount: number, critical: boolean, now: Instant): Millis {
    const short = amount - this.held(at) - ROUNDING
    if (amount <= 0 || short <= 0) return 0
    const left = critical ? 0 : this.#reserve * this.#buckets[at]!.capacity
    return timeUntil(this.#buckets[at]!, this.#fullAt[at]!, short + left, now)
  }

  /**
   * What to tell the coordinator, and what to do with its answer.
   * @param need what is asked for; with what is at hand it must make up all of it
   * @param more what else is wanted by those who wait already
   * @param demand for whom
   * @param untold how long others may have let in arrivals unasked, as their part, in ms: so much is left for them
   */
  state(
    need: readonly number[],
    more: readonly number[],
    demand: BucketsDemand | undefined,
    now: Instant,
    leave: boolean,
    untold: Millis = 0,
  ): Outgoing {
    if (leave || this.#isStale(now)) for (let at = 0; at < this.#level.length; at++) this.#level[at] = this.#used[at]!
    const owed = [...this.#owed]
    const keep = this.#level.map((level, at) => level + owed[at]!)
    const needed = keep.map((level, at) => level + Math.max(0, need[at]! - this.held(at)))
    const spare = this.#spare(now)
    const want = needed.map((level, at) => {
      const left = Math.max(0, this.held(at) - need[at]!)
      return level + (leave ? 0 : Math.max(0, more[at]! + spare[at]! - left))
    })
    const known = now - this.#heard < REMEMBERED
    const levels = { claim: [...this.#claim], keep, need: needed, want }
    let reserve = this.#reserve
    for (const { capacity, interval } of this.#buckets)
      reserve = Math.max(reserve, Math.min(MOST, untold / interval / capacity))
    const critical = demand?.priority === CRITICAL
    const said = { ...levels, ...this.feedback.state(now), demand }
    const statement = { turn: ++this.#turn, known, reserve, critical, ...said }
    const { mark } = this.feedback
    const heard = (grant: BucketsGrant, then: Instant): void => {
      this.feedback.heard(grant, mark, then)
      this.#apply(statement, owed, now, grant, then)
    }
    return { statement, heard }
  }

  #isStale(now: Instant): boolean {
    for (let at = 0; at < this.#level.length; at++) {
      if (this.held(at) <= ROUNDING) continue
      if (now >= this.#until || (now >= this.#olderUntil && this.#used[at]! < this.#older[at]! - ROUNDING)) return true
    }
    return false
  }

  /** As much as is asked for in a lease, going by a mean that forgets as fast. A sudden start is met by doubling. */
  #spare(now: Instant): number[] {
    const since = Math.max(0.01, now - this.#stated)
    const news = 1 - Math.exp(-since / Math.max(1, this.#lease))
    this.#stated = now
    return this.#offered.map((offered, at) => {
      this.#demand[at]! += news * (offered / since - this.#demand[at]!)
      this.#offered[at] = 0
      const spare = Math.max(this.#demand[at]! * this.#lease, 2 * offered * Math.min(1, this.#lease / since))
      return this.#lease > 0 && spare >= offered ? spare : 0
    })
  }

  #apply(statement: BucketsStatement, owed: readonly number[], sent: Instant, grant: BucketsGrant, now: Instant): void {
    const hadOlder = this.#used.some((used, at) => used < this.#older[at]! - ROUNDING)
    this.#scarce = false
    for (let at = 0; at < this.#level.length; at++) {
      const level = grant.level[at]!
      this.#used[at]! += owed[at]!
      this.#owed[at]! -= owed[at]!
      this.#older[at] = statement.keep[at]!
      this.#level[at] = level
      this.#claim[at] = level
      this.#batch[at] = this.#lease > 0 ? this.held(at) : 0
      if (level - statement.need[at]! < (statement.want[at]! - statement.need[at]!) / 2) this.#scarce = true
      const { capacity } = this.#buckets[at]!
      this.#fullAt[at] = fullAfter(this.#buckets[at]!, now, capacity - grant.available[at]!, now)
    }
    if (!hadOlder) this.#olderUntil = this.#until
    this.#until = statement.turn <= this.#revoked ? -Infinity : Math.max(sent + this.#lease, now + LEAST)
    this.#heard = now
    if (grant.granted) return this.forgetRefusal()
    // Never at once, or a clock that stands still would be asked for ever.
    this.#notBefore = now + Math.max(grant.retryAfter, 0.01)
    this.#refused = statement.demand?.priority ?? -1
  }
}

/** However short the lease and long the way back, who has asked ahead must find what was granted, in ms. */
const LEAST: Millis = 50

/** See {@link Hold.state}. */
export interface Outgoing {
  readonly statement: BucketsStatement
  /** To be called with the answer, and when it came. */
  readonly heard: (grant: BucketsGrant, now: Instant) => void
}
