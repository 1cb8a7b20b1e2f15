import type { Clock, Instant, Millis, Random, Timer } from '../ground/index.ts'
import type { Classes, SlotCoordinator, SlotHead, SlotNews, SlotReply } from './coordinator.ts'

/** How long an answer may take before the coordinator counts as down, in ms. */
const PATIENCE = 250
/** A timer this late tells of this process, not of the coordinator. */
const FROZEN = 100
/** Reports nobody has answered yet, at most: clients without a connection keep them for later. */
const UNANSWERED = 4
/** The part of a lease that is left when it counts as lost here: timers are late, and clocks do not run alike. */
const MARGIN = 0.05
/** Of those who wait, how many are told of one by one where each must be served in its turn. */
const NAMED = 16
const NOBODY: Classes = [0, 0, 0, 0]

/** What a session tells of, and asks, the gate it works for. */
export interface SlotSessionOwner {
  /** In use, under the present registration. */
  readonly inflight: number
  readonly waiting: Classes
  /** Arrivals that would not wait and found no slot since this was last asked. */
  takeMissed(): number
  heads(count: number, now: Instant): SlotHead[]
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
  #life = 0
  #granted = 0
  #returned = 0
  #seq = 0
  #applied = 0
  #number = 0
  /** Until when work may begin. */
  #deadline: Instant = -Infinity
  #lapse: Timer | undefined
  #beat: Timer | undefined
  #wake: Timer | undefined
  #unanswered = 0
  #waitsForAnswer = false
  #dirty = false
  #scheduled = false
  #idleLow = 0
  #beats = 0
  #left = false
  /** Times a lease ran out while slots were in use. */
  lapses = 0
  /** False while the coordinator does not answer. */
  up = true
  /** What kept it from answering, when it last did not. */
  trouble: string | undefined
  fence = 0
  foreign = -1
  fair = 0
  /** When something was last granted. */
  tenure: Instant = -Infinity
  last: SlotReply | undefined

  constructor(parts: SlotSessionParts) {
    this.#parts = parts
    const digits = Array.from({ length: 4 }, () => Math.floor(parts.random() * 2 ** 32).toString(36))
    this.#name = digits.join('')
    this.#unlisten = parts.coordinator.listen(this.#name, (news) => this.#heard(news))
  }

  /** Slots here, whether in use or not. */
  get held(): number {
    return this.#granted - this.#returned
  }

  /** Whether work may begin under the lease. */
  get valid(): boolean {
    // Where leases do not end no clock is read.
    return this.#deadline === Infinity || (this.#life > 0 && this.#parts.clock.now() < this.#deadline)
  }

  get lapsed(): boolean {
    return !this.valid
  }

  /** Gives slots back that nobody uses. */
  giveBack(count: number): void {
    this.#returned += count
    this.sync()
  }

  /** So many slots are in nobody's use after one was taken. */
  rests(idle: number): void {
    if (idle < this.#idleLow) this.#idleLow = idle
  }

  /** Reports, as soon as this turn of the event loop is over and the last report is answered. */
  sync(): void {
    if (this.#left) return
    if (this.#waitsForAnswer || this.#unanswered >= UNANSWERED) {
      this.#dirty = true
      return
    }
    if (this.#parts.coordinator.lease === Infinity) return this.#send(false)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (this.#waitsForAnswer) this.#dirty = true
      else if (!this.#left) this.#send(false)
    })
  }

  /** Gives everything back and goes. */
  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#lapse?.cancel()
    this.#beat?.cancel()
    this.#wake?.cancel()
    this.#returned = this.#granted
    if (this.#life > 0) this.#send(true)
    this.#unlisten()
  }

  #send(leaves: boolean): void {
    const { coordinator, owner, limit, queue, strict, clock } = this.#parts
    const now = clock.now()
    const life = this.#life
    const claimed = life === 0 ? owner.inflight : this.#granted
    const seq = ++this.#seq
    this.#dirty = false
    this.#waitsForAnswer = true
    this.#unanswered++
    let settled = false
    let late = false
    let patience: Timer | undefined
    const judge = (until: Instant): void => {
      if (coordinator.lease === Infinity) return
      patience = clock.after(
        until - clock.now(),
        () => {
          if (settled) return
          // It was this process that stood still: the answer may lie at the door.
          if (clock.now() - until > FROZEN) return judge(clock.now() + PATIENCE)
          late = true
          this.trouble = `no answer within ${PATIENCE} ms`
          this.#failed()
        },
        { background: true },
      )
    }
    const waiting = leaves ? NOBODY : owner.waiting
    const spare = leaves ? 0 : owner.takeMissed()
    const heads = leaves ? [] : owner.heads(strict ? NAMED : 1, now)
    const report = { session: this.#name, life, seq, granted: claimed, returned: life === 0 ? 0 : this.#returned }
    coordinator.sync(
      { ...report, limit, lease: coordinator.lease, queue, strict, leaves, waiting: [...waiting], spare, heads },
      (reply) => {
        settled = true
        this.#unanswered--
        patience?.cancel()
        if (!late) this.#waitsForAnswer = false
        if (this.#left) return
        if (reply instanceof Error) {
          this.trouble = reply.message
          if (!late) this.#failed()
          return
        }
        this.#answered(reply, seq, life, claimed, now)
        if (this.#dirty) this.sync()
        this.#arm()
      },
    )
    if (!settled) {
      judge(now + PATIENCE)
      this.#arm()
    }
  }

  #failed(): void {
    this.#waitsForAnswer = false
    if (this.#left) return
    this.up = false
    this.#parts.owner.changed()
    this.#arm()
  }

  #answered(reply: SlotReply, seq: number, life: number, claimed: number, sent: Instant): void {
    const { coordinator } = this.#parts
    if (seq <= this.#applied || reply.status === 'stale') return
    if (reply.status === 'unknown') {
      if (life !== this.#life) return
      // No work begins until what is in use has been claimed; what is pushed for the old registration is void.
      this.#forget()
      this.#dirty = true
      return
    }
    if (life === 0) {
      // Only the last registration counts: an earlier one may be replaced by it at any moment.
      if (seq !== this.#seq) return
      this.#register(reply, claimed)
    } else if (reply.life !== this.#life) return
    this.#applied = seq
    this.up = true
    this.last = reply
    this.#deadline = coordinator.lease === Infinity ? Infinity : sent + coordinator.lease * (1 - MARGIN)
    this.#news(reply)
    this.#rewake(reply.wake)
  }

  #register(reply: SlotReply, claimed: number): void {
    const { owner, clock } = this.#parts
    this.#life = reply.life
    this.#number = 0
    this.#granted = 0
    this.#returned = 0
    this.tenure = clock.now()
    if (reply.status === 'refused') return owner.disowned()
    // What has ended since it was claimed lies here, and serves whoever is next.
    this.#granted = claimed
  }

  #heard(news: SlotNews): void {
    if (news.life === this.#life && !this.#left) this.#news(news)
  }

  #news(news: SlotNews): void {
    const { owner, clock } = this.#parts
    const fresh = news.number > this.#number
    if (news.granted > this.#granted) {
      this.#granted = news.granted
      this.tenure = clock.now()
    }
    if (news.fence > this.fence) this.fence = news.fence
    if (fresh) {
      this.#number = news.number
      if (news.foreign > -2) {
        this.foreign = news.foreign
        this.fair = news.fair
      }
      if (news.shed.some((count) => count > 0)) owner.shed(news.shed)
    }
    owner.changed()
    this.#arm()
  }

  #forget(): void {
    this.#life = 0
    this.#granted = 0
    this.#returned = 0
    this.#deadline = -Infinity
  }

  #rewake(wake: Millis): void {
    this.#wake?.cancel()
    this.#wake = undefined
    if (wake > 0 && !this.#idle) this.#wake = this.#parts.clock.after(wake + 2, () => this.sync(), { background: true })
  }

  get #idle(): boolean {
    const { inflight, waiting } = this.#parts.owner
    return this.up && this.held === 0 && inflight === 0 && waiting.every((count) => count === 0)
  }

  /** Sees to it that the lease is renewed in time, and that its end is noticed. */
  #arm(): void {
    const { coordinator, clock } = this.#parts
    const { lease } = coordinator
    if (lease === Infinity || this.#left) return
    this.#beat ??= this.#idle ? undefined : clock.after(lease / 4, this.#beats4, { background: true })
    if (this.#life > 0 && this.#lapse === undefined && this.#deadline > -Infinity)
      this.#lapse = clock.after(this.#deadline - clock.now(), this.#expire, { background: true })
  }

  readonly #beats4 = (): void => {
    this.#beat = undefined
    if (this.#idle || this.#left) return
    // What nobody has used for a whole lease is of more use elsewhere.
    if (++this.#beats % 2 === 0) {
      const idle = Math.max(0, this.held - this.#parts.owner.inflight)
      if (this.#idleLow > 0) this.#returned += Math.min(this.#idleLow, idle)
      this.#idleLow = Math.max(0, this.held - this.#parts.owner.inflight)
    }
    this.sync()
    this.#arm()
  }

  readonly #expire = (): void => {
    this.#lapse = undefined
    if (this.#left || this.#life === 0) return
    if (this.valid) return this.#arm()
    const { owner } = this.#parts
    const used = owner.inflight
    this.#forget()
    if (used > 0) {
      this.lapses++
      owner.lapsed()
    }
    owner.changed()
    if (!this.#idle) this.sync()
  }
}
