import { systemClock, type Clock, type Instant, type Millis } from '../ground/index.ts'
import { fullAfter, isCovered, timeUntil, tokensAt } from '../gate/index.ts'
import {
  COUNTED,
  HEARD_OF,
  KEPT,
  type BucketsAccount,
  type BucketsCoordinator,
  type BucketsGrant,
  type BucketsStatement,
  type SharedBudget,
  type SharedRefill,
} from './buckets.ts'

/** An account, as the coordinator sees it. */
interface Account {
  turn: number
  /** Not noted at every statement: see {@link COUNTED}. */
  heard: Instant
  level: number[]
}

/** The buckets of one tenant. */
interface Shelf {
  readonly fullAt: Instant[]
  readonly accounts: Map<string, Account>
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

/** New tenants between two looks at which of the old may go. */
const ROUND = 1024

/**
 * A coordinator inside this process: for one process, and for tests. The same state machine as the script that runs in
 * Redis; statement by statement it answers the same.
 */
export function memoryBuckets(options: MemoryBucketsOptions = {}): MemoryBuckets {
  return new MemoryBuckets(options.clock ?? systemClock)
}

/** See {@link memoryBuckets}. */
export class MemoryBuckets implements BucketsCoordinator {
  readonly #clock: Clock
  readonly #shelves = new Map<string, Shelf>()
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

  open(budget: SharedBudget, tenant: string, session: string): BucketsAccount {
    const key = JSON.stringify([budget.name, budget.buckets.map(({ name }) => name), tenant])
    return {
      state: (statement) => {
        try {
          return Promise.resolve(this.#state(key, budget.buckets, session, statement))
        } catch (error) {
          return Promise.reject(error)
        }
      },
    }
  }

  #state(key: string, buckets: readonly SharedRefill[], session: string, statement: BucketsStatement): BucketsGrant {
    const now = this.#clock.now()
    const shelf = this.#shelfOf(key, buckets, now)
    const { fullAt } = shelf
    let account = shelf.accounts.get(session)
    if (account !== undefined && statement.turn <= account.turn)
      throw new Error(`statement ${statement.turn} came after ${account.turn}`)
    if (account === undefined) {
      forgetOld(shelf, now)
      if (statement.known && !shelf.emptied) {
        // It was there, and is not: nobody knows how much was left, so nothing was.
        shelf.emptied = true
        buckets.forEach((bucket, at) => (fullAt[at] = fullAfter(bucket, -Infinity, bucket.capacity, now)))
      }
      account = { turn: 0, heard: -Infinity, level: [...statement.claim] }
      shelf.accounts.set(session, account)
    }
    account.turn = statement.turn
    if (now - account.heard > COUNTED) {
      account.heard = now
      shelf.sessions = sessionsOf(shelf, now)
    }
    const grant = answer(buckets, fullAt, account, statement, shelf.sessions, now)
    shelf.expires = Math.max(now, ...fullAt) + KEPT
    return grant
  }

  #shelfOf(key: string, buckets: readonly SharedRefill[], now: Instant): Shelf {
    const known = this.#shelves.get(key)
    if (known !== undefined && known.expires > now) return known
    if (++this.#welcomed % ROUND === 0)
      for (const [other, { expires }] of this.#shelves) if (expires <= now) this.#shelves.delete(other)
    const fullAt = buckets.map(() => now)
    const shelf = { fullAt, accounts: new Map(), sessions: 0, expires: Infinity, emptied: false }
    this.#shelves.set(key, shelf)
    return shelf
  }
}

/** Brings the account to where it should be, and fills `fullAt` in. */
function answer(
  buckets: readonly SharedRefill[],
  fullAt: Instant[],
  account: Account,
  { keep, need, want }: BucketsStatement,
  sessions: number,
  now: Instant,
): BucketsGrant {
  let granted = true
  let retryAfter: Millis = 0
  buckets.forEach((bucket, at) => {
    fullAt[at] = Math.max(now, fullAfter(bucket, fullAt[at]!, keep[at]! - account.level[at]!, now))
    const short = need[at]! - keep[at]!
    if (short <= 0 || isCovered(bucket, fullAfter(bucket, fullAt[at], short, now), now)) return
    granted = false
    retryAfter = Math.max(retryAfter, timeUntil(bucket, fullAt[at], short, now))
  })
  account.level = buckets.map((bucket, at) => {
    if (!granted) return keep[at]!
    const left = tokensAt(bucket, fullAt[at]!, now) - (need[at]! - keep[at]!)
    const more = Math.max(0, Math.min(want[at]! - need[at]!, left / sessions))
    fullAt[at] = fullAfter(bucket, fullAt[at]!, need[at]! - keep[at]! + more, now)
    return need[at]! + more
  })
  const available = buckets.map((bucket, at) => tokensAt(bucket, fullAt[at]!, now))
  return { granted, retryAfter, sessions, level: [...account.level], available }
}

function sessionsOf(shelf: Shelf, now: Instant): number {
  let count = 0
  for (const { heard } of shelf.accounts.values()) if (heard > now - HEARD_OF) count++
  return count
}

function forgetOld(shelf: Shelf, now: Instant): void {
  for (const [session, { heard }] of shelf.accounts) if (heard <= now - KEPT) shelf.accounts.delete(session)
}
