import { checkOptions, systemClock, type Clock, type Instant, type Millis } from '../ground/index.ts'
import { fullAfter, isCovered, timeUntil, tokensAt, type Refill } from '../gate/index.ts'
import {
  COUNTED,
  HEARD_OF,
  KEPT,
  MOST_SPARE,
  PARTS,
  type BucketsAccount,
  type BucketsCoordinator,
  type BucketsGrant,
  type BucketsPace,
  type BucketsStatement,
  type SharedBudget,
} from './buckets.ts'
import { Demands } from './buckets-demands.ts'

/** An account, as the coordinator sees it. */
interface Account {
  turn: number
  /** Not noted at every statement: see {@link COUNTED}. */
  heard: Instant
  /** Which limits held when it was last heard of. */
  stamp: number
  level: number[]
}

/** The buckets of one tenant. */
interface Shelf {
  readonly fullAt: Instant[]
  readonly accounts: Map<string, Account>
  readonly demands: Demands
  pace: BucketsPace
  heldUntil: Instant
  /** Those heard of lately. */
  sessions: number
  /** When nothing in it is worth keeping. */
  expires: Instant
  /** True once it was found to be made anew after a loss. */
  emptied: boolean
}

export interface MemoryBucketsOptions {
  /** Times the buckets. Default: the platform's. */
  readonly clock?: Clock
}

/** A millionth of a token is rounding, not greed. */
const ROUNDING = 1e-6

/** New tenants between two looks at which of the old may go. */
const ROUND = 1024

/**
 * A coordinator inside this process: for one process, and for tests. The same state machine as the script that runs in
 * Redis; statement by statement it answers the same.
 */
export function memoryBuckets(options: MemoryBucketsOptions = {}): MemoryBuckets {
  return new MemoryBuckets(checkOptions('memoryBuckets', options).clock ?? systemClock)
}

/** See {@link memoryBuckets}. */
export class MemoryBuckets implements BucketsCoordinator {
  readonly #clock: Clock
  readonly #shelves = new Map<string, Shelf>()
  readonly #listeners = new Map<string, Map<string, (isTurn?: boolean) => void>>()
  #welcomed = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Tenants that are remembered. */
  get tenants(): number {
    return this.#shelves.size
  }

  /** Forgets everything, as a server does that loses its data. */
  forget(): void {
    this.#shelves.clear()
  }

  open(budget: SharedBudget, tenant: string, session: string, noticed?: (isTurn?: boolean) => void): BucketsAccount {
    const key = JSON.stringify([budget.name, budget.buckets.map(({ name }) => name), tenant])
    const listeners = this.#listeners.get(key) ?? new Map<string, (isTurn?: boolean) => void>()
    if (noticed !== undefined) this.#listeners.set(key, listeners.set(session, noticed))
    return {
      state: (statement) => {
        try {
          const { called, ...grant } = this.#state(key, session, statement)
          if (called !== undefined) listeners.get(called)?.(true)
          if (statement.news?.urgent === true) for (const [other, notice] of listeners) if (other !== session) notice()
          return Promise.resolve(grant)
        } catch (error) {
          return Promise.reject(error)
        }
      },
      close: () => {
        listeners.delete(session)
        if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key)
      },
    }
  }

  #state(key: string, session: string, statement: BucketsStatement): Answer {
    const now = this.#clock.now()
    const shelf = this.#shelfOf(key, statement, now)
    let account = shelf.accounts.get(session)
    if (account !== undefined && statement.turn <= account.turn)
      throw new Error(`statement ${statement.turn} came after ${account.turn}`)
    pace(shelf, statement, now)
    if (statement.hold > 0 && (statement.news !== undefined || (account === undefined && statement.known)))
      shelf.heldUntil = Math.max(shelf.heldUntil, now + statement.hold)
    if (account === undefined) {
      forgetOld(shelf, now)
      if (statement.known && !shelf.emptied) {
        // It was there, and is not: nobody knows how much was left, so nothing was; who came before has it to pay back.
        shelf.emptied = true
        shelf.pace.refills.forEach((refill, at) => {
          shelf.fullAt[at] = fullAfter(refill, shelf.fullAt[at]!, refill.capacity, now)
        })
      }
      account = { turn: 0, heard: -Infinity, stamp: statement.pace.stamp, level: [...statement.claim] }
      shelf.accounts.set(session, account)
    }
    account.turn = statement.turn
    if (now - account.heard > COUNTED) {
      account.heard = now
      shelf.sessions = sessionsOf(shelf, now)
    }
    const grant = answer(shelf, session, account, statement, now)
    const { refills } = shelf.pace
    const reserve = (at: number, priority: number): number =>
      priority === CRITICAL ? 0 : statement.reserve * refills[at]!.capacity
    const left = (at: number, priority: number): number =>
      tokensAt(refills[at]!, shelf.fullAt[at]!, now) - reserve(at, priority)
    const called = grant.hold > 0 ? undefined : shelf.demands.call(left, now)
    shelf.expires = Math.max(now, shelf.heldUntil, ...shelf.fullAt) + KEPT
    return { ...grant, called }
  }

  #shelfOf(key: string, { pace: { refills } }: BucketsStatement, now: Instant): Shelf {
    const known = this.#shelves.get(key)
    if (known !== undefined && known.expires > now) return known
    if (++this.#welcomed % ROUND === 0)
      for (const [other, { expires }] of this.#shelves) if (expires <= now) this.#shelves.delete(other)
    const fullAt = refills.map(() => now)
    const rest = { sessions: 0, expires: Infinity, emptied: false, heldUntil: -Infinity }
    const shelf = { fullAt, accounts: new Map(), demands: new Demands(), pace: { stamp: 0, refills }, ...rest }
    this.#shelves.set(key, shelf)
    return shelf
  }
}

/** Settles which limits hold from now on. What is left stays, as far as it fits. */
function pace(shelf: Shelf, { pace: stated, news }: BucketsStatement, now: Instant): void {
  const { stamp, refills } = shelf.pace
  const isNew = news?.pace === true
  if (!isNew && (stated.stamp < stamp || (stamp > 0 && stated.stamp === stamp))) return
  const next = isNew ? Math.max(Math.floor(now * 1000), stamp + 1) : stated.stamp
  if (next > stamp)
    stated.refills.forEach((to, at) => (shelf.fullAt[at] = moved(shelf.fullAt[at]!, refills[at]!, to, now)))
  shelf.pace = { stamp: next, refills: stated.refills }
}

function moved(fullAt: Instant, from: Refill, to: Refill, now: Instant): Instant {
  return now + (to.capacity - Math.min(to.capacity, tokensAt(from, fullAt, now))) * to.interval
}

/** What is answered, and whose turn it is sooner than it knows. */
interface Answer extends BucketsGrant {
  readonly called: string | undefined
}

/** The class for which there is a reserve. */
const CRITICAL = 3

/** Brings the account to where it should be, and `fullAt`. */
function answer(
  shelf: Shelf,
  session: string,
  account: Account,
  statement: BucketsStatement,
  now: Instant,
): BucketsGrant {
  const { fullAt, sessions, demands } = shelf
  const { refills } = shelf.pace
  const { keep, need, want, news, reserve, critical, demand } = statement
  const asking = demands.ask(session, statement, now)
  const hold: Millis = Math.max(0, shelf.heldUntil - now)
  let [granted, fits] = [hold === 0, true]
  let retryAfter = hold
  refills.forEach((refill, at) => {
    const most = (refill.capacity - (news?.most[at] ?? Infinity)) * refill.interval
    let charge = keep[at]! - account.level[at]!
    // What was taken under other limits may be more than there is under these: it does not come back.
    if (account.stamp < shelf.pace.stamp) charge = Math.max(0, charge)
    fullAt[at] = Math.max(now, fullAfter(refill, fullAt[at]!, charge, now), now + most)
    if (need[at]! <= keep[at]!) return
    const own = need[at]! - keep[at]! + (critical ? 0 : reserve * refill.capacity)
    const short = own + asking.ahead[at]!
    if (isCovered(refill, fullAfter(refill, fullAt[at], short, now), now)) return
    granted = false
    if (own > refill.capacity + ROUNDING) fits = false
    retryAfter = Math.max(retryAfter, timeUntil(refill, fullAt[at], short, now))
  })
  account.level = refills.map((refill, at) => {
    if (!granted) return keep[at]!
    const left = tokensAt(refill, fullAt[at]!, now) - (need[at]! - keep[at]!) - reserve * refill.capacity
    const spare = Math.min(MOST_SPARE, want[at]! - need[at]!, (left - asking.all[at]!) / sessions)
    const more = Math.max(0, Math.floor(spare * PARTS)) / PARTS
    fullAt[at] = fullAfter(refill, fullAt[at]!, need[at]! - keep[at]! + more, now)
    return need[at]! + more
  })
  if (demand !== undefined) {
    const needs = need.map((level, at) => level - keep[at]!)
    demands.answered(session, demand, needs, asking, { granted, fits, hold, retryAfter }, now)
  }
  demands.advance()
  account.stamp = shelf.pace.stamp
  const available = refills.map((refill, at) => Math.floor(tokensAt(refill, fullAt[at]!, now) * PARTS) / PARTS)
  const standing = demand && demands.standing(demand)
  const level = [...account.level]
  const grant = { granted, retryAfter, sessions, level, available, hold, ...(standing && { standing }) }
  return shelf.pace.stamp === statement.pace.stamp && news?.pace !== true ? grant : { ...grant, pace: shelf.pace }
}

function sessionsOf(shelf: Shelf, now: Instant): number {
  let count = 0
  for (const { heard } of shelf.accounts.values()) if (heard > now - HEARD_OF) count++
  return count
}

function forgetOld(shelf: Shelf, now: Instant): void {
  for (const [session, { heard }] of shelf.accounts) if (heard <= now - KEPT) shelf.accounts.delete(session)
}
