import type { Millis } from '../ground/index.ts'
import type { Refill } from '../gate/index.ts'

/** Buckets that many processes take from together. */
export interface SharedBudget {
  /** Processes that give the same name, and the same names of buckets, share. */
  readonly name: string
  /** In an order that is the same in every statement. At least one. */
  readonly buckets: readonly SharedRefill[]
}

/** One of the buckets: a rate of requests, of tokens. */
export interface SharedRefill extends Refill {
  readonly name: string
}

/**
 * What a process says of its account with one tenant. Levels, not movements: how many tokens of each bucket are on the
 * account in all, ever since it was opened. So a statement that arrives twice changes nothing the second time, and one
 * whose answer was lost is made good by the next. One figure for each bucket, in their order.
 */
export interface BucketsStatement {
  /** Counts the statements of this account, from 1. What comes after a later one is void. */
  readonly turn: number
  /** True where the coordinator has answered this account within {@link REMEMBERED}: it must know it still. */
  readonly known: boolean
  /** The level it last heard of. Taken at its word where the coordinator does not know the account any more. */
  readonly claim: readonly number[]
  /**
   * What has been used and what is kept: the account is brought to this level whatever is there. Below the level it is at,
   * the difference comes back, though no bucket ever gets fuller than full; above it, it is charged, into debt if need be.
   */
  readonly keep: readonly number[]
  /** What is asked for: all of it, or nothing at all. At least `keep`. */
  readonly need: readonly number[]
  /** What would be taken beyond, as far as there is enough for everybody. At least `need`. */
  readonly want: readonly number[]
  /** The limits it goes by, and since when they hold. */
  readonly pace: BucketsPace
  /** What part of each bucket is kept for whoever is critical: `want` leaves it, and `need` unless `critical`. 0 to 1. */
  readonly reserve: number
  readonly critical: boolean
  /** How much longer nobody may take, as far as is known here, in ms. Taken at its word after a loss, else only as news. */
  readonly hold: Millis
  /** What a provider has said since the last answer. */
  readonly news?: BucketsNews | undefined
  /** For whom `need` is asked. Without it, it is for nobody who waits, and comes after all who do. */
  readonly demand?: BucketsDemand | undefined
}

/**
 * Who asks, where there is not enough for everybody. The store keeps it in mind until the next statement of the account, or
 * until that is overdue by {@link OVERDUE}. What somebody who comes first is still short of is granted to nobody behind.
 */
export interface BucketsDemand {
  /** The best class first: 0 to 3. */
  readonly priority: number
  /** Whose line it is: in a class the line that has been charged least is first. A process, or a tenant of several. */
  readonly line: string
  /** What its line is charged when it is granted, divided by the weight of the line. At least 0. */
  readonly charge: number
  /** How long it has been next in its process, in ms: of one line whoever has been so longest is first. */
  readonly age: Millis
  /** False where nobody waits for it: then nothing is kept for it. */
  readonly waits: boolean
  /**
   * What lines were charged since the last statement beyond what was granted; 0 for those of which only the account is
   * wanted. Movements, not levels: said twice it counts twice, so what may have been heard is not said again.
   */
  readonly told: readonly BucketsCharge[]
  /** How many of `told`, from the first, have somebody waiting: what comes back does not begin before them. */
  readonly abreast: number
}

/** So much more a line was charged; below 0 so much less. */
export interface BucketsCharge {
  readonly line: string
  readonly more: number
}

/** How the lines stand, as long as somebody waits. */
export interface BucketsStanding {
  /** Which time of waiting it is: charges are counted from 0 in each. */
  readonly episode: number
  /** What a line begins with that comes (back). */
  readonly virtual: number
  /** What the lines of `told` have been charged by now, in that order. */
  readonly charged: readonly number[]
}

/** The limits of a tenant's buckets. */
export interface BucketsPace {
  /**
   * What holds is what has the highest. 0 for what the process was made with, and then nothing is remembered; given by
   * the coordinator, in microseconds of its clock, to what comes as news.
   */
  readonly stamp: number
  readonly refills: readonly Refill[]
}

/** What a provider has said of a tenant's buckets. Said twice it changes nothing. */
export interface BucketsNews {
  /** True where `pace` is new, and has to be given a stamp. */
  readonly pace: boolean
  /** True where the others should hear of it at once. */
  readonly urgent: boolean
  /** No more than so much is left of each; `Infinity` where nothing was said. */
  readonly most: readonly number[]
}

/** What the coordinator answers. */
export interface BucketsGrant {
  /** True where `need` was met. */
  readonly granted: boolean
  /** When it could be met if nobody takes anything meanwhile, in ms; 0 where it was. */
  readonly retryAfter: Millis
  /** How many accounts with this tenant have been heard of lately, this one included. */
  readonly sessions: number
  /** The level the account is at now: from `need` to `want`, or `keep`. */
  readonly level: readonly number[]
  /** What is left for everybody, to a millionth; below 0 while in debt. */
  readonly available: readonly number[]
  /** How much longer nobody may take, in ms; 0 where everybody may. */
  readonly hold: Millis
  /** The limits that hold, where they are others than were stated. */
  readonly pace?: BucketsPace | undefined
  /** Where there was a `demand`, and somebody waits: then what was granted has been charged to its line. */
  readonly standing?: BucketsStanding | undefined
}

/** The account of one process with one tenant. */
export interface BucketsAccount {
  /** Rejects where the coordinator cannot be reached, or has had a later statement. Deadlines are the caller's. */
  state(statement: BucketsStatement): Promise<BucketsGrant>
  /** Hears nothing any more. What it has been granted stays on the account. */
  close(): void
}

/**
 * Where the buckets of all processes are. Time is the coordinator's own: what a caller's clock says is never sent. Two
 * implementations under the same laws: `memoryBuckets` for one process, `redisBuckets` for many.
 */
export interface BucketsCoordinator {
  /**
   * Opens an account; costs nothing until something is stated.
   * @param session names it: letters and digits, different for each account ever opened
   * @param noticed called, as soon as may be, when another account has had urgent news: what was granted before may not be
   * used any more. With `true` it is only that there is enough by now for whoever waits: it should ask again. It may not
   * be called at all.
   */
  open(budget: SharedBudget, tenant: string, session: string, noticed?: (isTurn?: boolean) => void): BucketsAccount
}

/** How long an account that has had an answer may count on being known, in ms. */
export const REMEMBERED: Millis = 30_000

/** How long an account counts among the `sessions` after it was last heard of, in ms. */
export const HEARD_OF: Millis = 30_000

/** How long a coordinator remembers an account at least, and buckets beyond the time at which they are full, in ms. */
export const KEPT: Millis = 60_000

/** How exactly it is known when an account was last heard of, in ms: noting it every time would cost more than it is worth. */
export const COUNTED: Millis = 500

/** What is granted beyond need, and what is said to be left, is counted in so many parts of a token. */
export const PARTS: number = 2 ** 20

/** The most that is granted beyond need: what is counted in {@link PARTS} stays a whole number that every client can read. */
export const MOST_SPARE: number = 2 ** 32

/** How long who may not take believes that nobody has given anything back, and does not ask again, in ms. */
export const BELIEVED: Millis = 1000

/** So much later than it should have asked again a demand is given up, in ms. */
export const OVERDUE: Millis = 250

/** Who asks again within this anyway is not called, in ms. */
export const SOON: Millis = 5

/** How long a line that has been served counts as one that waits, though it has not asked again yet, in ms. */
export const SERVED: Millis = 250

/** How long after the last demand that could not be met the charges of lines are forgotten, in ms. */
export const EPISODE: Millis = 1000

/** Demands and lines that are kept in mind, of one tenant's buckets. */
export const DEMANDS = 256
export const LINES = 1024
