import {
  Rejection,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Priority,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import {
  overuse,
  priorityOf,
  TokenPermit,
  type Refill,
  type Settler,
  type Verdict,
  type Waiting,
} from '../gate/index.ts'
import type { BucketsAccount, SharedRefill } from './buckets.ts'
import { OwnShare, PART, type OnDown } from './buckets-down.ts'
import { Hold } from './buckets-hold.ts'
import { BucketsLine } from './buckets-line.ts'
import type { BucketsLink } from './buckets-link.ts'
import { demandOf, rankOf, type Asker } from './buckets-rank.ts'
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
  /** What part of each bucket only the best class may take. */
  readonly reserve: number
  readonly onDown: OnDown
  /** The longest anybody waits, in ms. */
  readonly maxWait: Millis
  /** How many wait at the gate. */
  readonly crowd: { size: number; readonly capacity: number }
  /** Told that a tenant has tokens at hand, or something to tell. */
  opened(tenant: Tenant): void
  /** Told that one has had its answer, or has none to hope for. */
  answered(tenant: Tenant): void
}

/** An arrival, and what is known of it. */
export interface Entering {
  readonly arrival: Arrival
  readonly cost: number
  readonly amounts: readonly number[]
  /** How long until its deadline, in ms, where it may wait. */
  readonly left: Millis | undefined
}

/** What is to be done with an arrival: let it in, refuse it, ask; or else how long to wait, in ms. */
const [LET_IN, REFUSE, ASK, NEVER] = [0, -1, -2, -3]

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
  readonly #session: string
  readonly #account: BucketsAccount
  readonly #line: BucketsLine
  readonly #nothing: readonly number[]
  #asking = false
  /** What has been heard meanwhile is to be told as soon as the answer is there. */
  #askAgain = false
  #serving = false
  /** Who the coordinator knows to be waiting. */
  #noted: BucketsWaiter | undefined
  #share: OwnShare | undefined
  #timer: Timer | undefined

  /**
   * @param session the name of its account
   * @param open opens it; notices are for {@link noticed}
   */
  constructor(rule: TenantRule, session: string, open: (noticed: (isTurn?: boolean) => void) => BucketsAccount) {
    this.#rule = rule
    this.#session = session
    this.#account = open((isTurn) => (isTurn === true ? this.#called() : this.#noticed()))
    this.hold = new Hold(rule.buckets, rule.lease, rule.reserve)
    this.#line = new BucketsLine(rule.buckets.length)
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

  enter(entering: Entering, now: Instant): Verdict | Waiting {
    this.seen = now
    const { arrival, cost, amounts, left } = entering
    const priority = priorityOf(arrival)
    this.hold.offer(amounts)
    const isNext = !this.#line.isBefore(priority)
    const what = isNext ? this.#decide(amounts, priority, now) : ASK
    if (what === LET_IN) {
      if (this.#rule.lease > 0 && !this.#asking && this.hold.runsLow) this.ask(now)
      return new TokenPermit(this, cost, 0)
    }
    if (what === REFUSE || what === NEVER) return this.#refuse(what, amounts, priority, now)
    if (left !== undefined) return this.#wait(entering, left, priority, now)
    if (what !== ASK) return this.#rejection('rate_limited', amounts, what, priority, now)
    // Asked ahead: who comes again will know.
    if (isNext) this.ask(now, { amounts, priority, rank: rankOf(arrival), since: now, waits: false })
    return this.#rejection('rate_limited', amounts, SOON, priority, now)
  }

  #wait({ arrival, cost, amounts }: Entering, left: Millis, priority: Priority, now: Instant): Verdict | Waiting {
    const { crowd, clock, maxWait, name } = this.#rule
    if (crowd.size >= crowd.capacity) return new Rejection('queue_full', name, crowd.size + 1, crowd.capacity)
    const waiter = new BucketsWaiter(cost, amounts, now, priority, rankOf(arrival), this.#leave)
    const patience = Math.min(maxWait, arrival.maxWait ?? maxWait)
    const code = left < patience ? 'deadline' : 'queue_timeout'
    waiter.timer = clock.after(Math.min(left, patience), () => this.#leave(waiter, code))
    crowd.size++
    this.#line.add(waiter)
    if (this.#line.first === waiter) this.serve(now)
    return waiter
  }

  readonly #leave = (waiter: BucketsWaiter, code: RejectionCode): void => {
    if (!this.#line.has(waiter)) return
    const now = this.#rule.clock.now()
    this.#remove(waiter)
    const { amounts, priority } = waiter
    this.#tell(waiter, this.#rejection(code, amounts, this.#waitFor(amounts, priority, now), priority, now))
    if (this.#noted === waiter) this.#takeBack(now)
    this.serve(now)
  }

  #remove(waiter: BucketsWaiter): void {
    this.#line.remove(waiter)
    this.#rule.crowd.size--
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
      const next = this.#line.first
      if (next === undefined) break
      const { amounts, priority } = next
      const what = this.#decide(amounts, priority, now)
      if (what === ASK || (what > 0 && this.#isUnknown(next, now))) this.ask(now, next)
      else if (what > 0) this.#timer = this.#rule.clock.after(Math.max(LEAST, Math.min(what, MOST)), this.#again)
      if (what === ASK || what > 0) break
      this.#remove(next)
      const waited = Math.max(0, now - next.since)
      const isIn = what === LET_IN
      this.#tell(next, isIn ? new TokenPermit(this, next.cost, waited) : this.#refuse(what, amounts, priority, now))
    }
    this.#serving = false
  }

  readonly #again = (): void => this.serve(this.#rule.clock.now())

  #decide(amounts: readonly number[], priority: Priority, now: Instant): number {
    if (this.hold.take(amounts, now)) return LET_IN
    if (!this.hold.canHold(amounts, priority)) return NEVER
    if (this.#rule.link.down) return this.#decideAlone(amounts, now)
    if (this.#asking) return ASK
    const wait = this.hold.timeUntil(amounts, priority, now)
    return wait > 0 ? wait : ASK
  }

  /** While nobody can be asked. What is let in is charged once somebody can: so there is no burst when it is over. */
  #decideAlone(amounts: readonly number[], now: Instant): number {
    const { onDown } = this.#rule
    if (onDown === 'closed') return REFUSE
    const held = this.hold.feedback.heldFor(now)
    if (held > 0) return held
    if (onDown === 'share') {
      this.#share ??= this.#ownShare(now)
      if (!this.#share.take(amounts, now)) {
        const wait = this.#share.timeUntil(amounts, now)
        // Never of this part: of all there is, as soon as it can be asked again.
        return wait < Infinity ? Math.max(wait, LEAST) : Math.max(this.#rule.link.retryAfter, SOON)
      }
    }
    this.hold.oweUnasked(amounts)
    this.#rule.opened(this)
    return LET_IN
  }

  #ownShare(now: Instant): OwnShare {
    const { refills } = this.hold.feedback
    const available = refills.map((_, at) => this.hold.available(at, now) - this.hold.owed(at))
    return new OwnShare(refills, available, this.#rule.link.sessions, now)
  }

  /** How long there is nothing for such an arrival, in ms, as far as is known. */
  #waitFor(amounts: readonly number[], priority: Priority, now: Instant): Millis {
    if (this.#rule.link.down) return this.#rule.link.retryAfter
    return this.hold.timeUntil(amounts, priority, now) || SOON
  }

  /** Asks for more, where it can be asked. One statement at a time; whoever comes meanwhile rides along with the next. */
  ask(now: Instant, asker?: Asker): void {
    if (!this.#asking && !this.#rule.link.down) this.#state(asker, false, now)
  }

  /** Tells how things stand and gives back what is at hand. */
  giveBack(now: Instant): void {
    if (!this.#asking && !this.#rule.link.down) this.#state(undefined, true, now)
  }

  /** True where others may come first because the coordinator does not know yet that this one waits. */
  #isUnknown(waiter: BucketsWaiter, now: Instant): boolean {
    const { link } = this.#rule
    return this.#noted !== waiter && link.sessions > 1 && !link.down && this.hold.feedback.heldFor(now) === 0
  }

  /** What is kept for one who has gone is others'. */
  #takeBack(now: Instant): void {
    this.#noted = undefined
    this.hold.forgetRefusal()
    if (this.#line.size === 0 && this.#rule.link.sessions > 1) this.ask(now)
  }

  /** Tells at once, or as soon as the answer to what is being asked is there. */
  #tellNow(): void {
    if (this.#asking) this.#askAgain = true
    else this.ask(this.#rule.clock.now())
    this.#rule.opened(this)
  }

  /** There is enough by now for whoever is next here. */
  #called(): void {
    if (!this.isAwaited) return
    this.hold.forgetRefusal()
    if (this.#asking) this.#askAgain = true
    else this.ask(this.#rule.clock.now())
  }

  /** Another process has had urgent news: what was granted before it is void. */
  #noticed(): void {
    this.hold.revoke()
    if (this.#asking || this.hold.isOpen || this.isAwaited) this.#tellNow()
  }

  /** Says for whom, with whatever is said: who is not named does not wait any more. */
  #state(asker: Asker | undefined = this.#line.first, leave: boolean, now: Instant): void {
    const { link, clock } = this.#rule
    this.#asking = true
    this.#askAgain = false
    const need = asker?.amounts ?? this.#nothing
    const more = this.#line.wanted.map((wanted, at) => Math.max(0, wanted - need[at]!))
    const demand = asker && demandOf(asker, this.#session, this.hold.feedback.refills, now)
    // Nobody who was let in as a part of the others is known yet: they would be let in twice.
    const untold = this.#rule.onDown === 'share' ? link.untold(now) * PART * (1 - 1 / Math.max(1, link.sessions)) : 0
    const { statement, heard } = this.hold.state(need, more, demand, now, leave, untold)
    link.state(
      this.#account,
      statement,
      (grant) => {
        const then = clock.now()
        this.#asking = false
        this.#noted = asker instanceof BucketsWaiter && grant?.granted === false ? asker : undefined
        if (grant !== undefined) {
          heard(grant, then)
          this.#share = undefined
          if (this.hold.isOpen) this.#rule.opened(this)
          asker?.rank?.heard(demand!.told, grant.sessions > 1 ? grant.standing : undefined, grant.granted)
        }
        if (this.#noted !== undefined && !this.#line.has(this.#noted)) this.#takeBack(then)
        this.serve(then)
        if (this.#askAgain) this.ask(then)
        this.#rule.answered(this)
      },
      () => {
        if (!this.#asking) this.#state(undefined, false, clock.now())
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

  /** Nobody takes for so long. */
  holdFor(duration: Millis): void {
    this.hold.feedback.holdUntil(this.#rule.clock.now() + duration)
    this.hold.revoke()
    this.#tellNow()
  }

  /** Other limits hold from now on. */
  pace(changes: readonly (Refill | undefined)[]): void {
    const now = this.#rule.clock.now()
    changes.forEach((refill, at) => refill && this.hold.pace(at, refill, now))
    if (!this.hold.feedback.hasNews) return
    this.hold.revoke()
    this.#changed()
  }

  /** So much is left of each, says who must know. */
  correct(left: readonly (number | undefined)[]): void {
    const now = this.#rule.clock.now()
    const lower = left.filter((amount, at) => amount !== undefined && this.hold.correct(at, amount, now))
    if (lower.length > 0) this.#changed()
  }

  #changed(): void {
    this.#share = undefined
    this.#tellNow()
    this.serve(this.#rule.clock.now())
  }

  /** Hears of nothing any more. */
  leave(): void {
    this.#account.close()
  }

  /** Refuses everybody who waits. */
  close(): void {
    this.#timer?.cancel()
    this.#serving = true
    const isNoted = this.#noted !== undefined
    for (const waiter of this.#line) {
      this.#remove(waiter)
      this.#tell(waiter, new Rejection('closed', this.#rule.name, 1, 0))
    }
    if (isNoted) this.giveBack(this.#rule.clock.now())
  }

  #refuse(what: number, amounts: readonly number[], priority: Priority, now: Instant): Rejection {
    if (what === REFUSE) return this.#rejection('breaker_open', amounts, this.#rule.link.retryAfter, priority, now)
    // Since the limits were cut there is never so much: no time to come back at.
    return this.#rejection('rate_limited', amounts, undefined, priority, now)
  }

  #rejection(
    code: RejectionCode,
    amounts: readonly number[],
    retryAfter: Millis | undefined,
    priority: Priority,
    now: Instant,
  ): Rejection {
    const { name, buckets } = this.#rule
    const at = this.hold.bindingOf(amounts, priority, now)
    const limit = Math.max(0, this.hold.available(at, now) + this.hold.held(at))
    const by = code === 'rate_limited' || code === 'queue_timeout' ? `${name}.${buckets[at]!.name}` : name
    return new Rejection(code, by, amounts[at]!, limit, code === 'cancelled' ? undefined : retryAfter)
  }
}
