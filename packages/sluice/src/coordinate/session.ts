import type { Clock, Instant, Millis, Random } from '../ground/index.ts'
import type { Classes, SlotCoordinator, SlotDemand, SlotNews, SlotReply } from './coordinator.ts'
import { SlotAsk } from './slots-ask.ts'
import { SlotHearings, type SlotHearing } from './slots-hearing.ts'
import { SlotLease } from './slots-lease.ts'
import type { MissedSlots } from './slots-missed.ts'
import { Soon } from './slots-soon.ts'
import { SlotView } from './slots-view.ts'

/** Reports nobody has answered yet, at most: clients without a connection keep them for later. */
const UNANSWERED = 4
/** Reports whose answer is waited for at once. */
const FLIGHT = 2
const NOBODY: Classes = [0, 0, 0, 0]

/** What a session tells of, and asks, the gate it works for. */
export interface SlotSessionOwner {
  /** In use, under the present registration. */
  readonly inflight: number
  /** What to claim of a coordinator that does not know it: in use, or may come into use before it has answered. */
  readonly claim: number
  readonly waiting: Classes
  readonly missed: MissedSlots
  demand(now: Instant): SlotDemand[]
  /** For whom the next grants are. */
  turn(priority: number, line: number, count: number): void
  /** Something was granted, or is known anew. */
  changed(): void
  /** The lease ran out: what is in use may be in other hands soon. */
  lapsed(): void
  /** What was in use has been given to others: it does not count any more. */
  disowned(): void
  shed(classes: Classes): void
}

/** What is constant about a session. */
export interface SlotSessionParts {
  readonly coordinator: SlotCoordinator
  readonly owner: SlotSessionOwner
  readonly limit: number
  readonly queue: number
  readonly strict: boolean
  readonly shares: Classes | undefined
  readonly clock: Clock
  readonly random: Random
}

/**
 * One instance's side of a shared limit. Two counters that only grow, what was granted and what was given back, say how
 * many slots are here; so a message that is lost, late, repeated or overtaken does no harm. Each registration (`life`)
 * has counters of its own.
 */
export class SlotSession {
  readonly #parts: SlotSessionParts
  readonly #name: string
  readonly #unlisten: () => void
  readonly #lease: SlotLease
  readonly #hearings: SlotHearings
  #life = 0
  #granted = 0
  #returned = 0
  #seq = 0
  #applied = 0
  /** Reports without an answer, and those of them it is waited for. */
  #unanswered = 0
  #awaited = 0
  #dirty = false
  readonly #soon: Soon = new Soon(() => this.#report())
  #left = false
  /** Times a lease ran out while slots were in use. */
  lapses = 0
  /** False while the coordinator does not answer. */
  up = true
  #downSince: Instant = -Infinity
  /** What was here when the lease ran out. */
  #kept = Infinity
  /** What kept it from answering, when it last did not. */
  trouble: string | undefined
  fence = 0
  readonly view: SlotView
  /** When something was last granted. */
  tenure: Instant = -Infinity
  last: SlotReply | undefined

  constructor(parts: SlotSessionParts) {
    const { coordinator, owner, clock, random } = parts
    this.#parts = parts
    this.#hearings = new SlotHearings(clock)
    this.view = new SlotView(clock, coordinator.lease)
    const digits = Array.from({ length: 4 }, () => Math.floor(random() * 2 ** 32).toString(36))
    this.#name = digits.join('')
    this.#lease = new SlotLease(coordinator.lease, clock, {
      sync: () => this.sync(),
      expired: () => this.#expired(),
      isIdle: () => this.#idle,
      unused: () => this.held - owner.inflight,
      giveBack: (count) => (this.#returned += count),
    })
    this.#unlisten = coordinator.listen(
      this.#name,
      (news) => this.#heard(news),
      (grace) => this.#voided(grace),
    )
  }

  /** Slots here, whether in use or not. */
  get held(): number {
    return this.#granted - this.#returned
  }

  /** Whether work may begin under the lease. */
  get valid(): boolean {
    return this.#life > 0 && (this.#lease.endless || this.#lease.valid)
  }

  get lapsed(): boolean {
    return !this.valid
  }

  /**
   * How much may be in use here without the coordinator, whatever the policy. Leases run out at different times: as long as
   * others may hold what they were granted before it fell silent, no more than was held here, which is within the limit.
   */
  get mostAlone(): number {
    const { clock, coordinator } = this.#parts
    return clock.now() < this.#downSince + coordinator.lease ? this.#kept : Infinity
  }

  /** For whoever begins to wait now. */
  hearing(): SlotHearing {
    return this.#hearings.next(this.#seq)
  }

  /** Gives slots back that nobody uses. */
  giveBack(count: number): void {
    this.#returned += count
    this.sync()
  }

  /** So many slots are in nobody's use after one was taken. */
  rests(idle: number): void {
    this.#lease.rests(idle)
  }

  /** Reports, as soon as this turn of the event loop is over and the reports before are answered. */
  sync(): void {
    if (this.#left) return
    if (this.#lease.endless && this.#mayAsk) return this.#send(false)
    this.#soon.ask()
  }

  #report(): void {
    if (this.#left) return
    if (this.#mayAsk) this.#send(false)
    else this.#dirty = true
  }

  get #mayAsk(): boolean {
    return this.#awaited < (this.#life > 0 ? FLIGHT : 1) && this.#unanswered < UNANSWERED
  }

  /** Gives everything back and goes. */
  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#lease.stop()
    this.#returned = this.#granted
    if (this.#life > 0) this.#send(true)
    this.#unlisten()
  }

  /** Registered after it had gone: what it was granted with that would lie there until its lease ends. */
  #leaveLate({ report }: SlotAsk, reply: SlotReply | Error): void {
    if (reply instanceof Error || report.life > 0 || reply.life === 0) return
    this.#life = reply.life
    this.#granted = reply.granted
    this.#returned = reply.granted
    this.#send(true)
  }

  #send(leaves: boolean): void {
    const { coordinator, owner, limit, queue, strict, shares, clock } = this.#parts
    const life = this.#life
    this.#dirty = false
    this.#awaited++
    this.#unanswered++
    const report = {
      session: this.#name,
      life,
      seq: ++this.#seq,
      granted: life === 0 ? owner.claim : this.#granted,
      returned: life === 0 ? 0 : this.#returned,
      limit,
      lease: coordinator.lease,
      queue,
      strict,
      shares,
      leaves,
      waiting: leaves ? NOBODY : owner.waiting,
      spare: leaves ? 0 : owner.missed.take(),
      demand: leaves ? [] : owner.demand(clock.now()),
    }
    const ask = new SlotAsk(coordinator, clock, report, this.#ended)
    ask.send()
    if (!ask.settled) this.#arm()
  }

  readonly #ended = (ask: SlotAsk, reply: SlotReply | Error): void => {
    if (ask.settled) this.#unanswered--
    // Late ones are waited for no longer, and were counted when that was found.
    if (!ask.late || !ask.settled) this.#awaited--
    if (this.#left) return this.#leaveLate(ask, reply)
    if (reply instanceof Error) {
      this.trouble = reply.message
      if (!ask.late || !ask.settled) this.#failed()
      return
    }
    this.#answered(ask, reply)
    if (this.#dirty) this.sync()
    this.#arm()
  }

  #down(): void {
    const { coordinator, owner, clock } = this.#parts
    this.#hearings.failed()
    if (!this.up) return
    this.up = false
    this.#downSince = clock.now()
    clock.after(coordinator.lease, () => owner.changed(), { background: true })
  }

  #failed(): void {
    const begins = this.up && this.#life === 0 && this.#unanswered > 0
    this.#down()
    // What may begin alone from now on is in no claim that is under way: only the last one counts.
    if (begins) this.#send(false)
    this.#parts.owner.changed()
    this.#arm()
  }

  #answered({ report: { seq, life, granted }, sent }: SlotAsk, reply: SlotReply): void {
    if (seq <= this.#applied || reply.status === 'stale') return
    if (reply.status === 'unknown') {
      if (life !== this.#life) return
      this.#reclaim(this.#lease.rest, () => this.#lost())
      this.#dirty = true
      return
    }
    if (life === 0) {
      // Only the last registration counts: an earlier one may be replaced by it at any moment.
      if (seq !== this.#seq) return
      this.#register(reply, granted)
    } else if (reply.life !== this.#life) return
    this.#applied = seq
    this.#hearings.answered(seq)
    this.up = true
    this.last = reply
    this.#lease.renew(sent)
    this.#news(reply)
    this.#lease.wake(reply.wake)
  }

  #register(reply: SlotReply, claimed: number): void {
    const { owner, clock } = this.#parts
    this.#life = reply.life
    this.view.reset()
    this.#granted = 0
    this.#returned = 0
    this.#kept = Infinity
    this.tenure = clock.now()
    if (reply.status === 'refused') return owner.disowned()
    // What has ended since it was claimed lies here, and serves whoever is next.
    this.#granted = claimed
  }

  #heard(news: SlotNews): void {
    if (news.life === this.#life && !this.#left) this.#news(news)
  }

  /** Whoever kept count is gone. */
  #voided(grace: Millis): void {
    if (this.#left || this.#life === 0) return
    this.#reclaim(grace, () => {
      this.#down()
      this.#lost()
    })
    this.sync()
  }

  /**
   * No work begins until what is in use has been claimed anew; where that is not answered in time, others may have it.
   * What is pushed for the old registration is void.
   */
  #reclaim(within: Millis, late: () => void): void {
    this.#forget()
    this.#lease.grace(within, late)
  }

  #news(news: SlotNews): void {
    const { owner, clock } = this.#parts
    if (news.granted > this.#granted) {
      const { turns } = news
      for (let at = 0; at < turns.length; at += 4)
        if (turns[at]! > this.#granted) owner.turn(turns[at + 1]!, turns[at + 2]!, turns[at + 3]!)
      this.#granted = news.granted
      this.tenure = clock.now()
    }
    if (news.fence > this.fence) this.fence = news.fence
    if (this.view.learns(news) && news.shed.some((count) => count > 0)) owner.shed(news.shed)
    owner.changed()
    this.#arm()
  }

  #forget(): void {
    this.#life = 0
    this.#granted = 0
    this.#returned = 0
    this.#lease.end()
  }

  get #idle(): boolean {
    const { inflight, waiting } = this.#parts.owner
    return this.up && this.held === 0 && inflight === 0 && waiting.every((count) => count === 0)
  }

  #arm(): void {
    if (!this.#left) this.#lease.arm(this.#life > 0)
  }

  #expired(): void {
    if (this.#left || this.#life === 0) return
    this.#kept = this.held
    this.#forget()
    this.#lost()
  }

  #lost(): void {
    const { owner } = this.#parts
    const used = owner.inflight
    if (used > 0) {
      this.lapses++
      owner.lapsed()
    }
    owner.changed()
    if (!this.#idle) this.sync()
  }
}
