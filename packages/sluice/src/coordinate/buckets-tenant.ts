import {
  Rejection,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import { overuse, TokenPermit, type Settler, type Verdict, type Waiting } from '../gate/index.ts'
import type { BucketsAccount, SharedRefill } from './buckets.ts'
import { OwnShare, type OnDown } from './buckets-down.ts'
import { Hold } from './buckets-hold.ts'
import type { BucketsLink } from './buckets-link.ts'
import { BucketsWaiter } from './buckets-waiter.ts'

/** One of the buckets, and what an arrival takes of it. */
export interface FleetRefill extends SharedRefill {
  /** One token an arrival, whatever it costs. */
  readonly takesOne: boolean
}

/** What all tenants of a gate have in common. */
export interface TenantRule {
  readonly name: string
  readonly clock: Clock
  readonly buckets: readonly FleetRefill[]
  readonly link: BucketsLink
  readonly lease: Millis
  readonly onDown: OnDown
  /** The longest anybody waits, in ms. */
  readonly maxWait: Millis
  /** How many wait at the gate. */
  readonly crowd: { size: number; readonly capacity: number }
  /** Told that a tenant has tokens at hand, or something to tell. */
  opened(tenant: Tenant): void
}

/** What is to be done with an arrival: let it in, refuse it, ask; or else how long to wait, in ms. */
const [LET_IN, REFUSE, ASK] = [0, -1, -2]

/** How soon it is looked again at the soonest, or a clock whose last digit stands still would be looked at for ever, in ms. */
const LEAST: Millis = 0.01

/** How soon it is looked again at the latest, in ms: somebody may have given something back. */
const MOST: Millis = 1000

/** How soon to come back where it is being asked whether there are tokens, in ms. */
const SOON: Millis = 10

/** One tenant at one process: the tokens at hand, and who waits for more, each in turn. */
export class Tenant implements Settler {
  readonly hold: Hold
  /** When it was last seen. */
  seen: Instant = -Infinity
  readonly #rule: TenantRule
  readonly #account: BucketsAccount
  readonly #line = new Set<BucketsWaiter>()
  /** What all who wait want. */
  readonly #wanted: number[]
  readonly #nothing: readonly number[]
  #asking = false
  #serving = false
  #share: OwnShare | undefined
  #timer: Timer | undefined

  constructor(rule: TenantRule, account: BucketsAccount) {
    this.#rule = rule
    this.#account = account
    this.hold = new Hold(rule.buckets, rule.lease)
    this.#wanted = rule.buckets.map(() => 0)
    this.#nothing = rule.buckets.map(() => 0)
  }

  /** True where nobody waits for it, nor it for an answer. */
  get isQuiet(): boolean {
    return this.#line.size === 0 && !this.#asking
  }

  /** True where somebody waits. */
  get isAwaited(): boolean {
    return this.#line.size > 0
  }

  enter(arrival: Arrival, cost: number, amounts: readonly number[], mayWait: boolean, now: Instant): Verdict | Waiting {
    this.seen = now
    this.hold.offer(amounts)
    const what = this.#line.size === 0 ? this.#decide(amounts, now) : ASK
    if (what === LET_IN) {
      if (this.#rule.lease > 0 && !this.#asking && this.hold.runsLow) this.ask(now)
      return new TokenPermit(this, cost, 0)
    }
    if (what === REFUSE) return this.#refuse('breaker_open', amounts, this.#rule.link.retryAfter, now)
    if (mayWait && arrival.maxWait !== 0) return this.#wait(arrival, cost, amounts, now)
    if (what !== ASK) return this.#refuse('rate_limited', amounts, what, now)
    // Asked ahead: who comes again will know.
    if (this.#line.size === 0) this.ask(now, amounts)
    return this.#refuse('rate_limited', amounts, SOON, now)
  }

  #wait(arrival: Arrival, cost: number, amounts: readonly number[], now: Instant): Verdict | Waiting {
    const { crowd, clock, maxWait, name } = this.#rule
    if (crowd.size >= crowd.capacity) return new Rejection('queue_full', name, crowd.size + 1, crowd.capacity)
    const waiter = new BucketsWaiter(cost, amounts, now, this.#leave)
    const patience = Math.min(maxWait, arrival.maxWait ?? maxWait)
    const { deadline = Infinity } = arrival
    const [left, code] =
      deadline - now < patience ? ([deadline - now, 'deadline'] as const) : ([patience, 'queue_timeout'] as const)
    waiter.timer = clock.after(left, () => this.#leave(waiter, code))
    crowd.size++
    this.#line.add(waiter)
    for (let at = 0; at < amounts.length; at++) this.#wanted[at]! += amounts[at]!
    if (this.#line.size === 1) this.serve(now)
    return waiter
  }

  readonly #leave = (waiter: BucketsWaiter, code: RejectionCode): void => {
    if (!this.#line.has(waiter)) return
    const now = this.#rule.clock.now()
    this.#remove(waiter)
    this.#tell(waiter, this.#refuse(code, waiter.amounts, this.#waitFor(waiter.amounts, now), now))
    this.serve(now)
  }

  #remove(waiter: BucketsWaiter): void {
    this.#line.delete(waiter)
    this.#rule.crowd.size--
    for (let at = 0; at < this.#wanted.length; at++)
      this.#wanted[at] = this.#line.size === 0 ? 0 : this.#wanted[at]! - waiter.amounts[at]!
  }

  #tell(waiter: BucketsWaiter, verdict: Verdict): void {
    try {
      waiter.tell(verdict)
    } catch (error) {
      throwLater(this.#rule.clock, error)
    }
  }

  /** Lets in whoever is next while there is something for it. Answers run strangers' code, which may come in again. */
  serve(now: Instant): void {
    if (this.#serving) return
    this.#serving = true
    this.#timer?.cancel()
    for (;;) {
      const [next] = this.#line
      if (next === undefined) break
      const what = this.#decide(next.amounts, now)
      if (what === ASK) this.ask(now, next.amounts)
      else if (what > 0) this.#timer = this.#rule.clock.after(Math.max(LEAST, Math.min(what, MOST)), this.#again)
      if (what === ASK || what > 0) break
      this.#remove(next)
      const waited = Math.max(0, now - next.since)
      this.#tell(
        next,
        what === LET_IN
          ? new TokenPermit(this, next.cost, waited)
          : this.#refuse('breaker_open', next.amounts, this.#rule.link.retryAfter, now),
      )
    }
    this.#serving = false
  }

  readonly #again = (): void => this.serve(this.#rule.clock.now())

  #decide(amounts: readonly number[], now: Instant): number {
    if (this.hold.take(amounts, now)) return LET_IN
    if (this.#rule.link.down) return this.#decideAlone(amounts, now)
    if (this.#asking) return ASK
    const wait = this.hold.timeUntil(amounts, now)
    return wait > 0 ? wait : ASK
  }

  /** While nobody can be asked. What is let in is charged once somebody can: so there is no burst when it is over. */
  #decideAlone(amounts: readonly number[], now: Instant): number {
    const { onDown } = this.#rule
    if (onDown === 'closed') return REFUSE
    if (onDown === 'share') {
      this.#share ??= this.#ownShare(now)
      if (!this.#share.take(amounts, now)) return Math.max(this.#share.timeUntil(amounts, now), LEAST)
    }
    this.hold.oweUnasked(amounts)
    this.#rule.opened(this)
    return LET_IN
  }

  #ownShare(now: Instant): OwnShare {
    const { buckets, link } = this.#rule
    const available = buckets.map((_, at) => this.hold.available(at, now))
    return new OwnShare(buckets, available, link.sessions, now)
  }

  /** How long there is nothing for such an arrival, in ms, as far as is known. */
  #waitFor(amounts: readonly number[], now: Instant): Millis {
    if (this.#rule.link.down) return this.#rule.link.retryAfter
    return this.hold.timeUntil(amounts, now) || SOON
  }

  /** Asks for more, where it can be asked. One statement at a time; whoever comes meanwhile rides along with the next. */
  ask(now: Instant, need: readonly number[] = this.#nothing): void {
    if (!this.#asking && !this.#rule.link.down) this.#state(need, false, now)
  }

  /** Tells how things stand and gives back what is at hand. */
  giveBack(now: Instant): void {
    if (!this.#asking && !this.#rule.link.down) this.#state(this.#nothing, true, now)
  }

  #state(need: readonly number[], leave: boolean, now: Instant): void {
    const { link, clock } = this.#rule
    this.#asking = true
    const more = this.#wanted.map((wanted, at) => Math.max(0, wanted - need[at]!))
    const { statement, heard } = this.hold.state(need, more, now, leave)
    link.state(
      this.#account,
      statement,
      (grant) => {
        const then = clock.now()
        this.#asking = false
        if (grant !== undefined) {
          heard(grant, then)
          this.#share = undefined
          if (this.hold.isOpen) this.#rule.opened(this)
        }
        this.serve(then)
      },
      () => {
        if (!this.#asking) this.#state(this.#nothing, false, clock.now())
      },
    )
  }

  /** Settles an estimate. What ended as `ignored` at no cost has never been: its request comes back too. */
  settle(estimated: number, actual: number, outcome: Outcome): void {
    const more = overuse(estimated, actual)
    if (more === 0) return
    const undone = outcome === 'ignored' && actual === 0
    this.#rule.buckets.forEach(({ takesOne }, at) => this.owe(at, takesOne ? (undone ? -1 : 0) : more))
  }

  /** So much more of one of them was used; below 0 so much less. */
  owe(at: number, more: number): void {
    if (more === 0) return
    this.hold.owe(at, more)
    this.#rule.opened(this)
  }

  /** Refuses everybody who waits. */
  close(): void {
    this.#timer?.cancel()
    this.#serving = true
    for (const waiter of this.#line) {
      this.#remove(waiter)
      this.#tell(waiter, new Rejection('closed', this.#rule.name, 1, 0))
    }
  }

  #refuse(code: RejectionCode, amounts: readonly number[], retryAfter: Millis, now: Instant): Rejection {
    const { name, buckets } = this.#rule
    const at = this.hold.bindingOf(amounts, now)
    const limit = Math.max(0, this.hold.available(at, now) + this.hold.held(at))
    const by = code === 'rate_limited' || code === 'queue_timeout' ? `${name}.${buckets[at]!.name}` : name
    return new Rejection(code, by, amounts[at]!, limit, code === 'cancelled' ? undefined : retryAfter)
  }
}
