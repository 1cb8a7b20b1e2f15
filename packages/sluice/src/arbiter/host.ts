import {
  memoryBuckets,
  memorySlots,
  type BucketsAccount,
  type BucketsGrant,
  type BucketsStatement,
  type SharedBudget,
  type SlotCoordinator,
  type SlotNews,
  type SlotReply,
  type SlotReport,
} from '../coordinate/index.ts'
import { systemWallClock, type Clock } from '../ground/index.ts'
import { fenceSeen } from './fences.ts'
import type { Learning } from './learning.ts'

/** Sessions, and accounts, of one process, at most. */
const [SESSIONS, ACCOUNTS] = [4096, 65_536]

/** One process that shares limits: this one, or one at the other end of a connection. */
export interface Guest {
  told(session: string, news: SlotNews): void
  /** @param isTurn only that there is enough by now for whoever waits */
  noticed(session: string, isTurn: boolean): void
}

interface Limit {
  readonly key: string
  readonly slots: SlotCoordinator
  readonly seats: Map<string, Seat>
}

/** A session, and whose it is. */
interface Seat {
  readonly limit: Limit
  guest: Guest
  report: SlotReport
  life: number
  stop: () => void
}

/** What a guest has here. */
interface Belongings {
  readonly seats: Set<Seat>
  readonly accounts: Map<string, BucketsAccount>
}

export interface HostOptions {
  readonly clock: Clock
  readonly learning: Learning
  /** Fences are higher than this. */
  readonly fence: number
}

/** Keeps count for all processes of a machine, as long as it lives. Whose connection ends, has given everything back. */
export class Host {
  readonly #clock: Clock
  readonly #learning: Learning
  readonly #limits = new Map<string, Limit>()
  readonly #buckets
  readonly #guests = new Map<Guest, Belongings>()
  #fence: number
  #lent = false

  constructor({ clock, learning, fence }: HostOptions) {
    this.#clock = clock
    this.#learning = learning
    this.#fence = fence
    this.#buckets = memoryBuckets({ clock })
  }

  get learning(): boolean {
    return this.#learning.rest() > 0
  }

  /** True where nobody has anything of it, nor can have had: whoever comes next need not listen first. */
  get isVacant(): boolean {
    return !this.learning && !this.#lent && this.#limits.size === 0
  }

  /** Of all that were ever given, also by those before; the highest that anybody has told of. */
  get fence(): number {
    return this.#fence
  }

  /** Somebody has said who it is, and the highest fence it has seen. */
  greeted(id: string, fence: number): void {
    this.#learning.heard(id)
    this.#fence = Math.max(this.#fence, fenceSeen(fence, systemWallClock()))
  }

  sync(guest: Guest, key: string, report: SlotReport, answer: (reply: SlotReply | Error) => void): void {
    const limit = this.#limits.get(key) ?? this.#newLimit(key)
    const seat = limit.seats.get(report.session) ?? this.#newSeat(guest, limit, report)
    if (seat.guest !== guest) this.#moved(seat, guest)
    seat.report = report
    limit.slots.sync(report, (reply) => {
      if (!(reply instanceof Error)) {
        seat.life = reply.life
        if (reply.fence > this.#fence) this.#fence = reply.fence
      }
      answer(reply)
    })
    if (report.leaves) this.#empty(seat)
  }

  #newLimit(key: string): Limit {
    const slots = memorySlots({ clock: this.#clock, learning: this.#learning.rest, fence: this.#fence })
    const limit = { key, slots, seats: new Map() }
    this.#limits.set(key, limit)
    return limit
  }

  #newSeat(guest: Guest, limit: Limit, report: SlotReport): Seat {
    const { seats } = this.#of(guest)
    if (seats.size >= SESSIONS) throw new Error('arbiter: too many sessions of one process')
    const { session } = report
    const seat: Seat = { limit, guest, report, life: 0, stop: () => {} }
    seat.stop = limit.slots.listen(session, (news) => {
      if (news.fence > this.#fence) this.#fence = news.fence
      seat.guest.told(session, news)
    })
    limit.seats.set(session, seat)
    seats.add(seat)
    return seat
  }

  /** It came back by another way before it was seen that the old one had ended. */
  #moved(seat: Seat, guest: Guest): void {
    this.#guests.get(seat.guest)?.seats.delete(seat)
    this.#of(guest).seats.add(seat)
    seat.guest = guest
  }

  #empty(seat: Seat): void {
    const { limit, guest, report } = seat
    seat.stop()
    limit.seats.delete(report.session)
    this.#guests.get(guest)?.seats.delete(seat)
    if (limit.seats.size === 0) this.#limits.delete(limit.key)
  }

  #of(guest: Guest): Belongings {
    let own = this.#guests.get(guest)
    if (own === undefined) {
      own = { seats: new Set(), accounts: new Map() }
      this.#guests.set(guest, own)
    }
    return own
  }

  /** Rejects, or throws, what makes no sense. */
  state(
    guest: Guest,
    budget: SharedBudget,
    tenant: string,
    session: string,
    statement: BucketsStatement,
  ): Promise<BucketsGrant> {
    this.#lent = true
    const { accounts } = this.#of(guest)
    let account = accounts.get(session)
    if (account === undefined) {
      account = this.#buckets.open(budget, tenant, session, (isTurn) => guest.noticed(session, isTurn === true))
      const [oldest] = accounts.keys()
      if (oldest !== undefined && accounts.size >= ACCOUNTS) this.forget(guest, oldest)
      accounts.set(session, account)
    }
    // While it listens nobody counts as new: what was taken of the one before is not known, so nothing is left.
    return account.state(this.learning ? { ...statement, known: true } : statement)
  }

  /** Closes an account. */
  forget(guest: Guest, session: string): void {
    const accounts = this.#guests.get(guest)?.accounts
    accounts?.get(session)?.close()
    accounts?.delete(session)
  }

  /** A guest has gone: what it had is free at once. */
  gone(guest: Guest): void {
    const own = this.#guests.get(guest)
    if (own === undefined) return
    this.#guests.delete(guest)
    for (const account of own.accounts.values()) account.close()
    // First nobody of them is to be told anything, or what one gives back would go to the next.
    for (const seat of own.seats) seat.stop()
    for (const seat of own.seats) {
      const { limit, report, life } = seat
      const leaves = { ...report, life, seq: report.seq + 1, leaves: true }
      if (life > 0) limit.slots.sync(leaves, () => {})
      this.#empty(seat)
    }
  }
}
